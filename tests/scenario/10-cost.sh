#!/bin/bash
# What a run costs that no other process on the computer can change: syncs, looks at managed paths, peak memory.
. "$(dirname "$0")/../lib/all.sh"

FILES=10000 LAYER=hosts/cost.example.org HOST_ROOT=$WORK/root

# agent ARGUMENT...: the agent over a root of its own, from a path.
agent() { "$COSMOS" --root "$HOST_ROOT" "$@"; }

# calls LOG PATTERN: how many system calls of this kind the traced run and its children made.
calls() { cat "$1".* | grep -cE "^($2)\("; }

# traced_run LOG: a run, with the calls that are counted below.
traced_run() {
    strace -ff -qq -e trace=file,desc,process,sync,syncfs,fsync,fdatasync -e signal=none -o "$1" \
        "$COSMOS" --root "$HOST_ROOT" run
}

# contents_opened LOG: how often a managed file was opened to be read; their names are numbers, and no other file's is.
contents_opened() { cat "$1".* | grep -E '^openat\([0-9]+, "[0-9]+", ' | grep -cv O_PATH; }

# listed LOG: the folders that were listed, each once.
listed() {
    cat "$1".* | grep -E '^openat\(.*O_DIRECTORY' | grep -v O_PATH | sed -E 's/^openat\([^"]*"([^"]*)".*/\1/' | sort -u
}

# written LOG: the agent's files that were opened for writing, each once.
written() {
    cat "$1".* | grep -E '^openat\(' | grep -E 'O_WRONLY|O_RDWR' | sed -E 's/^openat\([^"]*"([^"]*)".*/\1/' |
        grep -v '^/dev/' | sed -E 's/^[0-9a-f]{16}$/ANSWERED/' | sort -u | paste -sd' '
}

# peak ARGUMENT...: the agent's peak memory, in MiB rounded up. The fetching child counts too.
peak() {
    local kib
    kib=$(env time --format=%M "$COSMOS" --root "$HOST_ROOT" "$@" 2>&1 > /dev/null | tail -n 1)
    echo $(((kib + 1023) / 1024))
}

# at_most WORDS LIMIT FOUND: the claim holds when the number found is not above the limit.
at_most() { check "$1 (at most $2: $3)" test "$3" -le "$2"; }

signer operator ed25519
fleet_new tags operator
for ((i = 0; i < FILES; i++)); do
    mkdir -p "$FLEET/$LAYER/overlay/srv/$((i / 100))"
    printf 'file %08d %2034s\n' "$i" '' > "$FLEET/$LAYER/overlay/srv/$((i / 100))/$i"
done
printf '#!/bin/sh\n:\n' | put "$LAYER/pre-tasks.d/010task" 0755
printf '#!/bin/sh\n:\n' | put "$LAYER/post-tasks.d/010task" 0755
release v-1 operator
mkdir "$HOST_ROOT"
check 'a host is cloned' agent clone "$PUBLISHED" --trust "$(introduction operator)" --fqdn cost.example.org --tags 'v-*'
at_most 'it converges; its peak memory in MiB' 16 "$(peak run)"
same 'every file is there' "$FILES" "$(find "$HOST_ROOT/srv" -type f | wc -l)"

check 'a run empties the list of what the first one changed' agent run
check 'a run without news' traced_run "$WORK/quiet"
# Before and after the post-tasks; 700 are for everything else: the program's start, settings, folders, two tasks.
at_most 'it looks at each managed path twice' $((2 * FILES + 700)) "$(calls "$WORK/quiet" 'newfstatat|statx|lstat|stat')"
at_most 'and waits for the disk' 0 "$(calls "$WORK/quiet" 'fsync|fdatasync|syncfs|sync')"
same 'it opens no managed file' 0 "$(contents_opened "$WORK/quiet")"
same 'it lists the folders of its tasks, the remote as it is a path, and no other' \
    "$HOST_ROOT/var/lib/cosmos/model/post-tasks.d $HOST_ROOT/var/lib/cosmos/model/pre-tasks.d refs refs/heads refs/tags" \
    "$(listed "$WORK/quiet" | sed "s,^$PUBLISHED/,," | sort | paste -sd' ')"
same 'it writes who holds the lock, and touches two stamps' 'ANSWERED last-ok.stamp lock' "$(written "$WORK/quiet")"
same 'one process fetches, the others are tasks' 'execs 2 forks 1' \
    "$(family "$WORK/quiet" | grep -v '^task' | paste -sd' ')"
at_most 'its peak memory in MiB' 16 "$(peak run)"

echo changed >> "$FLEET/$LAYER/overlay/srv/0/7"
release v-2 operator
check 'a run with one changed file' traced_run "$WORK/one"
same 'the change arrived' 'changed' "$(tail -n 1 "$HOST_ROOT/srv/0/7")"
at_most 'it looks at each managed path twice, and at the changed folder' $((2 * FILES + 2000)) \
    "$(calls "$WORK/one" 'newfstatat|statx|lstat|stat')"
at_most 'it waits for the disk' 16 "$(calls "$WORK/one" 'fsync|fdatasync|syncfs|sync')"
echo 'changed again' >> "$FLEET/$LAYER/overlay/srv/0/7"
release v-3 operator
at_most 'peak memory in MiB of a run with one changed file' 16 "$(peak run)"
for ((i = 0; i < FILES; i += 10)); do echo changed >> "$FLEET/$LAYER/overlay/srv/$((i / 100))/$i"; done
release v-4 operator
at_most 'and of one with 1,000 changed files' 16 "$(peak run)"

mkdir -p "$HOST_ROOT/etc/cosmos/agent.d"
printf 'format = 1\nverify-content = true\n' > "$HOST_ROOT/etc/cosmos/agent.d/verify.toml"
check 'a run that verifies contents' traced_run "$WORK/verified"
at_most 'it opens each managed file once' $((FILES + 700)) "$(calls "$WORK/verified" 'openat|open')"
same 'and reads all of them' "$FILES" "$(contents_opened "$WORK/verified")"
at_most 'its peak memory in MiB' 16 "$(peak run)"
printf x | dd of="$HOST_ROOT/srv/9/999" conv=notrunc status=none && touch -d @0 "$HOST_ROOT/srv/9/999"
check 'drift is repaired' agent run
same 'all files are as released' '' "$(diff -r "$FLEET/$LAYER/overlay/srv" "$HOST_ROOT/srv")"

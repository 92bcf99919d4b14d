#!/bin/bash
# What a run costs that no other process on the computer can change: syncs, looks at managed paths, peak memory.
. "$(dirname "$0")/../lib/all.sh"

FILES=10000 LAYER=hosts/cost.example.org HOST_ROOT=$WORK/root

# agent ARGUMENT...: the agent over a root of its own, from a path.
agent() { "$COSMOS" --root "$HOST_ROOT" "$@"; }

# calls LOG PATTERN: how many system calls of this kind the traced run and its children made.
calls() { cat "$1".* | grep -cE "^($2)\("; }

# traced_run LOG: a run, with the calls that are counted below.
traced_run() { strace -ff -qq -e trace=file,desc,sync,syncfs,fsync,fdatasync -e signal=none -o "$1" "$COSMOS" --root "$HOST_ROOT" run; }

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
check 'and converges' agent run
same 'every file is there' "$FILES" "$(find "$HOST_ROOT/srv" -type f | wc -l)"

check 'a run without news' traced_run "$WORK/quiet"
# Before and after the post-tasks; 700 are for everything else: the program's start, settings, folders, two tasks.
at_most 'it looks at each managed path twice' $((2 * FILES + 700)) "$(calls "$WORK/quiet" 'newfstatat|statx|lstat|stat')"
at_most 'and waits for the disk' 0 "$(calls "$WORK/quiet" 'fsync|fdatasync|syncfs|sync')"
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
at_most 'peak memory in MiB of a run with one changed file' 20 "$(peak run)"

mkdir -p "$HOST_ROOT/etc/cosmos/agent.d"
printf 'format = 1\nverify-content = true\n' > "$HOST_ROOT/etc/cosmos/agent.d/verify.toml"
check 'a run that verifies contents' traced_run "$WORK/verified"
at_most 'it opens each managed file once' $((FILES + 700)) "$(calls "$WORK/verified" 'openat|open')"
at_most 'its peak memory in MiB' 16 "$(peak run)"
printf x | dd of="$HOST_ROOT/srv/9/999" conv=notrunc status=none && touch -d @0 "$HOST_ROOT/srv/9/999"
check 'drift is repaired' agent run
same 'all files are as released' '' "$(diff -r "$FLEET/$LAYER/overlay/srv" "$HOST_ROOT/srv")"

#!/bin/bash
# The power fails at any point of an apply, on a disk that keeps nothing unasked: each file old or new, none empty.
. "$(dirname "$0")/../lib/all.sh"

HOST_ROOT=$WORK/disk/root LAYER=hosts/power.example.org
# Calls by which an apply changes the host; the power is cut right before the n-th of them.
CALLS='renameat renameat2 unlinkat mkdirat fsync'
agent() { "$COSMOS" --root "$HOST_ROOT" "$@"; }

# The worst that ext4 offers: it does not write a file's content before the rename that replaces another.
plug_in() { mount -o loop,noauto_da_alloc "$1" "$WORK/disk"; }

# fresh IMAGE: plugs in a copy of a disk. Each has a name of its own, since a machine that starts at this moment
# inherits our mounts and keeps the disk alive whose power was cut, and the kernel would hand us that one again.
fresh() {
    local new=$WORK/$((images += 1)).img
    cp --sparse=always "$1" "$new" && rm -f "$IMAGE" && plug_in "$new" && IMAGE=$new
}
images=0 IMAGE=

# listing: every path of the host but the agent's own, with its content's hash.
listing() {
    (cd "$HOST_ROOT" && find . \( -path ./var -o -path ./run \) -prune -o -mindepth 1 \
        \( -type f -printf '%p f %m ' -exec sh -c 'sha256sum < "$1"' - {} \; -o -printf '%p %y %m %l\n' \)) | sort
}

# old_or_new WORDS: no path is empty or anything but what it was or is to be; files there before and after are there.
old_or_new() {
    local now lost
    now=$(listing | grep -v '/\.cosmos-')
    same "$1: every path is old or new" '' "$(comm -23 <(echo "$now") <(printf '%s\n' "$old" "$new" | sort -u))"
    lost=$(comm -12 <(cut -d' ' -f1 <<< "$old" | sort -u) <(cut -d' ' -f1 <<< "$new" | sort -u) |
        comm -23 - <(cut -d' ' -f1 <<< "$now" | sort -u))
    same "$1: none is lost" '' "$lost"
    same "$1: none is empty" '' "$(find "$HOST_ROOT/etc" "$HOST_ROOT/srv" -type f -empty ! -name '.cosmos-*')"
}

# cut_power WORDS [WAY]: cuts the power; if the way is busy, somebody else's sync has put names on disk just before.
cut_power() {
    if [ "${2:-}" = busy ]; then echo x > "$WORK/disk/unrelated" && sync "$WORK/disk/unrelated"; fi
    check "$1" "$WORK/powercut" "$WORK/disk"
    # A process that was just killed may hold the disk a moment longer.
    eventually 10 umount "$WORK/disk" && fresh "$IMAGE"
}

cc -O1 -o "$WORK/powercut" "$(dirname "$0")/../lib/powercut.c"
signer operator ed25519
fleet_new tags operator
for i in 1 2 3 4 5 6; do echo "old $i" | put "$LAYER/overlay/srv/$i"; done
echo leaves | put "$LAYER/overlay/srv/gone/below/file"
ln -s old "$FLEET/$LAYER/overlay/srv/link"
echo 'a file' | put "$LAYER/overlay/srv/to-folder"
echo 'in a folder' | put "$LAYER/overlay/srv/to-file/inside"
release v-1 operator
truncate -s 96M "$WORK/host.img" && mkfs.ext4 -q -F "$WORK/host.img"
mkdir "$WORK/disk" && plug_in "$WORK/host.img" && at_exit umount "$WORK/disk"
mkdir "$HOST_ROOT"
check 'a host is cloned' agent clone "$PUBLISHED" --trust "$(introduction operator)" --fqdn power.example.org --tags 'v-*'
check 'and converges' agent run

for i in 1 2 3 4 5; do head -c 20000 /dev/zero | tr '\0' "$i" | put "$LAYER/overlay/srv/$i"; done
echo new | put "$LAYER/overlay/srv/made/below/file"
echo 'ours now' | put "$LAYER/overlay/etc/theirs"
git -C "$FLEET" rm --quiet -r "$LAYER/overlay/srv/"{gone,to-folder,to-file} && ln -sfn new "$FLEET/$LAYER/overlay/srv/link"
echo 'in a folder' | put "$LAYER/overlay/srv/to-folder/inside"
echo 'a file' | put "$LAYER/overlay/srv/to-file"
release v-2 operator 'cosmos: 1 removals=9'
mkdir -p "$HOST_ROOT/etc" && echo theirs > "$HOST_ROOT/etc/theirs"
check 'what is new is fetched' agent update
old=$(listing)
umount "$WORK/disk"

# That this disk tells right from wrong: a file that is renamed into place without a sync is empty afterwards.
fresh "$WORK/host.img"
head -c 20000 /dev/zero > "$HOST_ROOT/srv/.naive" && mv "$HOST_ROOT/srv/.naive" "$HOST_ROOT/srv/1"
cut_power 'the power fails after a rename without a sync' busy
same 'and leaves an empty file' 0 "$(stat -c %s "$HOST_ROOT/srv/1")"
umount "$WORK/disk"

# A whole apply, whose calls are counted; then the power fails, and all of it is on disk.
fresh "$WORK/host.img"
check 'an apply ends well' strace -qq -y -e "trace=${CALLS// /,}" -e signal=none -o "$WORK/calls" "$COSMOS" --root "$HOST_ROOT" apply
new=$(listing)
same 'it changes something' yes "$([ "$old" != "$new" ] && echo yes)"
cut_power 'the power fails after it'
same 'after it: everything is on disk' "$new" "$(listing)"
check 'after it: the next run has nothing to mend' agent run
same 'after it: and changes nothing' "$new" "$(listing)"
umount "$WORK/disk"

points=0
for call in $CALLS; do
    count=$(grep -c "^$call(" "$WORK/calls")
    if [ -n "${LONG:-}" ]; then numbers=$(seq "$count"); else numbers=$(printf '%s\n' 1 $((count / 2 + 1)) "$count" | sort -nu); fi
    for n in $numbers; do
        for way in idle busy; do
            words="$call $n of $count, $way"
            fresh "$WORK/host.img" || exit
            (
                strace -qq -e "trace=$call" -e signal=none -o "$WORK/log" "--inject=$call:signal=KILL:when=$n" \
                    "$COSMOS" --root "$HOST_ROOT" apply
                true
            ) > "$WORK/said" 2>&1
            cut_power "$words: the power fails" "$way"
            old_or_new "$words"
            check "$words: the next run finishes" agent run
            same "$words: with the same tree" "$new" "$(listing)"
            check "$words: drift finds none" agent drift
            same "$words: nothing is left over" '' "$(find "$HOST_ROOT" -name '.cosmos-*' -o -name journal -o -name '.*.new')"
            umount "$WORK/disk"
            points=$((points + 1))
        done
    done
    echo "$call: cut before $(wc -w <<< "$numbers") of $count calls, twice each"
done
fresh "$WORK/host.img"
echo "the power was cut at $points points"

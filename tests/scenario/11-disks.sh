#!/bin/bash
# Disks full, out of inodes or read-only, files nobody may change, other mounts: each has its words, nothing is lost.
. "$(dirname "$0")/../lib/all.sh"

HOST_ROOT=$WORK/root LAYER=hosts/disk.example.org
agent() { "$COSMOS" --root "$HOST_ROOT" "$@"; }

# disk NAME SIZE MKFS...: a file system of its own below the host's root.
disk() {
    truncate -s "$2" "$WORK/$1.img" && "${@:3}" "$WORK/$1.img" > "$WORK/mkfs" 2>&1 || return
    mkdir -p "$HOST_ROOT/srv/$1" && mount -o loop "$WORK/$1.img" "$HOST_ROOT/srv/$1" && at_exit umount "$HOST_ROOT/srv/$1"
}

# wants PATH: releases a new content of a path; the content is standard input.
wants() {
    put "$LAYER/overlay/$1"
    release "v-$(git -C "$FLEET" tag | wc -l)" operator
}

# hindered WORDS PATH MESSAGE HINT HINDER LIFT: releases a new content of a path, which is standard input. After the
# command HINDER a run ends with exactly these two lines and leaves nothing half done; after LIFT the old file is there,
# whole, and the next run finishes.
hindered() {
    local words=$1 path=$2 old
    old=$(cat "$HOST_ROOT/$path")
    cat > "$WORK/content"
    wants "$path" < "$WORK/content"
    $5
    exits "$words: the run fails" 1 agent run
    same "$words: says what is wrong, and what to try" \
        "error: stopped after 0 of 1 steps: $3"$'\n'"hint: $4" "$(cat "$WORK/said")"
    same "$words: leaves no temporary file and no journal" '' "$(find "$HOST_ROOT" -name '.cosmos-*' -o -name journal)"
    $6
    same "$words: the old file is whole" "$old" "$(cat "$HOST_ROOT/$path")"
    mended "$words" "$path" "$(head -c 40 "$WORK/content")"
}

# mended WORDS PATH CONTENT: the next run finishes, and there is nothing left to do.
mended() {
    check "$1: the next run finishes" agent run
    same "$1: with the new content" "$3" "$(head -c 40 "$HOST_ROOT/$2")"
    check "$1: drift finds none" agent drift
    same "$1: a plan is empty" '' "$(agent plan)"
}

signer operator ed25519
fleet_new tags operator
mkdir "$HOST_ROOT"
disk ext4 8M mkfs.ext4 -q -F -m 0
disk inodes 4M mkfs.ext4 -q -F -N 16 -m 0
mkdir -p "$HOST_ROOT/srv/tmpfs" && mount -t tmpfs -o size=4m none "$HOST_ROOT/srv/tmpfs" && at_exit umount "$HOST_ROOT/srv/tmpfs"
for name in ext4 tmpfs inodes read-only fixed busy; do
    mkdir -p "$HOST_ROOT/srv/$name"
    echo old | put "$LAYER/overlay/srv/$name/file"
done
release v-0 operator
check 'a host is cloned' agent clone "$PUBLISHED" --trust "$(introduction operator)" --fqdn disk.example.org --tags 'v-*'
check 'and converges' agent run

fill() { dd if=/dev/zero of="$HOST_ROOT/srv/$1/filler" bs=64k status=none 2> "$WORK/full"; }
for system in ext4 tmpfs; do
    head -c 3000000 /dev/zero | tr '\0' n |
        hindered "a full $system" "srv/$system/file" "cannot write 'srv/$system/file': ENOSPC: No space left on device" \
            "free space or inodes on the file system of 'srv/$system/file', then run again" "fill $system" "rm $HOST_ROOT/srv/$system/filler"
done

use_inodes() {
    local i=0
    while : > "$HOST_ROOT/srv/inodes/$i"; do i=$((i + 1)); done 2> "$WORK/full"
}
free_inodes() { find "$HOST_ROOT/srv/inodes" -name '[0-9]*' -delete; }
echo new | hindered 'no inode left' srv/inodes/file "cannot write 'srv/inodes/file': ENOSPC: No space left on device" \
    "free space or inodes on the file system of 'srv/inodes/file', then run again" use_inodes free_inodes

read_only() {
    mount --bind "$HOST_ROOT/srv/read-only" "$HOST_ROOT/srv/read-only" &&
        mount -o remount,bind,ro "$HOST_ROOT/srv/read-only"
}
echo new | hindered 'a read-only mount' srv/read-only/file "cannot write 'srv/read-only/file': EROFS: Read-only file system" \
    "remount the file system of 'srv/read-only/file' writable, then run again" read_only "umount $HOST_ROOT/srv/read-only"

# Immutable and append-only files, and a folder that nothing may be added to.
# kept_from WORDS ATTRIBUTE PATH ACTION: with the attribute on $HOST_ROOT/PATH, srv/fixed/file cannot be changed.
kept_from() {
    echo "$1" | hindered "$1" srv/fixed/file "cannot $4 'srv/fixed/file': EPERM: Operation not permitted" \
        "see with lsattr whether 'srv/fixed/file' or its folder is immutable" \
        "chattr +$2 $HOST_ROOT/$3" "chattr -$2 $HOST_ROOT/$3"
}
if chattr +i "$HOST_ROOT/srv/fixed/file" 2> "$WORK/chattr" && chattr -i "$HOST_ROOT/srv/fixed/file"; then
    at_exit chattr -R -i -a "$HOST_ROOT/srv/fixed"
    kept_from 'an immutable file' i srv/fixed/file 'put in place'
    kept_from 'an append-only file' a srv/fixed/file 'put in place'
    kept_from 'an immutable folder' i srv/fixed write
else
    skip "immutable and append-only files: $(tail -n 1 "$WORK/chattr")"
fi

# A mount on the very file: it is in use, and what is mounted there is not written to.
echo mounted > "$WORK/mounted"
echo new | hindered 'a mount on the file' srv/busy/file "cannot put in place 'srv/busy/file': EBUSY: Device or resource busy" \
    "see what uses 'srv/busy/file' (a mount, a swap file)" \
    "mount --bind $WORK/mounted $HOST_ROOT/srv/busy/file" "umount $HOST_ROOT/srv/busy/file"
same 'a mount on the file: what is mounted there stays' mounted "$(cat "$WORK/mounted")"

# The lower layer of an overlay: no folder there can change places, so that two steps take the place of one. Links do
# not need it.
for path in folder/inside file link; do echo "$path" | put "$LAYER/overlay/srv/over/$path"; done
echo old | wants srv/over/old
check 'an overlay: what is to lie below it arrives' agent run
mkdir "$WORK/over" && mv "$HOST_ROOT/srv/over" "$WORK/over/lower" && mkdir "$WORK/over/upper" "$WORK/over/work" "$HOST_ROOT/srv/over"
check 'an overlay: it is mounted' mount -t overlay overlay "$HOST_ROOT/srv/over" \
    -o "lowerdir=$WORK/over/lower,upperdir=$WORK/over/upper,workdir=$WORK/over/work,redirect_dir=off"
at_exit umount "$HOST_ROOT/srv/over"
git -C "$FLEET" rm --quiet -r "$LAYER/overlay/srv/over/"{folder,file,link}
echo 'now a file' | put "$LAYER/overlay/srv/over/folder"
echo 'now a folder' | put "$LAYER/overlay/srv/over/file/inside"
ln -s old "$FLEET/$LAYER/overlay/srv/over/link"
release v-over operator 'cosmos: 1 removals=9'
check 'an overlay: types change' strace -qq -o "$WORK/trace" -e trace=renameat2 "$COSMOS" --root "$HOST_ROOT" run
same 'an overlay: a folder could not change places' '"folder"' \
    "$(sed -n 's/.*, \(".*"\), RENAME_EXCHANGE) = -1 EXDEV.*/\1/p' "$WORK/trace")"
same 'an overlay: to what was signed' 'now a file, now a folder, old' \
    "$(cat "$HOST_ROOT/srv/over/folder"), $(cat "$HOST_ROOT/srv/over/file/inside"), $(readlink "$HOST_ROOT/srv/over/link")"
mended 'an overlay' srv/over/old old

# Two names that differ in case are one file where the file system says so: vfat, or a folder of ext4 that folds case.
card() {
    if grep -qw vfat /proc/filesystems && command -v mkfs.vfat > /dev/null; then
        disk card 4M mkfs.vfat && mount -o remount,fmask=0133,dmask=0022 "$HOST_ROOT/srv/card"
    else
        disk card 8M mkfs.ext4 -q -F -O casefold && chattr +F "$HOST_ROOT/srv/card"
    fi
}
if card 2> "$WORK/card"; then
    echo 'of others' > "$HOST_ROOT/srv/card/README"
    echo ours | wants srv/card/readme
    mended 'a case-insensitive folder' srv/card/readme ours
    same 'a case-insensitive folder: there is one file' 1 "$(find "$HOST_ROOT/srv/card" -type f | wc -l)"
    same 'a case-insensitive folder: what others had is kept' 'of others' \
        "$(cat "$HOST_ROOT/var/lib/cosmos/backup/$(echo 'of others' | sha256sum | cut -d' ' -f1)")"
else
    skip "a case-insensitive folder: neither vfat nor ext4 that folds case is here ($(head -n 1 "$WORK/card"))"
fi
skip 'quotas: the kernel lets root write past them, also in the name of others'

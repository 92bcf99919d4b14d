#!/bin/bash
# Disks that are full, out of inodes or read-only, files that nobody may change, other mounts: each has its words, and nothing is lost.
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

# fails WORDS MESSAGE HINT: a run that ends with exactly these two lines, and leaves nothing half done.
fails() {
    exits "$1: the run fails" 1 agent run
    same "$1: says what is wrong, and what to try" "error: $2"$'\n'"hint: $3" "$(cat "$WORK/said")"
    same "$1: leaves no temporary file and no journal" '' "$(find "$HOST_ROOT" -name '.cosmos-*' -o -name journal)"
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
for name in ext4 inodes plain read-only fixed appended busy; do
    mkdir -p "$HOST_ROOT/srv/$name"
    echo old | put "$LAYER/overlay/srv/$name/file"
done
release v-0 operator
check 'a host is cloned' agent clone "$PUBLISHED" --trust "$(introduction operator)" --fqdn disk.example.org --tags 'v-*'
check 'and converges' agent run

head -c 3000000 /dev/zero | tr '\0' n | wants srv/ext4/file
dd if=/dev/zero of="$HOST_ROOT/srv/ext4/filler" bs=64k status=none 2> "$WORK/full"
fails 'a full disk' "stopped after 0 of 1 steps: cannot write 'srv/ext4/file': ENOSPC: No space left on device" \
    "free space or inodes on the file system of 'srv/ext4/file', then run again"
same 'a full disk: the old file is whole' old "$(cat "$HOST_ROOT/srv/ext4/file")"
rm "$HOST_ROOT/srv/ext4/filler"
mended 'a full disk' srv/ext4/file nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn

echo new | wants srv/inodes/file
i=0
while : > "$HOST_ROOT/srv/inodes/$i"; do i=$((i + 1)); done 2> "$WORK/full"
fails 'no inode left' "stopped after 0 of 1 steps: cannot write 'srv/inodes/file': ENOSPC: No space left on device" \
    "free space or inodes on the file system of 'srv/inodes/file', then run again"
same 'no inode left: the old file is whole' old "$(cat "$HOST_ROOT/srv/inodes/file")"
find "$HOST_ROOT/srv/inodes" -name '[0-9]*' -delete
mended 'no inode left' srv/inodes/file new

echo new | wants srv/read-only/file
mount --bind "$HOST_ROOT/srv/read-only" "$HOST_ROOT/srv/read-only" &&
    mount -o remount,bind,ro "$HOST_ROOT/srv/read-only"
fails 'a read-only mount' "stopped after 0 of 1 steps: cannot write 'srv/read-only/file': EROFS: Read-only file system" \
    "remount the file system of 'srv/read-only/file' writable, then run again"
umount "$HOST_ROOT/srv/read-only"
mended 'a read-only mount' srv/read-only/file new

# Immutable and append-only files, and a folder that may only be added to.
if chattr +i "$HOST_ROOT/srv/fixed/file" 2> "$WORK/chattr"; then
    at_exit chattr -R -i -a "$HOST_ROOT/srv/fixed" "$HOST_ROOT/srv/appended"
    echo new | wants srv/fixed/file
    fails 'an immutable file' "stopped after 0 of 1 steps: cannot put in place 'srv/fixed/file': EPERM: Operation not permitted" \
        "see with lsattr whether 'srv/fixed/file' or its folder is immutable"
    chattr -i "$HOST_ROOT/srv/fixed/file"
    mended 'an immutable file' srv/fixed/file new

    echo newer | wants srv/appended/file
    chattr +a "$HOST_ROOT/srv/appended/file"
    fails 'an append-only file' "stopped after 0 of 1 steps: cannot put in place 'srv/appended/file': EPERM: Operation not permitted" \
        "see with lsattr whether 'srv/appended/file' or its folder is immutable"
    chattr -a "$HOST_ROOT/srv/appended/file"
    mended 'an append-only file' srv/appended/file newer

    echo newest | wants srv/appended/file
    chattr +i "$HOST_ROOT/srv/appended"
    fails 'an immutable folder' "stopped after 0 of 1 steps: cannot write 'srv/appended/file': EPERM: Operation not permitted" \
        "see with lsattr whether 'srv/appended/file' or its folder is immutable"
    chattr -i "$HOST_ROOT/srv/appended"
    mended 'an immutable folder' srv/appended/file newest
else
    skip "immutable and append-only files: $(tail -n 1 "$WORK/chattr")"
fi

# A mount on the very file: it is in use, and what is mounted there is not written to.
echo mounted > "$WORK/mounted"
echo new | wants srv/busy/file
mount --bind "$WORK/mounted" "$HOST_ROOT/srv/busy/file"
fails 'a mount on the file' "stopped after 0 of 1 steps: cannot put in place 'srv/busy/file': EBUSY: Device or resource busy" \
    "see what uses 'srv/busy/file' (a mount, a swap file)"
same 'a mount on the file: what is mounted there stays' mounted "$(cat "$WORK/mounted")"
umount "$HOST_ROOT/srv/busy/file"
mended 'a mount on the file' srv/busy/file new

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

# shellcheck shell=bash
# Phones without hardware: Android's own adb daemon, in a Debian root with a network of its own.

# Debian has the daemon since 13. Over the network it asks for no permission, and its serial is ADDRESS:5555. Its udev
# can verify rules, which that of Debian 12 cannot.
PHONE_SUITE=trixie
PHONE_PACKAGES=adbd,rsync,udev

# phone_lay NAME: a phone's root with pictures, as Android lays them out; nothing runs yet.
phone_lay() {
    local base root
    base=$(SUITE=$PHONE_SUITE base_root "$PHONE_PACKAGES") || return
    root=$(root_of "$1")
    machine_lay "$1" "$base" && network_up "$1" || return
    mkdir -p "$root/storage/self/primary/DCIM" "$root/data/app"
    ln -s storage/self/primary "$root/sdcard"
    echo "pictures of $1" > "$root/sdcard/DCIM/a.jpg"
    at_exit phone_gone "$1"
}

# phone_on NAME [USER]: plugs it in: starts the daemon, as root or as this user number.
phone_on() {
    local dir=$WORK/machine/$1 root
    root=$(root_of "$1")
    # A simple command, so that its number is that of unshare, with which everything inside ends.
    # shellcheck disable=SC2016 # expanded inside
    nsenter --net="/run/netns/$PREFIX-$1" -- setsid unshare --mount --pid --fork --kill-child sh -c '
        mount --make-rprivate / && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
            mount -t tmpfs tmpfs "$0/run" && cd "$0" || exit
        exec env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin chroot \
            --userspec="$1:$1" --groups="$1" . /usr/sbin/adbd' "$root" "${2:-0}" \
        > "$dir/adbd.log" 2>&1 < /dev/null &
    echo $! > "$dir/adbd.pid"
    eventually 60 in_network "$1" sh -c 'ss -Hltn "sport = :5555" | grep -q .'
}

# phone_gone NAME: pulls the cable: everything on the phone ends at once.
phone_gone() {
    local pid
    pid=$(cat "$WORK/machine/$1/adbd.pid" 2> /dev/null) || return 0
    kill -KILL "$pid" 2> /dev/null
    wait "$pid" 2> /dev/null
    rm -f "$WORK/machine/$1/adbd.pid"
}

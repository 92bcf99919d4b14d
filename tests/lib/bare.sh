# shellcheck shell=bash
# A Debian root with the C library, a shell and nothing else, entered by chroot in a network of its own.

# What "libc only" means: these, and what they depend on. The shell is there for tasks.
BARE_PACKAGES=base-files,base-passwd,dash,libc6,libgcc-s1

# bare_up NAME: an unpacked, unconfigured root (no package manager was ever run in it) with the agent.
bare_up() {
    local base root
    base=$(base_root "$BARE_PACKAGES" extract) || return
    root=$(root_of "$1")
    machine_lay "$1" "$base" && network_up "$1" || return
    [ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
    echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
    echo 'root:x:0:' > "$root/etc/group"
    mkdir -p "$root"/{proc,dev,run,tmp}
    mount -t proc proc "$root/proc" && at_exit umount "$root/proc"
    mount --bind /dev "$root/dev" && at_exit umount "$root/dev" && at_exit bare_empty "$1"
}

# bare_empty NAME: ends what still runs inside such a root: what a task left in the background.
bare_empty() {
    local process root
    root=$(root_of "$1")
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/root")" = "$root" ]; then ends "${process#/proc/}"; fi
    done
    return 0
}

# in_bare NAME COMMAND...: runs a command inside such a root.
in_bare() {
    local name=$1
    shift
    in_network "$name" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$(root_of "$name")" "$@"
}

# shellcheck shell=bash
# Throw-away Debian machines: a cached root, an overlay on top of it, a network namespace, systemd as PID 1.

SUITE=bookworm

# What every machine has besides Debian's smallest root. No git, gpg, rsync or ssh: the agent needs none of them.
MACHINE_PACKAGES=systemd-sysv,dbus,cron,udev,procps,iproute2,strace,libfaketime,ca-certificates

# What a host of Cosmos 1.5 has as well, since its repository's own tasks use them.
CLASSIC_PACKAGES=$MACHINE_PACKAGES,git,gnupg,rsync

# base_root PACKAGES [VARIANT]: prints the path of a read-only Debian root with these packages; built once.
base_root() {
    local packages=$1 variant=${2:-minbase} root
    root=$CACHE/$SUITE-$(printf '%s %s' "$variant" "$packages" | sha256sum | cut -c1-16)
    mkdir -p "$CACHE"
    (
        flock 9
        [ -d "$root" ] && exit
        rm -rf "$root.new"
        mmdebstrap --quiet --mode=root --variant="$variant" --include="$packages" "$SUITE" "$root.new" >&2 &&
            rm -rf "$root.new"/var/lib/apt/lists/* && mv "$root.new" "$root"
    ) 9> "$CACHE/lock" || return
    printf '%s\n' "$root"
}

# Every place where systemd looks for its control groups: one in a pure cgroup2 system, two in a mixed one.
cgroup_trees() {
    if [ -d /sys/fs/cgroup/unified ]; then
        printf '%s\n' /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
    else
        echo /sys/fs/cgroup
    fi
}

# network_up NAME: a network namespace with nothing in it but loopback.
network_up() {
    ip netns add "$PREFIX-$1" && ip -n "$PREFIX-$1" link set lo up && at_exit ip netns del "$PREFIX-$1"
}

# network_link A B ADDRESS-OF-A ADDRESS-OF-B: a cable between two machines, `to-B` on one side and `to-A` on the other.
network_link() {
    ip link add "to-$2" netns "$PREFIX-$1" type veth peer name "to-$1" netns "$PREFIX-$2" || return
    ip -n "$PREFIX-$1" address add "$3" dev "to-$2" && ip -n "$PREFIX-$1" link set "to-$2" up &&
        ip -n "$PREFIX-$2" address add "$4" dev "to-$1" && ip -n "$PREFIX-$2" link set "to-$1" up
}

# in_network NAME COMMAND...: runs one of this computer's programs in a machine's network.
in_network() {
    local name=$1
    shift
    nsenter --net="/run/netns/$PREFIX-$name" -- "$@"
}

# root_of NAME: the path of a machine's root directory, usable while it runs.
root_of() { echo "$WORK/machine/$1/root"; }

# machine_lay NAME BASE: lays an empty overlay over a base root, with the agent installed; nothing runs yet.
machine_lay() {
    local dir=$WORK/machine/$1
    mkdir -p "$dir"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=$2,upperdir=$dir/upper,workdir=$dir/work" "$dir/root" || return
    at_exit umount "$dir/root"
    echo "$1" > "$dir/root/etc/hostname"
    tr -d - < /proc/sys/kernel/random/uuid > "$dir/root/etc/machine-id"
    printf '127.0.0.1 localhost git.test %s.example.org %s\n' "$1" "$1" > "$dir/root/etc/hosts"
    install -m 0755 "$COSMOS" "$dir/root/usr/bin/cosmos"
}

# machine_up NAME [BASE]: a machine that has booted; NAME.example.org is its name.
machine_up() {
    local name=$1 base=${2:-}
    [ -n "$base" ] || base=$(base_root "$MACHINE_PACKAGES") || return
    machine_lay "$name" "$base" && network_up "$name" && machine_boot "$name" --boot
}

# machine_boot NAME NSPAWN-ARGUMENT...: starts what is laid down; `--boot`, or `--as-pid2 PROGRAM...`.
machine_boot() {
    local name=$1 dir=$WORK/machine/$1 tree
    shift
    for tree in $(cgroup_trees); do mkdir -p "$tree/$PREFIX-$name"; done
    # A group of its own: two machines in one would each manage the other's services.
    # The network is entered before nspawn starts, else /sys inside shows this computer's devices.
    (
        for tree in $(cgroup_trees); do echo "$BASHPID" > "$tree/$PREFIX-$name/cgroup.procs"; done
        export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
        exec setsid nsenter --net="/run/netns/$PREFIX-$name" systemd-nspawn --quiet --directory="$dir/root" \
            --machine="$PREFIX-$name" --register=no --keep-unit --link-journal=no --resolv-conf=off \
            --timezone=off --console=pipe --capability=CAP_NET_ADMIN "$@"
    ) > "$dir/console.log" 2>&1 < /dev/null &
    echo $! > "$dir/nspawn.pid"
    at_exit machine_down "$name"
    machine_wait "$name" "$1"
}

# leader_of NAME: the first process inside a machine, as this computer numbers it.
leader_of() {
    local child
    for child in $(cat /proc/"$(cat "$WORK/machine/$1/nspawn.pid")"/task/*/children 2> /dev/null); do
        case $(cat "/proc/$child/comm" 2> /dev/null) in
            systemd | '(sd-stubinit)' | cron) echo "$child" && return ;;
            # nspawn's own intermediate process: the leader is its child
            *) grep -o '[0-9]*' /proc/"$child"/task/*/children 2> /dev/null | tail -n 1 | grep . && return ;;
        esac
    done
    return 1
}

# machine_wait NAME KIND: waits until the machine is up; a booted one is up when systemd says so.
machine_wait() {
    local leader
    for _ in $(seq 1200); do
        if leader=$(leader_of "$1"); then
            echo "$leader" > "$WORK/machine/$1/leader"
            [ "$2" = --boot ] || return 0
            case $(in_machine "$1" systemctl is-system-running 2> /dev/null) in
                running | degraded) return 0 ;;
            esac
        fi
        kill -0 "$(cat "$WORK/machine/$1/nspawn.pid")" 2> /dev/null || break
        sleep 0.1
    done
    echo "machine '$1' did not come up:" >&2
    in_machine "$1" sh -c 'systemctl is-system-running; systemctl list-jobs --no-pager' >&2
    tail -n 20 "$WORK/machine/$1/console.log" >&2
    return 1
}

# in_machine NAME COMMAND...: runs a command inside, as root, with an environment of its own.
in_machine() {
    local name=$1
    shift
    nsenter -t "$(cat "$WORK/machine/$name/leader")" -a -- \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

# machine_down NAME: powers a machine off and removes its control groups; one that will not stop is killed.
machine_down() {
    local dir=$WORK/machine/$1 nspawn leader tree
    nspawn=$(cat "$dir/nspawn.pid")
    leader=$(cat "$dir/leader" 2> /dev/null)
    # systemd takes this signal as "power off"; a plain program ends by TERM.
    if [ -n "$leader" ] && [ "$(cat "/proc/$leader/comm" 2> /dev/null)" = systemd ]; then
        kill -s RTMIN+4 "$leader"
    else
        kill -TERM "$nspawn" 2> /dev/null
    fi
    for _ in $(seq 100); do
        kill -0 "$nspawn" 2> /dev/null || break
        sleep 0.1
    done
    # The leader first: it is PID 1 inside, and everything inside ends with it.
    kill -KILL ${leader:+"$leader"} "$nspawn" 2> /dev/null
    wait "$nspawn" 2> /dev/null
    for tree in $(cgroup_trees); do
        find "$tree/$PREFIX-$1" -depth -type d -exec rmdir {} + 2> /dev/null
    done
    return 0
}

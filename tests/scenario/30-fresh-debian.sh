#!/bin/bash
# ./build on a Debian 12 and a Debian 13 that have nothing installed but apt: what is missing comes, or is named.
#
# It takes minutes, so it is done only where $FRESH is set, as by tests/long. The toolchain is lent to the new system,
# with what cargo fetched for this one. Nothing is optimised: which packages and habits are missing is what counts.
. "$(dirname "$0")/../lib/all.sh"

[ -n "${FRESH:-}" ] || { skip 'a fresh Debian: FRESH=1 tests/scenarios 30'; exit 0; }

# fresh COMMAND...: runs a command in the new system; what it starts and mounts ends with it.
fresh() {
    # shellcheck disable=SC2016 # expanded inside
    unshare --mount --pid --fork --kill-child bash -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
        exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CARGO_NET_OFFLINE=true CARGO_PROFILE_RELEASE_LTO=off \
            CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
            chroot "$0" sh -c "cd /root/cosmos && exec \"\$@\"" sh "$@"' "$root" "$@"
}

# lend FOLDER PLACE: shows one of this computer's folders in the new system.
lend() { mkdir -p "$2" && mount --bind "$1" "$2" && at_exit umount "$2"; }

for SUITE in bookworm trixie; do
    check "there is a new $SUITE" machine_lay "$SUITE" "$(base_root apt)"
    root=$(root_of "$SUITE")
    rm "$root/usr/bin/cosmos"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    mkdir "$root/root/cosmos"
    git -C "$PROJECT" ls-files -z | tar --create --directory="$PROJECT" --null --files-from=- |
        tar --extract --directory="$root/root/cosmos"

    exits 'without a toolchain nothing begins' 1 fresh ./build
    said 'which is said' '^error: cargo is not there$'
    lend "$TOOLCHAINS" "$root/root/.rustup"
    lend "$CARGO" "$root/root/.cargo"
    chmod 0755 "$root/root"
    exits 'without sudo a user installs no package' 1 fresh setpriv --reuid=nobody --clear-groups ./build packages
    said 'and is told how' '^hint: ./build packages, as root'
    check 'root needs one command' fresh ./build
    said 'which shows all of it' '^That is all of it\.'
    check 'a second one installs it' fresh ./build install
    check 'with nothing missing' fresh sh -c 'cosmos --version && cosmos-tools --version'
    check 'or fills the folder of a package' fresh env DESTDIR=/tmp/package ./build install
    check 'which has what runs it' test -e "$root/tmp/package/usr/lib/systemd/system/cosmos.timer"
done

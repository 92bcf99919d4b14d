# shellcheck shell=bash
# Small Debian packages of our own, in a signed apt repository at /srv/apt inside a machine.

# package_repository NAME SIGNER: a repository with its signer's certificate and apt's settings, and one package in it:
# `page` runs a service that reads /etc/page.text when it starts and serves it at port 8080.
package_repository() {
    local root build
    root=$(root_of "$1")
    mkdir -p "$root/srv/apt"
    certificate "$2" > "$root/srv/apt/signer.asc"
    rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
    echo 'deb [signed-by=/srv/apt/signer.asc] file:/srv/apt ./' > "$root/etc/apt/sources.list"
    build=$(package_folder page)
    mkdir -p "$build"/usr/sbin
    cat > "$build/usr/sbin/page" << 'PERL'
#!/usr/bin/perl
use IO::Socket::INET;
open(my $file, '<', '/etc/page.text') or die "no text: $!";
my $text = join '', <$file>;
my $door = IO::Socket::INET->new(LocalAddr => '127.0.0.1:8080', Listen => 5, ReuseAddr => 1) or die "no port: $!";
while (my $guest = $door->accept) { print $guest $text; close $guest }
PERL
    chmod 0755 "$build/usr/sbin/page"
    package_service page /usr/sbin/page
    package_add "$1" page 1.0 && package_index "$1" "$2"
}

# package_folder PACKAGE: prints the folder in which a package is put together, made anew.
package_folder() {
    rm -rf "$WORK/package/$1"
    mkdir -p "$WORK/package/$1/DEBIAN"
    echo "$WORK/package/$1"
}

# package_service PACKAGE PROGRAM: puts a unit of the package's name into its folder, which runs a program.
package_service() {
    mkdir -p "$WORK/package/$1/lib/systemd/system"
    printf '%s\n' '[Unit]' "Description=$1" '[Service]' "ExecStart=$2" > "$WORK/package/$1/lib/systemd/system/$1.service"
}

# package_script PACKAGE: standard input becomes what is run when the package is configured.
package_script() { cat > "$WORK/package/$1/DEBIAN/postinst" && chmod 0755 "$WORK/package/$1/DEBIAN/postinst"; }

# package_add NAME PACKAGE VERSION: builds the package out of its folder and puts it into the machine's repository.
package_add() {
    local build=$WORK/package/$2
    printf '%s\n' "Package: $2" "Version: $3" 'Architecture: all' 'Maintainer: Test <test@example.org>' \
        "Description: $2" > "$build/DEBIAN/control"
    dpkg-deb --root-owner-group --build "$build" "$(root_of "$1")/srv/apt/$2.deb" > /dev/null
}

# package_index NAME SIGNER: lists and signs what is in the machine's repository.
package_index() {
    local repository package
    repository=$(root_of "$1")/srv/apt
    for package in "$repository"/*.deb; do
        dpkg-deb --field "$package"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$(basename "$package")" "$(stat -c %s "$package")" \
            "$(sha256sum < "$package" | cut -d' ' -f1)"
    done > "$repository/Packages"
    printf 'Suite: stable\nDate: %s\nSHA256:\n %s %s Packages\n' "$(date -u -R)" \
        "$(sha256sum < "$repository/Packages" | cut -d' ' -f1)" "$(stat -c %s "$repository/Packages")" |
        gpg_of "$2" --clearsign --yes --output "$repository/InRelease"
}

# page NAME: what the service inside a machine serves just now.
page() { in_network "$1" bash -c 'exec 3<> /dev/tcp/127.0.0.1/8080 && cat <&3'; }

# debian_packages NAME SIGNER PACKAGE...: puts Debian's own packages, with all that they need and the machine lacks,
# into its repository, and signs it. They are downloaded once, by a copy of the machine's root.
debian_packages() {
    local name=$1 signer=$2 cache copy
    shift 2
    cache=$CACHE/packages-$SUITE-$(printf '%s ' "$MACHINE_PACKAGES" "$@" | sha256sum | cut -c1-16)
    (
        flock 9
        [ -d "$cache" ] && exit
        rm -rf "$cache.new" && mkdir -p "$cache.new" || exit
        copy=$(root_of "copy-$name")
        machine_lay "copy-$name" "$(base_root "$MACHINE_PACKAGES")" && cp -L /etc/resolv.conf "$copy/etc/resolv.conf" &&
            chroot "$copy" apt-get --quiet=2 update &&
            chroot "$copy" apt-get --quiet=2 --yes --no-install-recommends --download-only install "$@" &&
            cp "$copy"/var/cache/apt/archives/*.deb "$cache.new" && mv "$cache.new" "$cache"
        code=$?
        umount "$copy"
        exit "$code"
    ) 9> "$CACHE/lock-packages" || return
    package_repository "$name" "$signer" && cp "$cache"/*.deb "$(root_of "$name")/srv/apt/" && package_index "$name" "$signer"
}

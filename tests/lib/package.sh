# shellcheck shell=bash
# A small Debian package with a service in it, in a signed apt repository of our own.

# package_repository NAME SIGNER: builds it at /srv/apt inside a machine, with its certificate and apt's settings.
# The package `page` runs a service that reads /etc/page.text when it starts and serves it at port 8080.
package_repository() {
    local root build=$WORK/package repository
    root=$(root_of "$1")
    repository=$root/srv/apt
    mkdir -p "$build"/{DEBIAN,usr/sbin,lib/systemd/system} "$repository"
    printf '%s\n' 'Package: page' 'Version: 1.0' 'Architecture: all' 'Maintainer: Test <test@example.org>' \
        'Description: serves one text' > "$build/DEBIAN/control"
    cat > "$build/usr/sbin/page" << 'PERL'
#!/usr/bin/perl
use IO::Socket::INET;
open(my $file, '<', '/etc/page.text') or die "no text: $!";
my $text = join '', <$file>;
my $door = IO::Socket::INET->new(LocalAddr => '127.0.0.1:8080', Listen => 5, ReuseAddr => 1) or die "no port: $!";
while (my $guest = $door->accept) { print $guest $text; close $guest }
PERL
    printf '%s\n' '[Unit]' 'Description=one text' '[Service]' 'ExecStart=/usr/sbin/page' \
        > "$build/lib/systemd/system/page.service"
    chmod 0755 "$build/usr/sbin/page"
    dpkg-deb --root-owner-group --build "$build" "$repository/page.deb" > /dev/null || return
    {
        dpkg-deb --field "$repository/page.deb"
        printf 'Filename: ./page.deb\nSize: %s\nSHA256: %s\n' "$(stat -c %s "$repository/page.deb")" \
            "$(sha256sum < "$repository/page.deb" | cut -d' ' -f1)"
    } > "$repository/Packages"
    printf 'Suite: stable\nDate: %s\nSHA256:\n %s %s Packages\n' "$(date -u -R)" \
        "$(sha256sum < "$repository/Packages" | cut -d' ' -f1)" "$(stat -c %s "$repository/Packages")" |
        gpg_of "$2" --clearsign --output "$repository/InRelease" || return
    certificate "$2" > "$repository/signer.asc"
    rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
    echo 'deb [signed-by=/srv/apt/signer.asc] file:/srv/apt ./' > "$root/etc/apt/sources.list"
}

# page NAME: what the service inside a machine serves just now.
page() { in_network "$1" bash -c 'exec 3<> /dev/tcp/127.0.0.1/8080 && cat <&3'; }

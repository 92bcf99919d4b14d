#!/bin/bash
# On a root with libc and a shell only, clone and run converge from https, git:// and a path, and start tasks only.
. "$(dirname "$0")/../lib/all.sh"

signer alice rsa3072
fleet_new tags alice
for way in git https path; do echo 'use = ["plain"]' | put "hosts/$way.example.org/layer.toml"; done
printf '#!/bin/sh\necho ran > /etc/pre\n' | put models/plain/pre-tasks.d/010pre 0755
printf '#!/bin/sh\necho ran > /etc/post\n' | put models/plain/post-tasks.d/010post 0755
echo welcome | put models/plain/overlay/etc/motd
printf '[files."etc/quiet"]\nmode = "0600"\n' | put models/plain/layer.toml
echo secret | put models/plain/overlay/etc/quiet
release v-1 alice
trusted=$(introduction alice)
echo 'welcome again' | put models/plain/overlay/etc/motd
release v-2 alice

for way in git https path; do
    check "[$way] a bare root is made" bare_up "$way"
    root=$(root_of "$way") options=()
    same "[$way] there is no other program in it" '' \
        "$(find "$root" -xdev -type f -perm /111 -regex '.*/\(git\|gpg\|gpgv\|rsync\|ssh\|curl\|wget\|openssl\)[^/]*')"
    case $way in
        git) serve_git git && address=git://git.test/fleet.git ;;
        https)
            serve_https https && cp "$WORK/tls/ca.pem" "$root/root/" && address=https://git.test/fleet.git
            options=(--ca-file /root/ca.pem)
            ;;
        path) mkdir -p "$root/srv" && cp -a "$PUBLISHED" "$root/srv/fleet.git" && address=/srv/fleet.git ;;
    esac
    check "[$way] clone works" traced "$WORK/$way-clone" in_bare "$way" cosmos clone "$address" \
        --trust "$trusted" --fqdn "$way.example.org" --tags 'v-*' "${options[@]}"
    check "[$way] the first run converges" traced "$WORK/$way-run" in_bare "$way" cosmos run
    same "[$way] the newest release is there" 'welcome again' "$(cat "$root/etc/motd")"
    same "[$way] with the modes asked for" '600 root' "$(stat -c '%a %U' "$root/etc/quiet")"
    same "[$way] the tasks ran" 'ran ran' "$(cat "$root/etc/pre" "$root/etc/post" | paste -sd' ')"
    same "[$way] clone executed nothing" 'execs 0' "$(family "$WORK/$way-clone" | grep -v '^forks')"
    same "[$way] the run executed its tasks only" '010post 010pre execs 2' \
        "$(family "$WORK/$way-run" | sed -n 's,^task .*/,,p; /^execs/p' | sort | paste -sd' ')"
    same "[$way] nothing even tried to start git, gpg, rsync or ssh" '' \
        "$(grep -hE '^execve(at)?\([^"]*"[^"]*(git|gpg|rsync|ssh)[^"/]*"' "$WORK/$way-clone".* "$WORK/$way-run".*)"
done

#!/bin/bash
# The throw-away machine, the servers and the signers that all others stand on work by themselves.
. "$(dirname "$0")/../lib/all.sh"

check 'a machine boots' machine_up m
check 'systemd is its first process' test "$(in_machine m cat /proc/1/comm)" = systemd
for kind in rsa3072 ed25519 nistp256 subkey; do
    check "gpg makes an operator with $kind" signer "$kind" "$kind"
done
check 'a fleet repository is made' fleet_new tags rsa3072
echo one | put overlay/etc/motd
for kind in rsa3072 ed25519 nistp256 subkey; do
    check "a release is signed with $kind" release "v-$kind" "$kind"
    check "gpg agrees" as_signer "$kind" -C "$FLEET" verify-tag "v-$kind"
done
check 'git daemon starts' serve_git m
check 'nginx starts' serve_https m
check 'sshd starts' serve_ssh m
check 'git:// serves' in_network m git ls-remote git://127.0.0.1/fleet.git main
check 'https:// serves' in_network m curl --silent --fail --cacert "$WORK/tls/ca.pem" \
    --connect-to git.test:443:127.0.0.1:443 "https://git.test/fleet.git/info/refs?service=git-upload-pack" -o "$WORK/refs"
check 'ssh serves' in_network m env GIT_SSH_COMMAND="ssh -F none -i $WORK/ssh/id -o HostKeyAlias=git.test \
    -o UserKnownHostsFile=$WORK/ssh/known_hosts" git ls-remote "ssh://root@127.0.0.1$SERVED/fleet.git" main
check 'a package repository is made' package_repository m rsa3072
check 'apt trusts it' in_machine m apt-get -qq update
check 'apt installs from it' in_machine m apt-get -qq install page
echo hello > "$(root_of m)/etc/page.text"
check 'its service starts' in_machine m systemctl start page
eventually 5 answers m 8080
same 'and serves' hello "$(page m)"
check 'a bare root is made' bare_up b
same 'its shell runs' 'hello' "$(in_bare b /bin/sh -c 'echo hello')"
check 'it has no git, gpg, rsync or ssh' in_bare b /bin/sh -c '! command -v git gpg gpgv rsync ssh'
traced "$WORK/trace" /bin/sh -c 'exec /bin/true' && same 'strace records programs' '/bin/sh
/bin/true' "$(executed "$WORK/trace")"

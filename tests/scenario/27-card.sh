#!/bin/bash
# An operator whose keys are on an OpenPGP card: what they sign is believed; they read and rekey secrets with the PIN.
. "$(dirname "$0")/../lib/all.sh"

CARD=$CACHE/tools/card/release/card
[ -x "$CARD" ] || { skip "a card without hardware: tests/tools builds it"; exit 0; }

check 'a computer with a card reader is up' machine_up desk \
    "$(base_root "$MACHINE_PACKAGES,git,gnupg,scdaemon,pcscd,vsmartcard-vpcd")"
root=$(root_of desk)
desk() { in_machine desk env GNUPGHOME=/root/gnupg EDITOR=/root/editor "$@"; }
install -m 0755 "$CARD" "$root/usr/local/bin/card"

# A pinentry that types what lies in /root/pin, or the administrator's PIN where that is asked for, and never has a card
# at hand.
install -m 0755 /dev/stdin "$root/root/pinentry" << 'PINENTRY'
#!/bin/sh
echo 'OK at your service'
while read -r word rest; do
    case $word in
        SETDESC) case $rest in *Admin*) pin=12345678 ;; *) pin=$(cat /root/pin) ;; esac ;;
        GETPIN) echo "D $pin" ;;
        # "Insert the card": nobody is there who could.
        CONFIRM) echo 'ERR 83886179 cancelled' && continue ;;
        BYE) echo OK; exit ;;
    esac
    echo OK
done
PINENTRY
printf '#!/bin/sh\necho marker > "$1"\n' | install -m 0755 /dev/stdin "$root/root/editor"
echo 123456 > "$root/root/pin"
mkdir -m 0700 "$root/root/gnupg"
echo 'pinentry-program /root/pinentry' > "$root/root/gnupg/gpg-agent.conf"
echo disable-ccid > "$root/root/gnupg/scdaemon.conf"

# insert: puts the card into the reader; what it is started with is ended with the machine.
insert() {
    in_machine desk systemctl start pcscd.service && eventually 5 in_machine desk sh -c 'ss -Hltn "sport = :35963" | grep -q .' &&
        in_machine desk systemd-run --quiet --unit=card /usr/local/bin/card && eventually 10 desk gpg --card-status
}
check 'a card is in the reader' insert
printf '%s\n' admin key-attr 2 1 2 1 2 1 generate n 0 y 'Ada Card' ada@example.org '' o quit > "$root/root/words"
check 'it makes its keys' desk sh -c 'timeout 120 gpg --no-tty --command-fd 0 --card-edit < /root/words'
check 'gpg knows them' desk gpg --batch --list-secret-keys --with-colons
said 'as keys that are on the card only' '^ssb:[^:]*:[^:]*:18:.*:D2760001240103'
key=$(awk -F: '$1 == "fpr" { print $10; exit }' "$WORK/said")
check 'no private key lies on the disk' sh -c "! grep -rL shadowed-private-key '$root/root/gnupg/private-keys-v1.d' | grep -q ."

# Signed by the card, encrypted to it.
desk git config --global user.name Ada
desk git config --global user.email ada@example.org
desk git config --global user.signingKey "$key"
desk sh -c "gpg --armor --export $key > /root/ada.asc"
check 'a fleet begins' desk cosmos init /root/fleet --fleet test --mode commits --signer /root/ada.asc
fleet() { desk sh -c 'cd /root/fleet && exec "$@"' sh "$@"; }
commit_all() { fleet git add --all && fleet git commit --quiet --gpg-sign -m "$1"; }
check 'its first commit is signed by the card' commit_all 'Who may sign'
check 'a host believes it' desk cosmos clone /root/fleet --trust "$(fleet git rev-parse HEAD):$key" --fqdn desk.example.org
check 'a secret is written' fleet cosmos secret edit global/secrets/etc/token
said 'for whoever has the card' '^    for ada'
check 'the agent forgets the PIN' desk gpgconf --kill all
check 'the card reads the secret' fleet cosmos secret show global/secrets/etc/token
same 'as it is' marker "$(cat "$WORK/said")"
desk cosmos host key > "$root/root/host.pub"
check 'the host is enrolled' fleet cosmos host add desk.example.org --key /root/host.pub
check 'the agent forgets again' desk gpgconf --kill all
check 'the card encrypts the secret anew' fleet cosmos secret rekey
said 'for the host' 'now for desk.example.org'
check 'which is signed' commit_all 'Let the host read'
check 'and read by the host' desk cosmos run
same 'as it was written' marker "$(cat "$root/etc/token")"

# Without the PIN, and without the card.
echo 654321 > "$root/root/pin"
desk gpgconf --kill all
exits 'with a wrong PIN nothing is read' 1 fleet cosmos secret show global/secrets/etc/token
said 'which is said' '^error: global/secrets/etc/token: gpg cannot open it: '
said 'with the next step' '^hint: '
echo 123456 > "$root/root/pin"
check 'with the right one it is' fleet cosmos secret show global/secrets/etc/token
in_machine desk systemctl stop card
desk gpgconf --kill all
exits 'without the card nothing is read either' 1 fleet cosmos secret show global/secrets/etc/token
said 'which is said, too' '^error: global/secrets/etc/token: gpg cannot open it: '
desk gpgconf --kill all

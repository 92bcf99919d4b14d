# shellcheck shell=bash
# Operators with real gpg keys, each with a keyring folder of its own.

# gpg_of NAME ARGUMENT...: gpg as this operator runs it.
gpg_of() {
    local name=$1
    shift
    GNUPGHOME=$WORK/signer/$name gpg --batch --quiet --no-tty "$@"
}

# signer NAME KIND [LASTS]: makes an operator; KIND is rsa3072, ed25519, nistp256 and what else gpg has, or subkey
# (a primary key that only certifies, and a subkey that signs). The key lasts two years.
signer() {
    local name=$1 home=$WORK/signer/$1 kind=$2 usage=sign
    mkdir -p "$home" && chmod 0700 "$home"
    at_exit env GNUPGHOME="$home" gpgconf --kill gpg-agent
    [ "$kind" = subkey ] && kind=ed25519 usage=cert
    gpg_of "$name" --passphrase '' --quick-generate-key "$name <$name@example.org>" "$kind" "$usage" "${3:-2y}" || return
    if [ "$2" = subkey ]; then
        gpg_of "$name" --passphrase '' --quick-add-key "$(fingerprint "$name")" ed25519 sign 1y
    fi
}

# fingerprint NAME: the full fingerprint of an operator's certificate.
fingerprint() { gpg_of "$1" --with-colons --list-keys | awk -F: '$1 == "fpr" { print $10; exit }'; }

# certificate NAME: the operator's certificate, armored.
certificate() { gpg_of "$1" --armor --export; }

# policy NAME...: prints a signing policy in which these operators may do everything.
policy() {
    local name
    echo 'version = 0'
    for name in "$@"; do
        printf '\n[authorization.%s]\n' "$name"
        printf '%s = true\n' sign_commit sign_tag sign_archive add_user retire_user audit
        printf 'keyring = """\n%s\n"""\n' "$(certificate "$name")"
    done
}

# as_signer NAME GIT-ARGUMENT...: git as this operator, able to sign.
as_signer() {
    local name=$1
    shift
    GNUPGHOME=$WORK/signer/$name git -c user.name="$name" -c user.email="$name@example.org" \
        -c user.signingKey="$(fingerprint "$name")" "$@"
}

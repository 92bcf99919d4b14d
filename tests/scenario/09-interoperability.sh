#!/bin/bash
# The same signatures and histories judged by cosmos, git with gpg, and sq-git: one verdict, or a known difference.
. "$(dirname "$0")/../lib/all.sh"

SQ_GIT=$CACHE/tools/sq-git/bin/sq-git
check 'sq-git is installed (tests/tools does it)' test -x "$SQ_GIT" || exit
ALL='sign_commit sign_tag sign_archive add_user retire_user audit'

# gpg as it would be on a day of the past or future, AT, for everything that calls it.
mkdir -p "$WORK/bin"
cat > "$WORK/bin/gpg" <<END
#!/bin/bash
[ -n "\$AT" ] || exec $(command -v gpg) "\$@"
exec $(command -v gpg) --faked-system-time "\$AT" "\$@" 2> >(grep -v 'running with faked system time' >&2)
END
chmod 0755 "$WORK/bin/gpg"
PATH=$WORK/bin:$PATH
export AT=

# ago DAYS: the time so many days ago, as gpg takes it.
ago() { date -u -d "-$1 days" +%Y%m%dT%H%M%S; }

# may NAME RIGHTS FILE...: an authorization whose keyring is these files.
may() {
    printf '\n[authorization.%s]\n' "$1"
    # shellcheck disable=SC2086 # a list
    printf '%s = true\n' $2
    printf 'keyring = """\n%s\n"""\n' "$(cat "${@:3}")"
}

# policy_is: the repository's policy from here on: these authorizations, on standard input.
policy_is() {
    { printf '%s\n' 'version = 0' "commit_goodlist = [${VOUCHED:+\"$VOUCHED\"}]" && cat; } > "$FLEET/openpgp-policy.toml"
}

# begin [NAME...]: an empty repository in which one authorization holds Ada's and these people's certificates.
# One authorization is one operator: a change of the policy needs one signature.
begin() {
    FLEET=$WORK/row/$((ROWS += 1)) PUBLISHED=$WORK/row/$ROWS.git SETTINGS= VOUCHED=
    fleet_new commits && team ada "$@" && commit introduction ada && INTRODUCTION=$(introduction ada)
}
ROWS=0

# team NAME...: lets these people do everything, as one authorization.
team() {
    local name
    for name; do certificate "$name"; done > "$WORK/team"
    may team "$ALL" "$WORK/team" | policy_is
}

# work SIGNER [NAME]: a signed commit of some change, and a signed tag on it.
work() {
    date +%N | put "overlay/etc/${2:-motd}"
    commit "by $1" "$1" && as_signer "$1" -C "$FLEET" tag --sign -m release "${3:-v1}"
}

# judged NO COMMAND...: the command's verdict; its exit status 0 is yes, NO is no, and anything else no verdict.
judged() {
    local no=$1 code=0
    shift
    "$@" >> "$WORK/said" 2>&1 || code=$?
    case $code in 0) echo accepts ;; "$no") echo refuses ;; *) echo "ends with $code" ;; esac
}

# by_cosmos MODE REVISION: what a new host would say; SETTINGS are further lines of its trust.toml.
by_cosmos() {
    local place=$FLEET/.git/cosmos which='branch = "main"'
    [ "$1" = commits ] || which='pattern = "v*"'
    rm -rf "$place" && mkdir -p "$place"
    printf 'format = 1\nfqdn = "host.example.org"\nmode = "%s"\n%s\nintroduction = "%s"\n%s\n[[remote]]\nurl = "%s"\n' \
        "$1" "$which" "$INTRODUCTION" "$SETTINGS" "$PUBLISHED" > "$place/trust.toml"
    chmod 0600 "$place/trust.toml"
    judged 3 "$COSMOS" verify --repository "$FLEET" "$2"
}

# by_git KIND REVISION: what git and gpg say, with the certificates that the tip's policy has.
by_git() {
    rm -rf "$WORK/looker" && mkdir -m 0700 "$WORK/looker"
    GNUPGHOME=$WORK/looker gpg --batch --quiet --import < "$FLEET/openpgp-policy.toml" 2>> "$WORK/said"
    GNUPGHOME=$WORK/looker judged 1 git -C "$FLEET" "verify-$1" "$2"
    agents_end "$WORK/looker"
}

# agents_end HOME: what importing started there would go on for a while when the folder is gone.
agents_end() { GNUPGHOME=$1 gpgconf --kill all; }

# by_sq_git COMMAND REVISION: what sq-git says; what it remembers of earlier rows is taken away.
by_sq_git() {
    rm -rf "$WORK/remembered"
    (cd "$FLEET" && XDG_CACHE_HOME=$WORK/remembered judged 1 "$SQ_GIT" "$1" --trust-root "${INTRODUCTION%:*}" "$2")
}

# signature WORDS COSMOS GIT SQ-GIT [COMMIT]: claims the verdicts about a signed commit and about the signed tag v1.
signature() { of_commit "$@" && of_tag "$@"; }
of_commit() {
    local commit
    commit=$(revision "${5:-HEAD}") && : > "$WORK/said"
    claim "a commit: $1" "$2 $3 $4" "$(by_cosmos commits "$commit") $(by_git commit "$commit") $(by_sq_git log "$commit")"
}
of_tag() {
    : > "$WORK/said"
    claim "a tag: $1" "$2 $3 $4" "$(by_cosmos tags v1) $(by_git tag v1) $(by_sq_git verify-tag v1)"
}

# history WORDS COSMOS SQ-GIT: claims the verdicts about every commit up to the tip.
history() {
    : > "$WORK/said"
    claim "$1" "$2 $3" "$(by_cosmos commits "$(revision)") $(by_sq_git log "$(revision)")"
}

# claim WORDS EXPECTED FOUND: as `same`, and shows what the programs said where they differ.
claim() {
    local who='cosmos, git, sq-git'
    [ "$(wc -w <<< "$2")" = 3 ] || who='cosmos, sq-git'
    same "$1 ($who: $2)" "$2" "$3"
    [ "$2" = "$3" ] || tail -n 40 "$WORK/said" | sed 's/^/     | /'
}

# sealed COMMAND...: a commit of what is there, and a tag on it, with the signature block that the command makes.
sealed() {
    local text=$WORK/text commit
    date +%N | put overlay/etc/motd
    git -C "$FLEET" add --all
    commit=$(git -C "$FLEET" commit-tree -p HEAD -m sealed "$(git -C "$FLEET" write-tree)") || return
    git -C "$FLEET" cat-file commit "$commit" > "$text"
    "$@" < "$text" > "$WORK/block" || return
    commit=$(awk -v block="$WORK/block" '!done && /^$/ {
            while ((getline line < block) > 0) print (n++ ? " " : "gpgsig ") line
            done = 1
        } { print }' "$text" | git -C "$FLEET" hash-object -t commit -w --stdin) &&
        git -C "$FLEET" update-ref HEAD "$commit" || return
    printf 'object %s\ntype commit\ntag v1\ntagger Operator <operator@example.org> %s +0000\n\nrelease\n' \
        "$commit" "$(date +%s)" > "$text"
    "$@" < "$text" > "$WORK/block" || return
    git -C "$FLEET" update-ref refs/tags/v1 "$(cat "$text" "$WORK/block" | git -C "$FLEET" hash-object -t tag -w --stdin)"
}

# signs NAME OPTION...: a signature block over standard input.
signs() { gpg_of "$1" "${@:2}" --local-user "$(fingerprint "$1")" --armor --detach-sign; }

# armored: packets as one signature block.
armored() { gpg --batch --quiet --enarmor | sed 's/PGP ARMORED FILE/PGP SIGNATURE/; /^Comment: /d'; }

# revoked NAME REASON: the certificate with a revocation; 1 is compromised, 2 superseded, as gpg numbers them.
revoked() {
    local home=$WORK/revoked
    rm -rf "$home" && mkdir -m 0700 "$home"
    certificate "$1" | GNUPGHOME=$home gpg --batch --quiet --import
    printf 'y\n%s\n\ny\n' "$2" | GNUPGHOME=$WORK/signer/$1 gpg --quiet --no-tty --command-fd 0 \
        --pinentry-mode loopback --passphrase '' --gen-revoke "$(fingerprint "$1")" 2>> "$WORK/said" |
        GNUPGHOME=$home gpg --batch --quiet --import
    GNUPGHOME=$home gpg --batch --armor --export
    agents_end "$home"
}

echo '-- kinds of keys'
AT=$(ago 300) signer ada ed25519
for kind in rsa2048 rsa3072 rsa4096 ed25519 nistp256 nistp384 nistp521 subkey; do
    signer "$kind" "$kind"
    begin "$kind" && work "$kind"
    signature "$kind" accepts accepts accepts
done
for kind in brainpoolP256r1 brainpoolP384r1 brainpoolP512r1; do
    signer "$kind" "$kind"
    begin "$kind" && work "$kind"
    signature "$kind, for which sq-git's backend has no code" accepts accepts refuses
done

echo '-- kinds of signatures'
signer small rsa1024
begin small && work small
signature 'RSA-1024' refuses accepts refuses
begin rsa3072 && sealed signs rsa3072 --digest-algo SHA1
signature 'a SHA-1 signature' refuses accepts refuses
begin rsa3072 && sealed signs rsa3072 --textmode
signature 'a text-mode signature' refuses accepts accepts
signer forever ed25519 never
begin forever && AT=20300101T000000 sealed signs forever
signature 'a date in 2030' refuses accepts refuses

# The second block covers the first, as git reads tags: what stands before the last block is the text.
both() {
    tee "$WORK/signed" > /dev/null
    signs ada < "$WORK/signed" > "$WORK/first" && cat "$WORK/first" && cat "$WORK/signed" "$WORK/first" | signs ed25519
}
begin ed25519 && sealed both
of_commit 'two blocks' refuses refuses accepts
of_tag 'two blocks' refuses accepts accepts
together() {
    tee "$WORK/signed" > /dev/null
    for name in ada ed25519; do gpg_of "$name" --detach-sign < "$WORK/signed"; done | armored
}
begin ed25519 && sealed together
signature 'two signatures in one block' refuses refuses accepts

# A number that says it is a bit longer than it is: the highest bit of the signature is clear, and counted.
malformed() {
    tee "$WORK/signed" > /dev/null
    while :; do
        gpg_of rsa3072 --detach-sign < "$WORK/signed" > "$WORK/packet"
        perl -0777 -e 'local $/; my $p = <STDIN>; my $at = 3 + 4; $at += 2 + unpack("n", substr($p, $at)) for 1, 2; $at += 2;
            my $bits = unpack("n", substr($p, $at)); exit 1 if $bits != 3071; substr($p, $at, 2) = pack("n", 3072); print $p' \
            < "$WORK/packet" > "$WORK/longer" && break
        sleep 1
    done
    armored < "$WORK/longer"
}
begin rsa3072 && sealed malformed
signature 'a malformed number in the signature' refuses accepts refuses

begin && signer stranger ed25519 && work stranger
signature 'a stranger' refuses refuses refuses
begin && date | put overlay/etc/motd && commit unsigned && git -C "$FLEET" tag -a -m release v1
signature 'no signature' refuses refuses refuses


echo '-- lives of keys'
# Bob's key ended 20 days ago. What he signed before is the newest step, and then it is history.
AT=$(ago 300) signer bob ed25519 280d
certificate bob > "$WORK/bob.old"
AT=$(ago 200) begin bob && AT=$(ago 100) work bob
signature 'ended since, and the newest' refuses refuses accepts
AT=$(ago 90) work ada issue v2
signature 'ended since, and below a newer one' accepts refuses accepts HEAD~1

# He extends it. Git's own answer rests on a keyring, here the one of the tip.
gpg_of bob --passphrase '' --quick-set-expire "$(fingerprint bob)" 2y
team_is() { may team "$ALL" "$@" | policy_is; }
certificate ada > "$WORK/ada"
certificate bob > "$WORK/bob.new"
AT=$(ago 200) begin bob && team_is "$WORK/ada" "$WORK/bob.old" && AT=$(ago 190) commit 'the old key' ada
INTRODUCTION=$(introduction ada)
work bob
signature 'made after its end' refuses refuses refuses
team_is "$WORK/ada" "$WORK/bob.old" "$WORK/bob.new" && git -C "$FLEET" tag -d v1 > /dev/null
git -C "$FLEET" reset --quiet --soft HEAD~1 && work bob
signature 'made after its end, and its own commit extends the key' accepts accepts accepts
team_is "$WORK/ada" "$WORK/bob.new" && git -C "$FLEET" tag -d v1 > /dev/null
git -C "$FLEET" reset --quiet --soft HEAD~1 && work bob
signature 'the same, with the certificate as gpg exports it' accepts accepts accepts

# Carl's key is superseded: nothing may be signed by it from then on, and what was signed before stays.
AT=$(ago 300) signer carl ed25519
certificate carl > "$WORK/carl"
AT=$(ago 20) revoked carl 2 > "$WORK/carl.superseded"
AT=$(ago 200) begin carl && AT=$(ago 100) work carl
team_is "$WORK/ada" "$WORK/carl.superseded" && AT=$(ago 10) work ada issue v2
signature 'superseded since, and below a newer one' accepts refuses accepts HEAD~1
AT=$(ago 100) begin && team_is "$WORK/ada" "$WORK/carl.superseded" && AT=$(ago 95) commit 'with Carl' ada
INTRODUCTION=$(introduction ada)
AT=$(ago 90) work carl
signature 'superseded since, and the newest' refuses refuses accepts
git -C "$FLEET" tag -d v1 > /dev/null && git -C "$FLEET" reset --quiet --hard HEAD~1 && AT=$(ago 5) work carl
signature 'made when it was superseded' refuses refuses refuses

# Dora's key was stolen, and the revocation says so: nothing it ever signed counts.
AT=$(ago 300) signer dora ed25519
revoked dora 1 > "$WORK/dora.stolen"
AT=$(ago 200) begin dora && AT=$(ago 100) work dora
team_is "$WORK/ada" "$WORK/dora.stolen" && AT=$(ago 10) work ada issue v2
history 'a commit: compromised, as a later one says' refuses refuses
of_tag 'compromised, as a later commit says, which sq-git does not look at' refuses refuses accepts
git -C "$FLEET" reset --quiet --soft HEAD~1 && VOUCHED=$(revision)
team_is "$WORK/ada" "$WORK/dora.stolen" && commit 'vouched for' ada
history 'a commit: compromised, and vouched for by a later one' accepts accepts

# Carl's revocation comes with a commit that he signs himself.
AT=$(ago 200) begin carl && team_is "$WORK/ada" "$WORK/carl.superseded" && AT=$(ago 10) commit 'I stop' carl
history 'a signer whose revocation the commit itself brings' refuses accepts

echo '-- rights'
signer bo nistp256 && certificate bo > "$WORK/bo"
signer cleo ed25519 && certificate cleo > "$WORK/cleo"
signer dan ed25519 && certificate dan > "$WORK/dan"

# rights: the policy in which Ada may do everything, Bo what BO says, Cleo what CLEO says; $1 is Bob's keyring.
rights() {
    {
        may ada "$ALL" "$WORK/ada"
        may bo "$BO" "$WORK/bo"
        may cleo "$CLEO" "$WORK/cleo"
        may bob sign_archive "${@:-$WORK/bob.old}"
    } | policy_is
}

# start RIGHTS: a repository in which Bo has these rights; one signature may change the policy, as sq-git has it.
start() {
    FLEET=$WORK/row/$((ROWS += 1)) PUBLISHED=$WORK/row/$ROWS.git SETTINGS='policy-threshold = 1' VOUCHED=
    BO=$1 CLEO='sign_commit sign_tag'
    fleet_new commits && rights && commit introduction ada && INTRODUCTION=$(introduction ada)
}

# needs RIGHT WORDS COMMAND...: claims that Bo may make the change with all rights, and not without this one.
needs() {
    start "$ALL" && "${@:3}" && commit "$2" bo
    history "$2, with $1" accepts accepts
    start "$(sed "s/$1//" <<< "$ALL")" && "${@:3}" && commit "$2" bo
    history "$2, without $1" refuses refuses
}

works() { date +%N | put overlay/etc/motd; }
vouches() { VOUCHED=$(revision) && rights; }
joins() { may dan sign_commit "$WORK/dan" >> "$FLEET/openpgp-policy.toml"; }
gets_a_second_key() { rights "$WORK/bob.old" "$WORK/dan"; }
is_given() { CLEO="sign_commit sign_tag $1" && rights; }
leaves() { { may ada "$ALL" "$WORK/ada" && may bo "$BO" "$WORK/bo"; } | policy_is; }
loses_a_right() { CLEO=sign_commit && rights; }
loses_a_packet() { rights "$WORK/bob.new"; }

needs sign_commit 'a commit that changes files' works
needs audit 'a commit is vouched for' vouches
needs add_user 'somebody joins' joins
needs add_user 'a second certificate joins' gets_a_second_key
needs add_user 'a right is given' is_given retire_user
for right in sign_archive audit add_user retire_user; do needs "$right" "the right $right is given" is_given "$right"; done
needs retire_user 'somebody leaves' leaves
needs retire_user 'a right is taken away' loses_a_right
needs retire_user 'a certificate loses a signature' loses_a_packet
start sign_commit && rights "$WORK/bob.old" "$WORK/bob.new" && commit 'Bob is renewed' bo
history 'a certificate gets a signature, with sign_commit only' accepts accepts

start 'sign_commit retire_user' && leaves && commit 'Cleo leaves' bo
history 'who leaves had sign_tag, and whoever retires them has not, which sq-git refuses against its specification' \
    accepts refuses
start sign_commit && may too 'sign_tag sign_archive retire_user' "$WORK/bo" >> "$FLEET/openpgp-policy.toml" &&
    commit 'Bo once more' ada && leaves && commit 'Cleo leaves' bo
history 'rights of two authorizations are not added up' refuses refuses

start 'sign_commit' && works && commit work bo && as_signer bo -C "$FLEET" tag --sign -m release v1
: > "$WORK/said"
claim 'a tag without sign_tag' 'refuses refuses' "$(by_cosmos tags v1) $(by_sq_git verify-tag v1)"
start 'sign_tag' && works && commit work ada && as_signer bo -C "$FLEET" tag --sign -m release v1
: > "$WORK/said"
claim 'a tag with sign_tag only' 'accepts accepts' "$(by_cosmos tags v1) $(by_sq_git verify-tag v1)"

start "$ALL" && SETTINGS= && joins && commit 'Dan joins' bo
history 'a change of the policy by one of two operators' refuses accepts
as_signer ada -C "$FLEET" tag --sign -m agreed "cosign/$(revision)"
history 'the same, with the signature of the other' accepts accepts
start "$ALL" && sed -i 's/^version = 0/version = 1/' "$FLEET/openpgp-policy.toml" && commit 'another version' ada
history 'a policy of version 1' refuses accepts
start "$ALL" && sed -i '/^version = 0/d' "$FLEET/openpgp-policy.toml" && commit 'no version' ada
history 'a policy without a version' refuses accepts

echo '-- histories'
# aside NAME REVISION: a branch from there.
aside() { git -C "$FLEET" checkout --quiet -b "$1" "$2"; }
# merges SIGNER BRANCH: merges it into main.
merges() {
    git -C "$FLEET" checkout --quiet main
    as_signer "$1" -C "$FLEET" merge --quiet --no-ff --gpg-sign -m merge "$2"
}
# two_sides SIGNER: main with a commit of Ada's, and a branch with one of this signer, or of nobody.
two_sides() {
    works && commit 'on main' ada && aside side HEAD~1 && date +%N | put overlay/etc/issue && commit 'aside' "$@"
}

start "$ALL" && two_sides bo && merges ada side
history 'a merge of two signed sides' accepts accepts
start "$ALL" && two_sides && merges ada side
history 'a merge of an unsigned side' refuses accepts
SETTINGS='merge-rule = "any"'
history 'the same, with merge-rule = "any"' accepts accepts
start "$ALL" && rights && works && commit 'the introduction' ada && INTRODUCTION=$(introduction ada) &&
    works && commit 'on main' ada && aside side HEAD~2 && date +%N | put overlay/etc/issue && commit aside ada && merges ada side
history 'a merge with a path below the introduction' refuses accepts
SETTINGS='merge-rule = "any"'
history 'the same, with merge-rule = "any"' accepts accepts
start 'sign_commit sign_tag' && { may ada "$ALL" "$WORK/ada" | policy_is; } && commit 'Bo leaves' ada && works && commit 'Bo stays' bo
history 'a retired signer' refuses refuses
start 'sign_commit sign_tag' && { may ada "$ALL" "$WORK/ada" | policy_is; } && commit 'Bo leaves' ada &&
    aside side HEAD~1 && works && commit 'on an old base' bo &&
    as_signer bo -C "$FLEET" merge --quiet --gpg-sign --strategy ours -m 'Bo merges' main
history 'a merge by a retired signer with an old base' refuses accepts
SETTINGS='merge-rule = "any"'
history 'the same, with merge-rule = "any"' accepts accepts

start "$ALL" && works && commit 'nobody signed it' && VOUCHED=$(revision) && rights && commit 'vouched for' ada
history 'an unsigned commit that a later one vouches for' accepts refuses
AT=$(ago 200) begin dora && AT=$(ago 100) work dora && VOUCHED=$(revision)
SETTINGS='policy-threshold = 1'
VOUCHED= && { may team "$ALL" "$WORK/ada" "$WORK/dora.stolen" && may bo 'sign_commit audit' "$WORK/bo"; } | policy_is &&
    commit 'Bo may vouch' ada
VOUCHED=$(revision HEAD~1) && { may team "$ALL" "$WORK/ada" "$WORK/dora.stolen" && may bo 'sign_commit audit' "$WORK/bo"; } |
    policy_is && commit 'Bo vouches' bo
history 'vouched for by somebody who came after it' refuses accepts

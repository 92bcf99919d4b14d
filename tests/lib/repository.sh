# shellcheck shell=bash
# The operators' side: a repository in $WORK/fleet, published as $WORK/srv/fleet.git.

FLEET=$WORK/fleet
PUBLISHED=$WORK/srv/fleet.git

# fleet_new MODE NAME...: an empty fleet repository whose releases these operators may sign.
fleet_new() {
    local mode=$1
    shift
    git init --quiet --bare "$PUBLISHED" && touch "$PUBLISHED/git-daemon-export-ok" || return
    git init --quiet "$FLEET"
    git -C "$FLEET" remote add origin "$PUBLISHED"
    printf 'format = 1\nfleet = "test"\nmode = "%s"\n' "$mode" > "$FLEET/fleet.toml"
    policy "$@" > "$FLEET/openpgp-policy.toml"
}

# put PATH [MODE]: writes standard input to a file of the repository.
put() {
    mkdir -p "$(dirname "$FLEET/$1")"
    cat > "$FLEET/$1"
    chmod "${2:-0644}" "$FLEET/$1"
}

# given PATH LINE...: adds settings to a file of the repository; each replaces those of the same name.
given() {
    local line file=$FLEET/$1
    for line in "${@:2}"; do
        sed -i "/^${line%%[ .=]*}[ .]/d" "$file"
        printf '%s\n' "$line" >> "$file"
    done
}

# carried ROOT: copies what is published into a machine, to /srv/fleet.git.
carried() { rm -rf "$1/srv/fleet.git" && cp -a "$PUBLISHED" "$1/srv/fleet.git"; }

# commit MESSAGE [SIGNER]: commits everything and publishes the branch; signed when a signer is named.
commit() {
    git -C "$FLEET" add --all
    if [ -n "${2:-}" ]; then
        as_signer "$2" -C "$FLEET" commit --quiet --allow-empty --gpg-sign -m "$1"
    else
        git -C "$FLEET" commit --quiet --allow-empty -m "$1"
    fi
    git -C "$FLEET" push --quiet --force origin HEAD:main
}

# release TAG SIGNER [MESSAGE]: commits what is there, signs a tag on it and publishes both.
release() {
    [ -z "$(git -C "$FLEET" status --porcelain)" ] && git -C "$FLEET" rev-parse --quiet --verify HEAD > /dev/null ||
        commit "for $1"
    as_signer "$2" -C "$FLEET" tag --sign -m "${3:-release $1}" "$1" &&
        git -C "$FLEET" push --quiet origin "refs/tags/$1"
}

# revision [REV]: the full id of a commit of the repository.
revision() { git -C "$FLEET" rev-parse "${1:-HEAD}^{commit}"; }

# introduction SIGNER [REV]: what an operator tells a new host: a commit and who signed it.
introduction() { echo "$(revision "${2:-HEAD}"):$(fingerprint "$1")"; }

# shellcheck shell=bash disable=SC2034 # bench/run reads COMMAND
# What is measured: Cosmos, and what it is measured against.

# Each variant has three verbs: NAME_prepare (once a repository), NAME_empty (back to before the first run), and
# NAME_command, which sets COMMAND to what is measured.

cosmos_prepare() {
    local url=$1
    shift
    CONVERGED=$WORK/cosmos/root
    rm -rf "$WORK/cosmos" && mkdir -p "$CONVERGED"
    in_network "$NETWORK" "$COSMOS" --root "$CONVERGED" clone "$url" --fqdn "$HOST" --mode tags --tags 'v-*' \
        --trust "$FIRST_RELEASE:$(fingerprint operator)" "$@" &&
        in_network "$NETWORK" "$COSMOS" --root "$CONVERGED" update &&
        cp -a "$CONVERGED" "$WORK/cosmos/fresh"
}
cosmos_empty() { rm -rf "$CONVERGED" && cp -a "$WORK/cosmos/fresh" "$CONVERGED"; }
cosmos_command() { COMMAND=("$COSMOS" --root "$CONVERGED" run); }

original_prepare() {
    rm -rf "$WORK/original" && mkdir -p "$WORK/original"/{model,root}
    in_network "$NETWORK" git clone --quiet git://127.0.0.1/fleet.git "$WORK/original/repo"
}
original_empty() { rm -rf "$WORK/original"/{model,root} && mkdir "$WORK/original"/{model,root}; }
original_command() {
    COMMAND=("$PROJECT/bench/original.sh" "$WORK/original/repo" "$WORK/original/model" "$WORK/original/root" 'v-*'
        "$WORK/original/repo/$LAYER/")
}

plain_prepare() {
    rm -rf "$WORK/plain" && mkdir -p "$WORK/plain/root"
    in_network "$NETWORK" git clone --quiet git://127.0.0.1/fleet.git "$WORK/plain/repo"
    gpg_of operator --export > "$WORK/operator.gpg"
}
plain_empty() { rm -rf "$WORK/plain/root" && mkdir "$WORK/plain/root"; }
plain_command() {
    COMMAND=("$PROJECT/bench/plain.sh" "$WORK/plain/repo" "$WORK/plain/root" 'v-*' "$WORK/operator.gpg"
        "$WORK/plain/repo/$LAYER")
}

floor_prepare() {
    local object
    rm -rf "$WORK/floor" && mkdir -p "$WORK/floor/tasks"
    object=$(git -C "$FLEET" cat-file tag "$(git -C "$FLEET" tag | tail -n 1)")
    printf '%s' "${object%%-----BEGIN PGP*}" > "$WORK/floor/signed"
    printf '%s\n' "-----BEGIN PGP${object#*-----BEGIN PGP}" > "$WORK/floor/signature"
    gpg_of operator --export > "$WORK/floor/certificate"
    find "$FLEET/$LAYER/overlay" -type f > "$WORK/floor/paths"
    for i in 0 1 2 3 4 5 6 7 8 9; do printf '#!/bin/sh\n:\n' > "$WORK/floor/tasks/$i"; done
    chmod 0755 "$WORK"/floor/tasks/*
}
floor_command() {
    COMMAND=("$TOOLS/floor" 127.0.0.1:9418 /fleet.git refs/tags/v- "$WORK/floor/signed" "$WORK/floor/signature"
        "$WORK/floor/certificate" "$WORK/floor/paths" "$WORK/floor/tasks")
}

# The tasks alone, started as the floor starts them: what every variant pays for them.
tasks_command() { COMMAND=("$TOOLS/floor" "$WORK/floor/tasks"); }

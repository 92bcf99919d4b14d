# shellcheck shell=bash
# The place a scenario works in, and how everything it started ends with it.

set -u -o pipefail
PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/cosmos-tests

# Names of folders, namespaces and cgroups start with this: two runs do not meet, and each sees what it left behind.
PREFIX=cosmos-test-${COSMOS_TEST_RUN:-$$}

# The agent under test; the runner sets it to the release build.
: "${COSMOS:=$PROJECT/target/release/cosmos}"

# The tools of modules, built beside it.
TOOLS=$(dirname "$COSMOS")/cosmos-tools

# Short on purpose: gpg-agent's socket paths must stay below 108 bytes.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/$PREFIX.XXXXXX")

# Where the caller has a compiler, and what cargo fetched.
TOOLCHAINS=${RUSTUP_HOME:-$HOME/.rustup} CARGO=${CARGO_HOME:-$HOME/.cargo}

# The operator's programs see no settings of whoever runs the tests.
export GIT_CONFIG_GLOBAL=$WORK/gitconfig GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8 HOME=$WORK/home
unset GNUPGHOME GIT_DIR GIT_WORK_TREE XDG_CONFIG_HOME
mkdir -p "$HOME"
git config --global user.name Operator
git config --global user.email operator@example.org
git config --global init.defaultBranch main
git config --global safe.directory '*'
git config --global advice.detachedHead false

ENDINGS=()

# at_exit COMMAND...: runs this when the scenario ends, however it ends; the last one first.
at_exit() { ENDINGS+=("$(printf '%q ' "$@")"); }

# ends PID: ends a process that a scenario started, and waits until it is gone.
ends() {
    kill "$1" 2> /dev/null && kill -CONT "$1" 2> /dev/null
    for _ in $(seq 50); do
        kill -0 "$1" 2> /dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$1" 2> /dev/null
}

clean_up() {
    local i
    cd /
    for ((i = ${#ENDINGS[@]} - 1; i >= 0; i--)); do
        eval "${ENDINGS[i]}"
    done
    rm -rf --one-file-system "$WORK"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

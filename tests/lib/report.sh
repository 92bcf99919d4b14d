# shellcheck shell=bash
# What a scenario says: one line a claim, `ok   words` or `FAIL words`, which the runner counts.

# check WORDS COMMAND...: the claim holds when the command succeeds; a failing one shows what it printed.
# Commands run in this shell, not in a copy of it, so that what they start is ended with the scenario.
check() { exits "$1" 0 "${@:2}"; }

# same WORDS EXPECTED FOUND: the claim holds when both texts are equal; else both are shown as a difference.
same() {
    if [ "$2" = "$3" ]; then
        printf 'ok   %s\n' "$1"
    else
        printf 'FAIL %s\n' "$1"
        diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | tail -n 40 | sed 's/^/     | /'
    fi
}

# skip WORDS: a claim that cannot be tried on this machine; the words say why.
skip() { printf 'skip %s\n' "$1"; }

# exits WORDS CODE COMMAND...: the claim holds when the command ends with exactly this exit status.
# What it said is kept in $WORK/said.
exits() {
    local words=$1 wanted=$2 code=0
    shift 2
    "$@" > "$WORK/said" 2>&1 || code=$?
    if [ "$code" = "$wanted" ]; then
        printf 'ok   %s\n' "$words"
    else
        printf 'FAIL %s (exit %s, wanted %s)\n' "$words" "$code" "$wanted"
        tail -n 40 "$WORK/said" | sed 's/^/     | /'
    fi
}

# said WORDS PATTERN: the claim holds when the last command checked printed a line that matches.
said() {
    if grep -E -q -- "$2" "$WORK/said"; then
        printf 'ok   %s\n' "$1"
    else
        printf 'FAIL %s: nothing matches "%s"\n' "$1" "$2"
        tail -n 40 "$WORK/said" | sed 's/^/     | /'
    fi
}

# quiet WORDS: the claim holds when the last command checked printed nothing.
quiet() { same "$1" '' "$(cat "$WORK/said")"; }

# eventually SECONDS COMMAND...: tries the command five times a second until it succeeds, for as long as that takes on a
# quiet machine at most, or three times as long: that a machine is busy is no fault of what is tested.
eventually() {
    local tries=$(($1 * 15))
    shift
    while ! "$@" > /dev/null 2>&1; do
        [ $((tries -= 1)) -gt 0 ] || { "$@"; return; }
        sleep 0.2
    done
}

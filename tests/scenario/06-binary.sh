#!/bin/bash
# The release binary needs libc and libgcc_s only, and starts at once.
. "$(dirname "$0")/../lib/all.sh"

# The loader and the kernel's own page are no libraries; libm, libpthread and libdl are parts of libc.
same 'it is linked to libc and libgcc_s only' '' "$(ldd "$COSMOS" | awk '{ print $1 }' |
    grep -vE '/ld-linux-[^/]*$|^linux-vdso|^lib(c|m|pthread|dl|rt|gcc_s)\.so\.[0-9]$')"

# times COUNT COMMAND...: the median time of a command in microseconds.
times() {
    local count=$1 start i
    shift
    for ((i = 0; i < count; i++)); do
        start=${EPOCHREALTIME/./}
        "$@" > /dev/null
        echo $((${EPOCHREALTIME/./} - start))
    done | sort -n | sed -n "$((count / 2 + 1))p"
}
took=$(times 201 "$COSMOS" --version)
check "--version takes under 2 ms (it took $took microseconds)" test "$took" -lt 2000
check 'it says its version' "$COSMOS" --version
said 'as a number' '^cosmos [0-9]+\.[0-9]+\.[0-9]+'
exits 'no command is a usage text, as it always was' 0 "$COSMOS"
exits 'an unknown option is a usage error' 2 "$COSMOS" run --no-such-option

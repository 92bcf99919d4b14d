#!/bin/bash
# The release binary needs libc and libgcc_s only, and starts at once.
. "$(dirname "$0")/../lib/all.sh"

# The loader and the kernel's own page are no libraries.
same 'it is linked to libc and libgcc_s, and to nothing else' 'libc.so.6 libgcc_s.so.1' "$(ldd "$COSMOS" |
    awk '$1 !~ /\/ld-linux-[^\/]*$|^linux-vdso/ { print $1 }' | sort | paste -sd' ')"

# The median of many, next to what a program takes that does nothing.
cc -O1 -o "$WORK/startup" "$(dirname "$0")/../lib/startup.c"
read -r nothing took <<< "$("$WORK/startup" 400 /bin/true "$COSMOS")"
# An idle computer starts a program that does nothing in 0.8 ms. On a slower or busier one the limit grows as that does.
limit=$((nothing > 800 ? 2000 * nothing / 800 : 2000))
check "--version takes under $limit microseconds (it took $took, /bin/true $nothing)" \
    test "${took:-0}" -gt 0 -a "${took:-0}" -lt "$limit"
check 'it says its version' "$COSMOS" --version
said 'as a number' '^cosmos [0-9]+\.[0-9]+\.[0-9]+'
exits 'no command is a usage text, as it always was' 0 "$COSMOS"
exits 'an unknown option is a usage error' 2 "$COSMOS" run --no-such-option

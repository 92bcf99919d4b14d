#!/bin/bash
# The release binary needs libc and libgcc_s only, and starts at once.
. "$(dirname "$0")/../lib/all.sh"

# The loader and the kernel's own page are no libraries; libm, libpthread and libdl are parts of libc.
same 'it is linked to libc and libgcc_s only' '' "$(ldd "$COSMOS" | awk '{ print $1 }' |
    grep -vE '/ld-linux-[^/]*$|^linux-vdso|^lib(c|m|pthread|dl|rt|gcc_s)\.so\.[0-9]$')"

# time_of COUNT COMMAND...: what a command takes, in microseconds: the fastest of many times, since whatever else the
# computer does only adds. By perl, since bash itself forks slowly.
time_of() {
    perl -MTime::HiRes=time -e 'open(STDOUT2, ">&STDOUT"); open(STDOUT, ">", "/dev/null"); my $count = shift;
        my @took = sort { $a <=> $b } map { my $start = time; system { $ARGV[0] } @ARGV; time - $start } 1 .. $count;
        printf STDOUT2 "%d\n", 1e6 * $took[0]' "$@"
}
took=$(time_of 400 "$COSMOS" --version)
nothing=$(time_of 400 /bin/true)
# A computer on which a program that does nothing takes more than half a millisecond is busy with other work: there the
# limit is four times that.
limit=$((nothing > 500 ? 4 * nothing : 2000))
check "--version takes under $limit microseconds (it took $took, /bin/true $nothing)" test "$took" -lt "$limit"
check 'it says its version' "$COSMOS" --version
said 'as a number' '^cosmos [0-9]+\.[0-9]+\.[0-9]+'
exits 'no command is a usage text, as it always was' 0 "$COSMOS"
exits 'an unknown option is a usage error' 2 "$COSMOS" run --no-such-option

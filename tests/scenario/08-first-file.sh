#!/bin/bash
# The commands of docs/first-file.md, typed as they stand there, put one file on a running host in under two minutes.
. "$(dirname "$0")/../lib/all.sh"

page=$PROJECT/docs/first-file.md
if [ ! -e "$page" ]; then
    skip 'docs/first-file.md is not written'
    exit
fi

# The page's operator and host are one machine here: gpg, git and the agent on it. Its blocks are marked
# ```sh operator or ```sh host; other blocks show what is printed.
check 'a machine is up' machine_up first "$(base_root "$CLASSIC_PACKAGES")"
{
    echo 'set -eu'
    awk '$1 == "```sh" && ($2 == "operator" || $2 == "host") { on = 1; next } /^```/ { on = 0 } on' "$page"
} > "$(root_of first)/root/page.sh"
began=$SECONDS
check 'the commands of the page work' in_machine first bash /root/page.sh
check 'in under two minutes' test $((SECONDS - began)) -lt 120
check 'the file is there' test -s "$(root_of first)/etc/motd"

#!/bin/bash
# Packages that layers need: in one transaction, without starting a daemon; failing, killed, waiting, held back.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
check 'a machine is up' machine_up pk
root=$(root_of pk)
check 'its server is up' serve_git pk
package_repository pk alice

# A daemon with a conffile, which starts when it is installed unless that is forbidden; a tool; one that comes later
# with a conffile where a layer has a file already; one that cannot be configured; one that takes its time; one that
# never comes to its end; one more.
build=$(package_folder daemon)
mkdir -p "$build/etc" && echo 'from the package' > "$build/etc/daemon.conf"
echo /etc/daemon.conf > "$build/DEBIAN/conffiles"
package_service daemon '/bin/sleep infinity'
package_script daemon << 'SCRIPT'
#!/bin/sh
systemctl daemon-reload
deb-systemd-invoke start daemon.service || true
SCRIPT
package_folder tool > /dev/null
build=$(package_folder later)
mkdir -p "$build/etc" && echo 'from the package' > "$build/etc/later.conf"
echo /etc/later.conf > "$build/DEBIAN/conffiles"
package_folder broken > /dev/null
package_script broken << 'SCRIPT'
#!/bin/sh
[ -e /etc/broken-works ] || { echo 'it is broken' >&2; exit 3; }
SCRIPT
package_folder slow > /dev/null
package_script slow << 'SCRIPT'
#!/bin/sh
: > /var/tmp/slow-begun
while [ -e /var/tmp/slow-waits ]; do sleep 0.1; done
SCRIPT
package_folder endless > /dev/null
package_script endless << 'SCRIPT'
#!/bin/sh
while [ ! -e /var/tmp/endless-ends ]; do sleep 0.1; done
SCRIPT
package_folder more > /dev/null
for package in daemon tool later broken slow endless more; do check "package '$package' is built" package_add pk "$package" 1.0; done
check 'the repository is signed' package_index pk alice
# The repository is known to apt by what a layer brings.
rm "$root/etc/apt/sources.list"

# needs LAYER PACKAGE: a layer that needs a package and has a file.
needs() {
    printf '[packages]\napt = ["%s"]\n' "$2" | put "models/$1/layer.toml"
    echo 'from the layer' | put "models/$1/overlay/etc/$1.conf"
}
uses() { printf 'use = [%s]\n' "$(printf '"%s", ' "$@")" | put hosts/pk.example.org/layer.toml; }
status_of() { in_machine pk dpkg-query -W -f '${Status}' "$1"; }

needs daemon daemon
needs tool tool
echo 'deb [signed-by=/srv/apt/signer.asc] file:/srv/apt ./' | put models/tool/overlay/etc/apt/sources.list.d/own.list
echo 'from the layer' | put models/later/overlay/etc/later.conf
uses daemon tool later
release v-1 alice
check 'clone takes the introduction' in_machine pk cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn pk.example.org --tags 'v-*'

check 'plan names what is missing' in_machine pk cosmos plan
said 'and who needs it' '^\+ package daemon +for models/daemon$'
check 'as JSON, too' in_machine pk cosmos plan --json
said 'by name and layers' '"packages":\[\{"layers":\["models/daemon"\],"name":"daemon"\},'
check 'a dry run ends well' in_machine pk cosmos run -n
said 'and names the packages' '^\+ package tool'
exits 'and installs nothing' 1 status_of tool
check 'a run installs them' in_machine pk cosmos run
said 'and says so' '^\+ package daemon +for models/daemon$'
same 'the daemon is installed' 'install ok installed' "$(status_of daemon)"
same 'the tool, too' 'install ok installed' "$(status_of tool)"
same "the layer's file is over the conffile" 'from the layer' "$(cat "$root/etc/daemon.conf")"
same 'installing did not start the daemon' inactive "$(in_machine pk systemctl is-active daemon)"
exits 'the ban on starting is gone' 1 test -e "$root/usr/sbin/policy-rc.d"
check 'by hand it starts' in_machine pk systemctl start daemon
check 'log names the packages' in_machine pk cosmos log --json
said 'with their layers' '"name":"daemon"'

check 'a second run ends well' in_machine pk strace -ff -qq -e trace=open,openat,execve,newfstatat -o /var/tmp/trace cosmos run
quiet 'and says nothing'
same 'it does not read what is installed' '' "$(cat "$root"/var/tmp/trace.* | grep -E '^open(at)?\([^"]*"([^"]*/)?status"')"
same 'it looks at it once' 1 "$(cat "$root"/var/tmp/trace.* | grep -c '^newfstatat([^"]*"status"')"
same 'and starts no program' /usr/bin/cosmos "$(executed "$root/var/tmp/trace")"

# A package that comes where a layer's file is: dpkg keeps the file and asks nobody.
needs later later
release v-2 alice
check 'a package comes over a file of a layer' in_machine pk cosmos run
same 'the file stays' 'from the layer' "$(cat "$root/etc/later.conf")"
same "the package's own lies beside it" 'from the package' "$(cat "$root/etc/later.conf.dpkg-dist")"

# What cannot come stops its layer and no other.
needs broken broken
needs nowhere no-such-package
printf '#!/bin/sh\n: > /var/tmp/nowhere-ran\n' | put models/nowhere/post-tasks.d/010ran 0755
echo hello | put global/overlay/etc/motd
uses daemon tool later broken nowhere
release v-3 alice
exits 'packages that do not come are a failure' 1 in_machine pk cosmos run
said 'that names the layers' "error: packages did not come: 'models/broken' waits for package 'broken'; 'models/nowhere' waits for package 'no-such-package'"
said 'the reason by dpkg' '! package broken +did not come: .*post-installation script.* status 3'
said 'the reason by apt' '! package no-such-package +did not come: Unable to locate package no-such-package'
said 'what the package said' 'it is broken'
said 'and the files that wait' "! etc/nowhere.conf waits: its layer waits for package 'no-such-package'"
same 'other layers go on' hello "$(cat "$root/etc/motd")"
exits 'the file of a layer that waits is not there' 1 test -e "$root/etc/broken.conf"
exits 'nor did its task run' 1 test -e "$root/var/tmp/nowhere-ran"
exits 'an unattended run soon after leaves packages alone' 1 traced /var/tmp/soon in_machine pk cosmos run --scheduled
same 'and starts no program' /usr/bin/cosmos "$(executed "$root/var/tmp/soon")"
touch "$root/etc/broken-works"
exits 'by hand it is tried at once' 1 in_machine pk cosmos run
same 'what can come now came' 'install ok installed' "$(status_of broken)"
same 'with its file' 'from the layer' "$(cat "$root/etc/broken.conf")"
uses daemon tool later broken
release v-4 alice
check 'without the other layer all is well' in_machine pk cosmos run
check 'and stays well' in_machine pk cosmos run
quiet 'in silence'

# Killed in the middle, with dpkg and all.
needs slow slow
uses daemon tool later broken slow
release v-5 alice
touch "$root/var/tmp/slow-waits"
in_machine pk cosmos run > "$WORK/killed" 2>&1 &
killed=$!
check 'a package is being configured' eventually 60 test -e "$root/var/tmp/slow-begun"
same 'starting is forbidden meanwhile' 101 "$(in_machine pk /usr/sbin/policy-rc.d; echo $?)"
in_machine pk sh -c 'kill -KILL $(pidof cosmos apt-get dpkg) $(pidof -x slow.postinst)'
wait "$killed" 2> /dev/null
rm "$root/var/tmp/slow-waits"
same 'dpkg was interrupted' 'install ok half-configured' "$(status_of slow)"
check 'the next run finishes it' in_machine pk cosmos run
same 'the package is there' 'install ok installed' "$(status_of slow)"
same 'with its file' 'from the layer' "$(cat "$root/etc/slow.conf")"
exits 'the ban on starting is gone' 1 test -e "$root/usr/sbin/policy-rc.d"
check 'nothing is left to do' in_machine pk cosmos run
quiet 'in silence'

# One that takes longer than a task may is ended, and its layer waits for the next run.
needs endless endless
uses daemon tool later broken slow endless
release v-5.1 alice
echo 'task-timeout = "10s"' > "$root/etc/cosmos/agent.toml"
exits 'a package that takes too long is ended' 1 in_machine pk cosmos run
said 'and said to be' '! package endless +did not come: apt-get took longer than a task may'
exits 'its layer waits' 1 test -e "$root/etc/endless.conf"
same 'nothing of it runs on' '' "$(in_machine pk pidof -x apt-get dpkg endless.postinst)"
rm "$root/etc/cosmos/agent.toml"
touch "$root/var/tmp/endless-ends"
check 'the next run finishes it' in_machine pk cosmos run
same 'with its file' 'from the layer' "$(cat "$root/etc/endless.conf")"

# Held back by word; somebody else's lock and policy are respected.
needs more more
uses daemon tool later broken slow endless more
release v-6 alice
check 'packages are held back when that is asked for' in_machine pk cosmos run --no-packages
said 'and named' '! package more +is held back +for models/more'
exits 'their layer waits' 1 test -e "$root/etc/more.conf"
printf '#!/bin/sh\nexit 0\n' > "$root/usr/sbin/policy-rc.d"
chmod 0755 "$root/usr/sbin/policy-rc.d"
in_machine pk perl -e 'open F, "+>>", "/var/lib/dpkg/lock-frontend"; $lock = pack("s s x4 q q i x4", 1, 0, 0, 0, 0);
    fcntl(F, 6, $lock) or die; open G, ">", "/var/tmp/held"; sleep 1 while -e "/var/tmp/held"' &
holder=$!
check 'another program installs' eventually 60 test -e "$root/var/tmp/held"
in_machine pk cosmos run > "$WORK/waits" 2>&1 &
waiting=$!
check 'a run comes to it' eventually 60 in_machine pk pidof apt-get
# Long enough to end for one that does not wait.
sleep 3
check 'and waits' in_machine pk pidof apt-get
rm "$root/var/tmp/held"
check 'until it ended' wait "$waiting"
wait "$holder"
same 'then the package comes' 'install ok installed' "$(status_of more)"
same "an administrator's policy stays" 'exit 0' "$(tail -n 1 "$root/usr/sbin/policy-rc.d")"

# A package whose layer leaves stays.
uses daemon tool later broken slow endless
release v-7 alice
check 'a layer with a package leaves' in_machine pk cosmos run
said 'the package stays, and that is said' 'no layer needs these packages any more, they stay: more$'
same 'it is installed' 'install ok installed' "$(status_of more)"
check 'it is said once' in_machine pk cosmos run
quiet 'and then no more'

# A package removed by hand comes back.
check 'a package is removed by hand' in_machine pk dpkg --remove tool
check 'a run sees it' in_machine pk cosmos run
same 'and installs it' 'install ok installed' "$(status_of tool)"

# At a terminal apt's own figures are shown; elsewhere nothing is.
exits 'without a terminal no bar is drawn' 1 grep -q $'\r\|%' "$WORK/said"
check 'removed again' in_machine pk dpkg --remove tool
check 'it comes at a terminal' in_machine pk script --quiet --return --command 'cosmos run' /dev/null
said 'which shows how much of it is done' 'installing tool \[=*>? *\] [0-9]+%'
same 'and it is there' 'install ok installed' "$(status_of tool)"

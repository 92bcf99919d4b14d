#!/bin/bash
# The module usb-backup: the rule names the phone, a real uevent starts the unit, which copies it and ends with it.
. "$(dirname "$0")/../lib/all.sh"

A=10.78.1 B=10.78.2 USB=0123456789ABCDEF
signer alice ed25519
fleet_new tags alice
# desk_layer PHONE...: the host's layer with these phones; $MORE is one more line of it.
desk_layer() {
    printf 'use = ["usb-backup"]\n[params.usb-backup]\nmarkers = ["/sdcard/DCIM"]\nkeep-free = "1M"\nphones = ["%s"]\n%s\n' \
        "$(IFS=' ' && echo "$*" | sed 's/ /", "/g')" "${MORE:-}" | put hosts/desk.example.org/layer.toml
}
desk_layer "$USB" "$A.2:5555" "$B.2:5555"
release v-1 alice

# The system's udev runs only where /sys is writable.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes
check 'a computer with udev is up' machine_up desk "$(base_root "$MACHINE_PACKAGES,adb,rsync,umockdev")"
desk=$(root_of desk)
install -m 0755 "$TOOLS" "$desk/usr/bin/cosmos-tools"
cp -a "$PUBLISHED" "$desk/srv/fleet.git"
check 'it is told whom to believe' in_machine desk cosmos clone /srv/fleet.git --trust "$(introduction alice)" \
    --fqdn desk.example.org --tags 'v-*'
check 'one run installs the module' in_machine desk cosmos run
exits 'a second run' 0 in_machine desk cosmos run
quiet 'has nothing to do'

# The rule, before udev and without hardware.
rule=etc/udev/rules.d/90-android-backup.rules
check 'a phone without hardware is there' phone_lay one
one=$(root_of one)
cp "$desk/$rule" "$one/root/90-android-backup.rules"
check 'udevadm verifies the rule' chroot "$one" udevadm verify --no-summary /root/90-android-backup.rules
quiet 'without a word'
# event SERIAL: what udev makes of a phone with this serial number.
event() {
    sed "s/SERIAL/$1/" > "$desk/root/phone.umockdev" << 'E'
P: /devices/pci0000:00/0000:00:1d.0/usb2/2-1
N: bus/usb/002/005
E: BUSNUM=002
E: DEVNUM=005
E: DEVNAME=/dev/bus/usb/002/005
E: DEVTYPE=usb_device
E: MAJOR=189
E: MINOR=132
E: PRODUCT=18d1/4ee7/409
E: TYPE=0/0/0
E: SUBSYSTEM=usb
A: busnum=2\n
A: devnum=5\n
A: idVendor=18d1\n
A: idProduct=4ee7\n
A: bcdDevice=0409\n
A: manufacturer=Example\n
A: product=Phone\n
A: serial=SERIAL\n
E
    in_machine desk umockdev-run -d /root/phone.umockdev -- \
        udevadm test --action=add /sys/devices/pci0000:00/0000:00:1d.0/usb2/2-1
}
check 'udev looks at a phone whose serial is named' event "$USB"
said 'and wants its unit' "^SYSTEMD_WANTS=android-backup@$USB.service$"
said 'and gives its device a name to bind to' "^SYSTEMD_ALIAS=/dev/android-backup/$USB$"
same 'without complaining about a rule' '' "$(grep '90-android-backup.rules:' "$WORK/said")"
check 'and at a phone that is not' event 0123456789ABCDEE
same 'which starts nothing' '' "$(grep SYSTEMD_WANTS "$WORK/said")"
check 'systemd verifies the units' in_machine desk sh -c \
    'systemd-analyze verify --man=no /etc/systemd/system/android-backup*'
quiet 'without a word'

# Real events: a network device stands in for USB, which this kernel may lack, by a twin of the rule.
in_machine desk systemctl daemon-reexec
sed 's/SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device"/SUBSYSTEM=="net"/' "$desk/$rule" > "$desk/etc/udev/rules.d/91-twin.rules"
printf 'SUBSYSTEM=="net", KERNEL=="phone%s", ENV{ID_SERIAL_SHORT}="%s"\n' 1 "$A.2:5555" 2 "$B.2:5555" \
    > "$desk/etc/udev/rules.d/10-serial.rules"
in_machine desk udevadm control --reload

plug() { ip -n "$PREFIX-desk" link add "phone$1" type veth peer name "cable$1"; }
unplug() { ip -n "$PREFIX-desk" link delete "phone$1"; }
adb_of_units() { in_machine desk env ADB_SERVER_SOCKET=localfilesystem:/run/android-backup/adb adb "$@"; }
# reached NETWORK: the unit's adb finds the phone, as USB would have it by itself. Not before the unit needs it: the
# socket would start an adb that nobody needs, again and again, until systemd gives it up.
reached() { eventually 60 is "$1" ActiveState activating && eventually 60 connected "$1"; }
connected() { adb_of_units connect "$1.2:5555" | grep '^connected\|already'; }
unit() { in_machine desk systemctl show --value --property "$2" "android-backup@$1.2:5555.service"; }
is() { [ "$(unit "$1" "$2")" = "$3" ]; }
journal() { in_machine desk journalctl --identifier android-backup --output cat > "$WORK/said"; }
good() { (cd "$desk/srv/phone-$1.2:5555" && ls -d ????-??-??T* 2> /dev/null) | wc -l; }
has() { [ "$(good "$1")" = "$2" ]; }

network_link desk one "$A.1/24" "$A.2/24" && phone_on one
check 'another phone is there' phone_lay two
network_link desk two "$B.1/24" "$B.2/24" && phone_on two

plug 1
check 'an event for a phone without a folder starts its unit' eventually 60 is "$A" Result exit-code
journal
said 'which refuses' "^error: there is no folder '/srv/phone-$A.2:5555'$"
unplug 1
mkdir "$desk/srv/phone-$A.2:5555" "$desk/srv/phone-$B.2:5555"
in_machine desk systemctl reset-failed

plug 1
check 'with a folder, the unit runs' eventually 60 is "$A" ActiveState activating
plug 2
check 'and that of another phone at the same time' eventually 60 is "$B" ActiveState activating
check 'the first phone is reached' reached "$A"
check 'and the second' reached "$B"
check 'the first one is backed up' eventually 60 has "$A" 1
check 'the second one is backed up' eventually 60 has "$B" 1
same 'each with its own pictures' 'pictures of one pictures of two' \
    "$(cat "$desk"/srv/phone-*/????-??-??T*/sdcard/DCIM/a.jpg | paste -sd' ')"
check 'both units end' eventually 60 is "$A" ActiveState inactive
check 'and say so by success' is "$B" Result success
adb_is_gone() { [ "$(in_machine desk systemctl is-active android-backup-adb.service)" = inactive ]; }
check 'adb ends with the last of them' eventually 60 adb_is_gone
same 'no port was opened' '' "$(in_machine desk ss -Hltn)"
same "adb's socket is root's alone" '600 root 700' \
    "$(in_machine desk stat -c '%a %U' /run/android-backup/adb) $(in_machine desk stat -c %a /run/android-backup)"
journal
said "rsync's exit code is in the journal" '^rsync ended with 0, all is copied$'
check 'status knows' in_machine desk cosmos status
said 'when the last good backup of a phone was' \
    "^note      usb-backup $A.2:5555: 1 kept, last good backup $(ls "$desk/srv/phone-$A.2:5555"), [0-9]+ min ago$"
check 'also as JSON' in_machine desk cosmos status --json
said 'which says that nobody need look' "\"about\":\"$B.2:5555\",\"due\":\"[^\"]*\",\"is_due\":false"
same "and the folder is root's alone" '700 root' "$(in_machine desk stat -c '%a %U' /var/lib/cosmos/notes.d)"
unplug 2

# A plug that wobbles: systemd gives units up that start too often, and the last plug-in counts.
wobble() {
    for _ in $(seq 12); do
        plug 2 && eventually 60 is "$B" ActiveState activating && unplug 2 && eventually 60 is "$B" ActiveState inactive || return
    done
}
check 'a phone is plugged in and unplugged a dozen times' wobble
plug 2
check 'the last plug-in is a backup' reached "$B"
check 'like any other' eventually 60 has "$B" 2
unplug 2

# The phone leaves in the middle of a large file, on a link that is made so slow for it that it takes minutes.
unplug 1
head -c 20000000 /dev/urandom > "$one/sdcard/DCIM/z.mp4"
ip netns exec "$PREFIX-one" tc qdisc add dev to-desk root tbf rate 1mbit burst 64k latency 50ms
plug 1
check 'plugged in again, it is reached' reached "$A"
partial="$desk/srv/phone-$A.2:5555/partial"
check 'a copy is under way' eventually 120 sh -c "find '$partial' -name '.z.mp4.*' -size +100k | grep -q ."
unplug 1
check 'when the phone leaves, the unit ends' eventually 60 is "$A" ActiveState inactive
check 'without being called a failure' is "$A" Result success
check 'and adb' eventually 60 adb_is_gone
same 'nothing of it runs on' '' "$(in_machine desk ps -C rsync,cosmos-tools,adb -o comm=)"
check 'what came is kept as partial' test -d "$partial"
same 'and counts as no backup' 1 "$(good "$A")"
ip netns exec "$PREFIX-one" tc qdisc del dev to-desk root
plug 1
check 'the next plug-in' reached "$A"
check 'goes on' eventually 60 has "$A" 2
journal
said 'from what came' '^going on with an unfinished copy$'
same 'to the whole' "$(sha256sum < "$one/sdcard/DCIM/z.mp4")" \
    "$(cat "$desk/srv/phone-$A.2:5555"/*/sdcard/DCIM/z.mp4 | sha256sum)"
unplug 1

check 'the age of backups is looked at every day' in_machine desk systemctl is-active android-backup-age.timer
exits 'and is a failed unit where a phone has none' 1 in_machine desk systemctl start android-backup-age.service
mkdir "$desk/srv/phone-$USB"
exits 'also with a folder' 1 in_machine desk systemctl start android-backup-age.service
journal
said 'by the name of the phone' "^$USB: never backed up$"
check 'status says it, too' in_machine desk cosmos status
said 'and wants somebody to look' "^note      usb-backup $USB: never backed up; somebody should look, since 20"
check 'a note that is cut off' truncate -s 20 "$desk/var/lib/cosmos/notes.d/usb-backup.$A.2:5555"
check 'hides nothing else' in_machine desk cosmos status
said 'and is said to be one' "^note      usb-backup $A.2:5555: what it left cannot be read: it is no note: EOF"

# What an operator may get wrong.
before=$(cd "$desk/etc" && find . -type f -exec sha256sum {} + | sort)
number=1
# refused WORDS PATTERN LAYER-TEXT: a release with these parameters is refused and touches nothing.
refused() {
    release "v-$((number += 1))" alice && carried "$desk"
    exits "$1" 1 in_machine desk cosmos run
    said 'the message names it' "$2"
    same 'and the host is untouched' "$before" "$(cd "$desk/etc" && find . -type f -exec sha256sum {} + | sort)"
}
desk_layer 'AB/CD'
refused 'a serial number with a slash is refused' "'AB/CD' is no serial number"
MORE='base = "../phone"' desk_layer "$USB"
refused 'a path with .. is refused' 'usb-backup.base'
MORE='base = "/srv/../phone"' desk_layer "$USB"
refused 'also in the middle' 'usb-backup.base'
MORE='keep = "many"' desk_layer "$USB"
refused 'a value of the wrong type is refused' 'usb-backup.keep'
MORE='serial = "X"' desk_layer "$USB"
refused 'an unknown parameter is refused' 'serial'
printf 'use = ["usb-backup"]\n' | put hosts/desk.example.org/layer.toml
refused 'a missing one is refused' 'usb-backup.phones'

# One parameter changes what it must.
MORE='keep = 7' desk_layer "$USB" "$A.2:5555" "$B.2:5555"
release "v-$((number += 1))" alice && carried "$desk"
check 'a changed parameter arrives' in_machine desk cosmos run
said 'in the one file that has it' '^~ etc/systemd/system/android-backup@.service'
same 'and nothing else changes' 1 "$(grep -c '^[-+~@] ' "$WORK/said")"
check 'systemd knows the new unit' in_machine desk sh -c \
    "systemctl cat android-backup@x.service | grep -q -- '--keep 7' && [ \$(systemctl show --value -p NeedDaemonReload android-backup@x.service) = no ]"

# Leaving, as the module's page says.
echo | put hosts/desk.example.org/layer.toml
release "v-$((number += 1))" alice 'cosmos: 1 removals=9' && carried "$desk"
check 'the module leaves' in_machine desk cosmos run
same 'with its rule and units' '' "$(find "$desk/etc/udev/rules.d" "$desk/etc/systemd/system" -name '*android*')"
same 'the backups stay' 2 "$(good "$A")"
check 'status' in_machine desk cosmos status
same 'speaks of them no more' 0 "$(grep -c ^note "$WORK/said")"
exits 'and nothing listens for adb any more' 3 in_machine desk systemctl is-active android-backup-adb.socket

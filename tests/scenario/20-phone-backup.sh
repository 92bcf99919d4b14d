#!/bin/bash
# Phones with Android's own adb daemon are copied: two at once, cut off, locked, without rsync, without root.
. "$(dirname "$0")/../lib/all.sh"

check 'a computer with adb and rsync is up' machine_up desk "$(base_root "$MACHINE_PACKAGES,adb,rsync,umockdev")"
desk=$(root_of desk)
install -m 0755 "$TOOLS" "$desk/usr/bin/cosmos-tools"
mkdir -p "$desk/srv" "$desk/metrics"

# phone NAME NETWORK: a phone on a cable of its own, known to adb by its address.
phone() {
    phone_lay "$1" && network_link desk "$1" "$2.1/24" "$2.2/24" && phone_on "$1" && plugged "$2"
}
plugged() { eventually 60 in_machine desk sh -c "adb connect $1.2:5555 | grep '^connected\|already' && adb -s $1.2:5555 shell true"; }
# backup NETWORK OPTION...: copies a phone as the module does.
backup() { in_machine desk cosmos-tools phone-backup "$1.2:5555" --base /srv/phone --keep-free "${KEEP_FREE:-1M}" "${@:2}"; }
# good NETWORK: the good backups of a phone, oldest first.
good() { (cd "$desk/srv/phone-$1.2:5555" && ls -d ????-??-??T* 2> /dev/null); }
# newest NETWORK: the folder of the newest one.
newest() { echo "$desk/srv/phone-$1.2:5555/$(good "$1" | tail -n 1)"; }
# tree FOLDER: everything in it with kind, mode, owner, size and content.
tree() { (cd "$1" && find . -mindepth 1 -printf '%y %m %U:%G %s %P -> %l\n' | grep -v '^d' && find . -type f -exec sha256sum {} +) | sort; }

A=10.78.1 B=10.78.2
check 'a phone answers adb' phone one "$A"
check 'and another one' phone two "$B"
one=$(root_of one)

# What a terminal, a shell or adb could change on the way.
printf 'line\n~.\n~?\r\n\004\032' > "$one/sdcard/DCIM/tilde"
echo odd > "$one/sdcard/DCIM/it's a \$HOME \\ \"name\" *"
head -c 3000000 /dev/urandom > "$one/sdcard/DCIM/b.raw"
chown 10023:10023 "$one/sdcard/DCIM/b.raw" && chmod 0640 "$one/sdcard/DCIM/b.raw"
ln -s a.jpg "$one/sdcard/DCIM/link"
for number in $(seq 30); do echo "$number" > "$one/sdcard/DCIM/$number.txt"; done

exits 'a target folder that is not there is refused' 1 backup "$A"
said 'by its name' "^error: there is no folder '/srv/phone-$A.2:5555'$"
same 'and not made' '' "$(ls "$desk/srv")"
mkdir "$desk/srv/phone-$A.2:5555" "$desk/srv/phone-$B.2:5555"

check 'a whole phone is copied' backup "$A" --textfile /metrics
said "rsync's exit code is in the log" '^rsync ended with 0, all is copied$'
same 'the copy is the phone' "$(tree "$one/storage")" "$(tree "$(newest "$A")/storage")"
same 'owners are kept by number, whatever they are called here' '640 10023:10023' \
    "$(stat -c '%a %u:%g' "$(newest "$A")/storage/self/primary/DCIM/b.raw")"
same 'without the views into the kernel' '' "$(cd "$(newest "$A")" && ls -d proc sys dev 2> /dev/null)"
last=$(date -d "$(good "$A")" +%s)
same 'node_exporter is told when, and from when on that is too old' "$(printf 'cosmos_phone_backup_%s{serial="%s"} %s\n' \
    last_good_seconds "$A.2:5555" "$last" due_seconds "$A.2:5555" "$((last + 7 * 86400))")" \
    "$(grep -v '^#' "$desk/metrics/phone-backup-$A.2:5555.prom")"
check 'adb has nothing left open to the phone' test -z "$(in_machine desk adb forward --list)"
same 'and nothing runs on it' '' "$(in_machine desk adb -s "$A.2:5555" shell 'cat /proc/[0-9]*/comm' | grep rsync)"

some=(--from /sdcard --marker /sdcard/DCIM)
in_machine desk rm -rf "/srv/phone-$A.2:5555" && mkdir "$desk/srv/phone-$A.2:5555"
check 'a chosen folder that is a link is followed' backup "$A" "${some[@]}"
same 'and found at its own name' "$(tree "$one/storage/self/primary")" "$(tree "$(newest "$A")/sdcard")"
first=$(newest "$A")
check 'a second backup' backup "$A" "${some[@]}"
same 'is a folder of its own, dated' 2 "$(good "$A" | wc -l)"
same 'and shares what did not change' "$(stat -c %i "$first/sdcard/DCIM/b.raw")" \
    "$(stat -c %i "$(newest "$A")/sdcard/DCIM/b.raw")"

# Locked: what apps and people wrote is not mounted, or is empty.
mv "$one/storage/self/primary/DCIM" "$one/storage/elsewhere"
before=$(good "$A")
exits 'a phone without its marker is not copied' 1 backup "$A" "${some[@]}"
said 'and the reason is given' "has no '/sdcard/DCIM': it is locked"
exits 'an empty phone without a marker gives no backup either' 1 backup "$A" --from /sdcard
said 'its copy has too few files' 'the copy has 0 files, fewer than the 1 of --minimum'
echo 'new' > "$one/sdcard/new.txt"
exits 'nor one that lost most of its files' 1 backup "$A" --from /sdcard
said 'they are counted' "lacks 35 of the 35 files of backup '$(echo "$before" | tail -n 1)', more than 20$"
said 'and the hint names the number' '^hint: .*--max-delete 35$'
same 'the good backups are as they were' "$before" "$(good "$A")"
same 'with all their files' 35 "$(find "$(newest "$A")" ! -type d | wc -l)"
mv "$one/storage/elsewhere" "$one/storage/self/primary/DCIM"
check 'unlocked, it is copied again' backup "$A" "${some[@]}"
same 'as it is' "$(tree "$one/storage/self/primary")" "$(tree "$(newest "$A")/sdcard")"
same 'and still shared' "$(stat -c %i "$first/sdcard/DCIM/b.raw")" "$(stat -c %i "$(newest "$A")/sdcard/DCIM/b.raw")"
rm "$one/sdcard/DCIM"/[0-9]*.txt
check 'a number given once allows as many deletions' backup "$A" "${some[@]}" --max-delete 30
same 'the newest backup has them no more, the older one does' '0 30' \
    "$(ls "$(newest "$A")/sdcard/DCIM" | grep -c txt) $(ls "$first/sdcard/DCIM" | grep -c txt)"
check 'only the newest are kept where that is asked for' backup "$A" "${some[@]}" --keep 2
same 'so two are left' 2 "$(good "$A" | wc -l)"

# The cable is pulled while a large file is on its way, on a link that is made so slow for it that it takes minutes.
head -c 20000000 /dev/urandom > "$one/sdcard/DCIM/z.mp4"
ip netns exec "$PREFIX-one" tc qdisc add dev to-desk root tbf rate 1mbit burst 64k latency 50ms
partial="$desk/srv/phone-$A.2:5555/partial"
before=$(good "$A")
backup "$A" "${some[@]}" > "$WORK/cut" 2>&1 &
copying=$!
check 'a copy is under way' eventually 120 sh -c "find '$partial' -name '.z.mp4.*' -size +100k | grep -q ."
exits 'a second one of the same phone is refused meanwhile' 4 backup "$A" "${some[@]}"
phone_gone one
code=0
wait "$copying" || code=$?
same 'pulling the cable ends it with its own exit status' 75 "$code"
cp "$WORK/cut" "$WORK/said"
said 'which says so' "^error: phone '$A.2:5555' left during the copy \(rsync ended with [0-9]+\)$"
same 'no backup was made of it' "$before" "$(good "$A")"
check 'what came is kept, marked as unfinished' test -s "$partial/sdcard/DCIM/z.mp4"
exits 'the age of the last good backup still counts' 0 in_machine desk cosmos-tools phone-status --base /srv/phone "$A.2:5555"
said 'and the unfinished copy is told' "^$A.2:5555: last good backup .*, [0-9]+ min old, 2 kept; an unfinished copy is there$"
ip netns exec "$PREFIX-one" tc qdisc del dev to-desk root
phone_on one && plugged "$A"
check 'plugged in again, the copy goes on' backup "$A" "${some[@]}"
said 'from what was there' '^going on with an unfinished copy$'
same 'and is complete' "$(tree "$one/storage/self/primary")" "$(tree "$(newest "$A")/sdcard")"
check 'nothing unfinished is left' test ! -e "$partial"

# Both at once, through one adb.
exits 'a phone that was never copied is too old' 6 in_machine desk cosmos-tools phone-status --base /srv/phone
said 'by name' "^$B.2:5555: never backed up$"
backup "$A" "${some[@]}" > "$WORK/both" 2>&1 &
copying=$!
check 'two phones are copied at the same time: one' backup "$B" "${some[@]}"
check 'and the other' wait "$copying"
same 'each into its own folder' 'pictures of one pictures of two' \
    "$(cat "$(newest "$A")/sdcard/DCIM/a.jpg" "$(newest "$B")/sdcard/DCIM/a.jpg" | paste -sd' ')"

KEEP_FREE=999999G exits 'a disk that is nearly full is left alone' 1 backup "$B" "${some[@]}"
said 'with the number of free bytes' "^error: only [0-9]+ bytes are free for '/srv/phone-$B.2:5555'"
exits 'a phone that does not come is waited for, and no longer' 1 in_machine desk cosmos-tools phone-backup \
    "$B.2:5555" --base /srv/phone --adb /usr/local/bin/silent-adb --wait 1s --keep-free 1M
said 'a program that is missing is named' "cannot start '/usr/local/bin/silent-adb'"
mkdir "$desk/srv/phone-ABSENT"
exits 'an unknown phone' 1 in_machine desk cosmos-tools phone-backup ABSENT --base /srv/phone --wait 1s --keep-free 1M
said 'ends after the time given for it' "^error: phone 'ABSENT' was not ready within 1 seconds$"

# Without root on the phone: adb there is an ordinary user, su asks for nothing.
two=$(root_of two)
phone_gone two
sed -i 's/^root:[^:]*:/root::/' "$two/etc/shadow"
install -m 0600 /dev/stdin "$two/data/app/private" <<< secret
phone_on two 2000 && plugged "$B"
exits 'what only root may read is missed without root' 1 backup "$B" --from /data
said 'so that copy is no good one' '^error: rsync ended with 23, some files could not be read$'
check 'by su it is read' backup "$B" --from /data --su --max-delete 99
same 'and arrives' secret "$(cat "$(newest "$B")/data/app/private")"
check 'what cannot be read may be accepted' backup "$B" --from /data --from /sdcard --allow-unreadable --max-delete 1

# Without rsync on the phone.
phone_gone two
rm "$two/usr/bin/rsync"
phone_on two && plugged "$B"
exits 'a phone without rsync cannot be copied whole' 1 backup "$B"
said 'which the hint explains' '^hint: .*--from /sdcard/DCIM$'
check 'chosen folders are pulled' backup "$B" --from /sdcard/DCIM --max-delete 99
said 'by adb' "^adb pull '/sdcard/DCIM' ended with 0$"
same 'and arrive at their own path' 'pictures of two' "$(cat "$(newest "$B")/sdcard/DCIM/a.jpg")"
first=$(newest "$B")
check 'once more' backup "$B" --from /sdcard/DCIM
same 'what did not change is shared here, too' "$(stat -c %i "$first/sdcard/DCIM/a.jpg")" \
    "$(stat -c %i "$(newest "$B")/sdcard/DCIM/a.jpg")"
check 'nothing pulled is left over' test ! -e "$desk/srv/phone-$B.2:5555/pulled"
in_machine desk adb kill-server

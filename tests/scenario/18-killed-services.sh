#!/bin/bash
# Killed at every call that changes anything, packages, checks, services, tasks, probes: the next run does the rest.
. "$(dirname "$0")/../lib/all.sh"

# Calls that change something, and those that start a program. `tests/interrupted` has the files' own, call by call.
CALLS='write,pwrite64,ftruncate,fallocate,copy_file_range,fchmod,fchmodat,fchown,fchownat,mkdirat,symlinkat,linkat'
CALLS+=',rename,renameat,renameat2,unlinkat,fsync,fdatasync,syncfs,utimensat,fsetxattr,clone,clone3,vfork'

signer alice ed25519
fleet_new tags alice
base=$(base_root "$MACHINE_PACKAGES")
check 'a machine is up' machine_up killed "$base"
check 'git daemon is up' serve_git killed
root=$(root_of killed)
host() { in_machine killed "$@"; }
package_repository killed alice
package_folder small > /dev/null
check 'a package is built' package_add killed small 1.0
check 'and offered' package_index killed alice

# What a layer may set off, all of it: a package, a check, a volatile file, units to be read, a service that is
# restarted, one that is reloaded, one that is new and one that goes, a task, a probe.
unit() { printf '[Unit]\nDescription=%s\n[Service]\nExecStart=%s\nExecReload=%s\n[Install]\nWantedBy=multi-user.target\n' "$@"; }
put models/page/layer.toml << 'LAYER'
[packages]
apt = ["small"]
[[check]]
name = "page"
run = ["/bin/grep", "-q", ".", "{staged}/etc/page.text"]
when = ["etc/page.text"]
[[service]]
name = "reloads"
reload = ["etc/page.text"]
enabled = true
[[service]]
name = "restarts"
restart = ["etc/page.text"]
enabled = true
[tasks."020told"]
when-changed = ["etc/page.text"]
[[probe]]
name = "page"
run = ["/usr/local/bin/page-answers"]
when = ["etc/page.text"]
within = "1s"
LAYER
put models/page/post-tasks.d/020told 0755 << 'TASK'
#!/bin/sh
cp /etc/page.text /run/page.told
TASK
put models/page/overlay/usr/local/bin/page-answers 0755 << 'PROBE'
#!/bin/sh
cp /etc/page.text /run/page.looked-at
! grep -q bad /etc/page.text
PROBE
unit 'reloads' '/bin/sh -c "cp /etc/page.text /run/page.reloaded; exec sleep infinity"' \
    '/bin/cp /etc/page.text /run/page.reloaded' | put models/page/overlay/etc/systemd/system/reloads.service
unit 'turn %i' '/bin/sleep infinity' /bin/true | put overlay/etc/systemd/system/turn@.service

# turn TEXT: the next release: its text is in a file, a unit's name and a volatile file's; one layer goes, another
# comes.
number=0 last=
turn() {
    local layer=turn-$((number += 1))
    [ -z "$last" ] || git -C "$FLEET" rm --quiet -r --force -- "models/$last"
    printf '[[service]]\nname = "turn@%s"\nenabled = true\n' "$number" | put "models/$layer/layer.toml"
    echo "$number" | put "models/$layer/overlay/etc/turn"
    printf 'use = ["page", "%s"]\n' "$layer" | put hosts/killed.example.org/layer.toml
    echo "$1" | put models/page/overlay/etc/page.text
    printf 'f /run/page.volatile-%s\n' "$number" | put models/page/overlay/etc/tmpfiles.d/page.conf
    unit "$number" '/bin/sh -c "cp /etc/page.text /run/page.restarted; exec sleep infinity"' /bin/true |
        put models/page/overlay/etc/systemd/system/restarts.service
    last=$layer
    release "v-$number" alice 'cosmos: 1 removals=9'
}
# ready: the release is fetched, and the package is missing again.
ready() { { host dpkg --purge small && host cosmos update; } > "$WORK/ready" 2>&1; }

turn 'good 0'
check 'clone takes the introduction' host cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn killed.example.org --tags 'v-*'
check 'the host converges' host cosmos run

# now: what the host is, and what each service, task and probe knows of it.
now() {
    host sh -c 'echo text $(cat /etc/page.text), turn $(cat /etc/turn); for known in reloaded restarted told; do
        echo $known $(cat /run/page.$known); done; echo unit $(systemctl show -P Description restarts)
        echo volatile $(ls /run/page.volatile-* | sed s/.*-// | sort -n | tail -n 1)
        echo turns $(systemctl list-units --plain --no-legend --state=active "turn@*" | cut -d" " -f1),
        echo enabled $(cd /etc/systemd/system/multi-user.target.wants && ls -d turn@*)
        dpkg-query -W -f "\${Package} \${Status}\n" small; ls /usr/sbin/policy-rc.d 2>&1 | cut -d: -f3' 2>&1
}
# wanted TEXT NUMBER: what `now` is to say where the page's layer is as in release NUMBER.
wanted() {
    printf '%s\n' "text $1, turn $number" "reloaded $1" "restarted $1" "told $1" "unit $2" "volatile $3" \
        "turns turn@$number.service," "enabled turn@$number.service" 'small install ok installed' ' No such file or directory'
}

# points LOG: reads what strace wrote about an undisturbed run, a file a process, and prints for each changing call of
# the agent itself what it was about, its name, and the how manieth of this name it was.
points() {
    local log=$1 agent
    agent=$(grep -l '^[0-9.]* execve(.*/cosmos", \["cosmos", "apply"' "$log".* | head -n 1)
    awk -v agent="$agent" '
        function about(text) {
            if (text ~ /apt-get|dpkg|apt-config/) return "package"
            if (text ~ /\/grep"/) return "check"
            if (text ~ /page-answers/) return "probe"
            if (text ~ /020told/) return "task"
            if (text ~ /tmpfiles/) return "volatile files"
            if (text ~ /daemon-reload/) return "read units"
            if (text ~ /"disable"|"stop"/) return "stop"
            if (text ~ /"reloads"/) return text ~ /"enable"/ ? "enable" : "reload"
            if (text ~ /"restarts"/) return text ~ /"enable"/ ? "enable" : "restart"
            if (text ~ /"turn@/) return "enable"
            return ""
        }
        { at = $1; text = $0; sub(/^[0-9.]* /, "", text) }
        FILENAME != agent && text ~ /^execve\(.* = 0$/ && about(text) != "" { when[++n] = at; what[n] = about(text) }
        FILENAME == agent && text !~ /^(execve|\+\+\+|---)/ { time[++m] = at; line[m] = text }
        END {
            # What a child became is known by the time at which it did.
            for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (when[j] < when[i]) {
                t = when[i]; when[i] = when[j]; when[j] = t; t = what[i]; what[i] = what[j]; what[j] = t
            }
            for (i = 1; i <= n; i++) if (what[i] == "probe") probed = i
            for (j = 1; j <= m; j++) {
                name = line[j]; sub(/\(.*/, "", name); count[name]++
                for (i = 0; i < n && when[i + 1] <= time[j]; i++);
                kind = i ? what[i] : "beginning"
                if (name ~ /^(clone|clone3|vfork)$/) { if (i < n) kind = what[i + 1] }
                else if (line[j] ~ /policy-rc\.d/) kind = "package"
                else if (line[j] ~ /log\.jsonl/) kind = "log"
                else if (line[j] ~ /cosmos\/(model|\.?changed-files)/) kind = "task"
                else if (line[j] ~ /cosmos\/(\.?journal|\.?managed|backup|\.?found|rendered)|\/(etc|usr)[\/>]/) kind = "files"
                else if (line[j] ~ /^write\([12]</) continue
                if (probed && i >= probed && kind != "log" && when[probed] <= time[j] && back) kind = "back: " kind
                print kind "\t" name "\t" count[name]
            }
        }' back="${2:-}" "$log".*
}

# chosen: of the points on standard input one of each kind, the middle one; in the long form all that lie between the
# files' own, which cosmos-agent/tests/interrupted takes call by call.
chosen() {
    awk -F'\t' -v long="${LONG:-}" '{ kind[$1] = kind[$1] "\n" $0; n[$1]++ }
        END { for (k in kind) {
            split(substr(kind[k], 2), points, "\n")
            every = long != "" && k !~ /files$|beginning/
            for (i = 1; i <= n[k]; i++) if (every || i == int((n[k] + 1) / 2)) print points[i]
        } }' | sort
}

# covered POINTS KIND...: prints how many points there are of each kind; none of those named may be without.
covered() {
    local points=$1 kind
    shift
    cut -f1 "$points" | sort | uniq -c | sed 's/^ */     /'
    for kind; do check "there are kill points of the kind '$kind'" grep -q "^$kind"$'\t' "$points"; done
}

# killed_at NAME NUMBER: an apply that ends at that call. How many calls a run makes differs by a few, so that one of
# the very last may not come to be: the run is then not killed, which is counted.
missed=0
killed_at() {
    host strace -qq -o /dev/null -e trace="$CALLS" -e inject="$1:signal=KILL:when=$2" cosmos apply > "$WORK/killed" 2>&1
    [ $? = 137 ] || missed=$((missed + 1))
}

recorded() { host strace -ff -ttt -qq -y -s 200 -e signal=none -e trace="$CALLS,execve" -o "/var/tmp/$1" cosmos apply; }

turn 'good 1'
check 'a release is fetched' ready
check 'and applied, while its calls are written down' recorded good
points "$root/var/tmp/good" > "$WORK/good"
echo "   $(wc -l < "$WORK/good") kill points:"
covered "$WORK/good" package check stop files 'read units' 'volatile files' enable restart reload task probe log
same 'all of it happened' "$(wanted 'good 1' "$number" "$number")" "$(now)"

while IFS=$'\t' read -r kind name at; do
    turn "good $((number + 1))"
    ready || { check "release $number is fetched" ready; continue; }
    killed_at "$name" "$at"
    what="killed at $name $at ($kind)"
    exits "$what, the next run ends well" 0 host cosmos run
    same "$what: all of it happened" "$(wanted "good $number" "$number" "$number")" "$(now)"
    same "$what: the probe was made" "good $number" "$(host cat /run/page.looked-at)"
    exits "$what: nothing is left to do" 0 host cosmos run
    quiet "$what: or to say"
done < <(chosen < "$WORK/good")

# A release whose probe fails: the page's layer goes back, wherever the run is killed; the others do not.
good="good $number" good_number=$number
turn 'bad 1'
check 'a bad release is fetched' ready
exits 'and taken back, while its calls are written down' 1 recorded bad
points "$root/var/tmp/bad" back > "$WORK/bad"
grep '^back: ' "$WORK/bad" > "$WORK/back"
echo "   $(wc -l < "$WORK/back") kill points on the way back:"
covered "$WORK/back" 'back: files' 'back: read units' 'back: restart' 'back: reload' 'back: task'
same 'the layer is what it was' "$(wanted "$good" "$good_number" "$number")" "$(now)"

while IFS=$'\t' read -r kind name at; do
    turn "bad $number"
    ready || { check "release $number is fetched" ready; continue; }
    killed_at "$name" "$at"
    what="killed at $name $at ($kind)"
    host cosmos run > "$WORK/killed" 2>&1
    exits "$what, the run after the next ends well" 0 host cosmos run
    same "$what: the layer is what it was" "$(wanted "$good" "$good_number" "$number")" "$(now)"
    exits "$what: nothing is left to do" 0 host cosmos run
    quiet "$what: or to say"
done < <(chosen < "$WORK/back")
most=0
[ -z "${LONG:-}" ] || most=5
check "the runs were killed, all but $missed" test "$missed" -le "$most"

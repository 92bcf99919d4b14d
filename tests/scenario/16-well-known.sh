#!/bin/bash
# A bad file of apache, nginx, haproxy, unbound, dnsmasq or logrotate never reaches a host with the program.
. "$(dirname "$0")/../lib/all.sh"

signer alice ed25519
fleet_new tags alice
echo one | put overlay/etc/motd
release v-1 alice

base=$(base_root "$MACHINE_PACKAGES,apache2,nginx,haproxy,unbound,dns-root-data,dnsmasq,logrotate")
check 'a machine is up' machine_up known "$base"
check 'git daemon is up' serve_git known
host() { in_machine known "$@"; }
check 'clone takes the introduction' host cosmos clone git://git.test/fleet.git \
    --trust "$(introduction alice)" --fqdn known.example.org --tags 'v-*'
check 'the first run converges' host cosmos run

# Two of each kind cannot have one port: none runs, so that whatever appears was left by a check.
host systemctl stop apache2 nginx haproxy unbound dnsmasq
# Nor has unbound ever run: it keeps the root's key itself, once it was started.
host rm -rf /run/apache2 /run/nginx.pid /run/haproxy /run/dnsmasq /var/lib/unbound/root.key
before=$(host ls /run /var/lib /var/lib/unbound /var/log /var/log/nginx /var/log/apache2 /etc/ssl/private)
number=1
next() { number=$((number + 1)) && release "v-$number" alice; }

# judged NAME PATH BAD GOOD PATTERN: the bad text is refused by the check of that name, and the good one arrives.
judged() {
    local name=$1 path=$2 bad=$3 good=$4 pattern=$5 old
    old=$(host sh -c "ls -l --time-style=full-iso '/$path'; cat '/$path'" 2>&1)
    printf '%s\n' "$bad" | put "overlay/$path"
    echo "not with a bad $name" | put overlay/etc/motd
    next
    exits "a bad file of $name is refused" 1 host cosmos run
    said 'by its check, in its own words' "check '$name' of well-known paths failed.*$pattern"
    said 'and where' "nothing was changed; mend $path"
    same 'the path is as it was' "$old" "$(host sh -c "ls -l --time-style=full-iso '/$path'; cat '/$path'" 2>&1)"
    same 'nothing else of that release arrived' 0 "$(host grep -c 'not with' /etc/motd)"
    printf '%s\n' "$good" | put "overlay/$path"
    echo "with a good $name" | put overlay/etc/motd
    next
    check "a good one of $name arrives" host cosmos run
    same 'as it was signed' "$good" "$(host cat "/$path")"
    same 'with the rest' "with a good $name" "$(host cat /etc/motd)"
}

judged apache etc/apache2/conf-enabled/ours.conf 'ServerTokens Perhaps' 'ServerTokens Prod' 'ServerTokens'
judged nginx etc/nginx/conf.d/ours.conf 'server { listen 8080 ' 'server { listen 8080; }' '/etc/nginx/conf.d/ours.conf'
judged haproxy etc/haproxy/haproxy.cfg "$(printf 'listen ours\n    perhaps yes')" \
    "$(printf 'defaults\n    mode http\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\nlisten ours\n    bind 127.0.0.1:8081')" 'haproxy.cfg:2'
judged unbound etc/unbound/unbound.conf.d/ours.conf "$(printf 'server:\n    num-threads: perhaps')" \
    "$(printf 'server:\n    num-threads: 2')" 'ours.conf:2'
judged dnsmasq etc/dnsmasq.d/ours.conf 'perhaps=yes' 'port=5353' 'ours.conf'
judged dnsmasq etc/dnsmasq.conf 'cache-size=perhaps' "$(printf 'conf-dir=/etc/dnsmasq.d/,*.conf\ncache-size=1000')" 'dnsmasq.conf'
judged logrotate etc/logrotate.d/ours '/var/log/ours { perhaps }' \
    "$(printf '/var/log/ours {\n    weekly\n}')" "ours:1 unknown option 'perhaps'"
same 'no check left anything outside' "$before" "$(host ls /run /var/lib /var/lib/unbound /var/log /var/log/nginx /var/log/apache2 /etc/ssl/private)"

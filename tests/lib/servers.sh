# shellcheck shell=bash
# Real servers in a machine's network: git daemon, nginx with git-http-backend over TLS, sshd.
# Each serves the folder of the published repository under the name git.test, at its usual port.

SERVED=$WORK/srv

# in_background NAME LOG COMMAND...: starts a server in a machine's network; it ends with the scenario.
in_background() {
    local name=$1 log=$WORK/log/$2
    shift 2
    mkdir -p "$WORK/log"
    nsenter --net="/run/netns/$PREFIX-$name" -- "$@" > "$log" 2>&1 < /dev/null &
    LAST_SERVER=$!
    at_exit ends "$LAST_SERVER"
}

# answers NAME PORT: whether something accepts connections there.
answers() { in_network "$1" bash -c ": < /dev/tcp/127.0.0.1/$2" 2> /dev/null; }

# serve_git NAME: git://git.test/fleet.git
serve_git() {
    # Not by way of `git daemon`, which would be a second process around this one.
    in_background "$1" git-daemon.log "$(git --exec-path)/git-daemon" --reuseaddr --base-path="$SERVED" \
        --listen=127.0.0.1 "$SERVED"
    GIT_DAEMON=$LAST_SERVER
    eventually 5 answers "$1" 9418
}

# authority: a certificate authority of our own, $WORK/tls/ca.pem, and a server certificate for git.test.
authority() {
    local tls=$WORK/tls key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    mkdir -p "$tls"
    # shellcheck disable=SC2086 # the options are meant to be split
    openssl req -x509 $key -keyout "$tls/ca.key" -out "$tls/ca.pem" -days 2 -subj '/CN=test authority' 2> /dev/null &&
        openssl req $key -keyout "$tls/server.key" -out "$tls/server.csr" -subj /CN=git.test 2> /dev/null &&
        openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 2 \
            -extfile <(echo 'subjectAltName=DNS:git.test') -out "$tls/server.pem" 2> /dev/null
}

# serve_https NAME: https://git.test/fleet.git, certified by $WORK/tls/ca.pem
serve_https() {
    local dir=$WORK/nginx backend
    backend=$(git --exec-path)/git-http-backend
    mkdir -p "$dir/temporary" && authority || return
    {
        # As root the worker would become another user and could not open the backend's socket.
        [ "$(id -u)" != 0 ] || echo 'user root;'
        echo "daemon off; pid $dir/pid; error_log $dir/error.log; worker_processes 1;"
        echo 'events { worker_connections 64; }'
        echo "http { access_log $dir/access.log; client_max_body_size 0;"
        printf '  %s_temp_path '"$dir"'/temporary;\n' client_body proxy fastcgi uwsgi scgi
        echo '  server { listen 127.0.0.1:443 ssl;'
        echo "    ssl_certificate $WORK/tls/server.pem; ssl_certificate_key $WORK/tls/server.key;"
        echo "    location / { fastcgi_pass unix:$dir/backend.sock;"
        printf '      fastcgi_param %s;\n' "SCRIPT_FILENAME $backend" "GIT_PROJECT_ROOT $SERVED" \
            'GIT_HTTP_EXPORT_ALL 1' 'PATH_INFO $uri' 'QUERY_STRING $query_string' \
            'REQUEST_METHOD $request_method' 'CONTENT_TYPE $content_type' 'CONTENT_LENGTH $content_length' \
            'REMOTE_ADDR $remote_addr' 'HTTP_GIT_PROTOCOL $http_git_protocol' \
            'HTTP_CONTENT_ENCODING $http_content_encoding'
        echo '    } } }'
    } > "$dir/nginx.conf"
    in_background "$1" fcgiwrap.log fcgiwrap -f -s "unix:$dir/backend.sock"
    eventually 5 test -S "$dir/backend.sock"
    in_background "$1" nginx.log nginx -c "$dir/nginx.conf" -e "$dir/error.log"
    eventually 5 answers "$1" 443
}

# serve_ssh NAME: ssh://root@git.test$SERVED/fleet.git, with the key $WORK/ssh/id and $WORK/ssh/known_hosts
serve_ssh() {
    local dir=$WORK/ssh
    mkdir -p "$dir" /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f "$dir/host" && ssh-keygen -q -t ed25519 -N '' -f "$dir/id" || return
    cp "$dir/id.pub" "$dir/authorized_keys"
    echo "git.test $(cut -d' ' -f1,2 "$dir/host.pub")" > "$dir/known_hosts"
    printf '%s\n' 'ListenAddress 127.0.0.1:22' "HostKey $dir/host" "AuthorizedKeysFile $dir/authorized_keys" \
        'PidFile none' 'UsePAM no' 'PasswordAuthentication no' 'StrictModes no' \
        "SetEnv GIT_CONFIG_GLOBAL=$GIT_CONFIG_GLOBAL PATH=$(dirname "$(command -v git)"):/usr/bin:/bin" > "$dir/sshd.conf"
    in_background "$1" sshd.log /usr/sbin/sshd -D -e -f "$dir/sshd.conf"
    eventually 5 answers "$1" 22
}

# hang_server PID / wake_server PID: a stopped server still gets connections, from its backlog, and never answers.
hang_server() { kill -STOP "$1"; }
wake_server() { kill -CONT "$1"; }

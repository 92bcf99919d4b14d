# shellcheck shell=bash
# What the agent started, read from strace: one log file a process, so that no line is torn by another process.

# Calls that make a process, run a program, or end one.
TRACED=execve,execveat,clone,clone3,fork,vfork

# traced LOG COMMAND...: runs a command and records what it and its children start into LOG.PID files. The command
# is a program or one of `in_bare`, `in_machine`, `in_network`; in a machine it is strace from inside, and LOG is
# a path there, since process ids differ.
traced() {
    local log=$1
    shift
    local strace=(strace -ff -qq -s 200 -e "trace=$TRACED" -e signal=none -o "$log")
    case $1 in
        in_machine | in_network) "$1" "$2" "${strace[@]}" "${@:3}" ;;
        in_bare) in_network "$2" "${strace[@]}" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$(root_of "$2")" "${@:3}" ;;
        *) "${strace[@]}" "$@" ;;
    esac
}

# executed LOG: every program that was executed anywhere below the traced command, one path a line.
executed() { sed -n -E 's/^execve(at)?\([^"]*"([^"]*)".* = 0$/\2/p' "$1".* | sort -u; }

# family LOG: reads the logs as a tree and prints, for the agent itself, `execs N` (processes that became another
# program: its tasks), `forks N` (processes that stayed the agent), and `task PATH` for each program it executed.
family() {
    awk '
        FNR == 1 { pid = FILENAME; sub(/.*\./, "", pid); order[++files] = pid }
        { line[pid, ++lines[pid]] = $0 }
        END {
            for (f = 1; f <= files; f++) for (l = 1; l <= lines[order[f]]; l++) {
                text = line[order[f], l]
                if (text ~ /^execve/ && text ~ /\/cosmos"/ && text ~ / = 0$/ && !agent) { agent = order[f]; start = l }
            }
            if (!agent) { print "the agent was not executed"; exit 1 }
            ours[agent] = 1; todo[++n] = agent
            for (i = 1; i <= n; i++) {
                p = todo[i]; became = 0
                for (l = (p == agent ? start + 1 : 1); l <= lines[p]; l++) {
                    text = line[p, l]
                    if (text ~ /^execve/ && text ~ / = 0$/) {
                        path = text; sub(/^[^"]*"/, "", path); sub(/".*/, "", path)
                        print "task " path; became = 1; break
                    }
                    if (text ~ /^(clone|clone3|fork|vfork)\(/ && text !~ /CLONE_THREAD/ && text ~ / = [0-9]+$/) {
                        child = text; sub(/.* = /, "", child); todo[++n] = child
                    }
                }
                if (p != agent) { if (became) execs++; else forks++ }
            }
            print "execs " execs + 0; print "forks " forks + 0
        }' "$1".*
}

# Functions that the project's scripts share. Source this file first:
#
#     . "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
#
# It switches strict mode on and sets REPO_ROOT (the checkout) and TOOLS_DIR (downloaded tools, ignored by git).
# shellcheck shell=bash

set -euo pipefail

REPO_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
TOOLS_DIR="$REPO_ROOT/.tools"

# say TEXT...: one line of progress on standard output.
say() {
    printf '%s\n' "$*"
}

# fail TEXT...: one line on standard error, then exit 1.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# have COMMAND: whether a command can be called.
have() {
    command -v "$1" >/dev/null 2>&1
}

# logged WHAT COMMAND...: runs a command quietly; when it fails, shows the end of its output and exits 1.
logged() {
    local what=$1 log
    shift
    log="$(mktemp)"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        say "(the whole output: $log)" >&2
        fail "$what failed"
    fi
    rm -f "$log"
}

# missing_packages PACKAGE...: prints those Debian packages that are not installed, in one line.
missing_packages() {
    local package missing=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] ||
            missing+=("$package")
    done
    echo ${missing[@]+"${missing[@]}"}
}

# as_root COMMAND...: runs a command as root. need_apt has checked that this works.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# need_apt PACKAGE...: installs the Debian packages that are missing. Where it may not (no root, no sudo without a
# password) or cannot (no apt), it prints the command to run and exits 1. Does nothing when all are there.
need_apt() {
    local missing install=(apt-get install -y --no-install-recommends)
    read -ra missing <<<"$(missing_packages "$@")"
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || fail "missing packages (Debian names): ${missing[*]}. Install what this system calls them"
    if [ "$(id -u)" != 0 ] && ! { have sudo && sudo -n true 2>/dev/null; }; then
        fail "missing packages. Run: sudo apt-get update && sudo ${install[*]} ${missing[*]}"
    fi
    say "installing packages: ${missing[*]}"
    local quiet=(as_root env DEBIAN_FRONTEND=noninteractive)
    logged "apt-get update" "${quiet[@]}" apt-get -qq update
    logged "apt-get install ${missing[*]}" "${quiet[@]}" "${install[@]}" -qq \
        -o DPkg::Lock::Timeout=300 "${missing[@]}"
}

# need_apt_without_services PACKAGE...: need_apt for packages of servers, whose services it neither starts now (the
# file policy-rc.d forbids it, and is as before afterwards) nor at the next boot.
need_apt_without_services() {
    local missing policy=/usr/sbin/policy-rc.d
    missing="$(missing_packages "$@")"
    [ -n "$missing" ] || return 0
    # A subshell, whose end puts the file back whatever happens.
    (
        restore() {
            as_root rm -f "$policy"
            if [ -e "$policy.before" ] || [ -L "$policy.before" ]; then as_root mv "$policy.before" "$policy"; fi
        }
        if [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; then
            trap restore EXIT
            # What an interrupted run has left is not overwritten.
            [ -e "$policy.before" ] || [ ! -e "$policy" ] || as_root mv "$policy" "$policy.before"
            printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
            as_root chmod 755 "$policy"
        fi
        need_apt "$@"
    )
    local name
    if [ -d /run/systemd/system ]; then
        for name in $missing; do as_root systemctl disable --quiet "${name%-light}" 2>/dev/null || true; done
    fi
}

# need_command COMMAND PACKAGE...: installs the Debian packages unless the command is there from elsewhere.
need_command() {
    local name=$1
    shift
    have "$name" || need_apt "$@"
}

# need_python: a python3 that can make virtual environments.
need_python() {
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        need_apt python3 python3-venv
        python3 -c 'import venv, ensurepip' 2>/dev/null ||
            fail "$(command -v python3) has no venv and ensurepip. Put a complete python3 first on the PATH"
    fi
}

# need_venv NAME REQUIREMENTS_FILE: makes or updates the Python environment TOOLS_DIR/NAME and sets VENV to it. A stamp
# with the hash of the requirements and the Python version makes the next call return at once.
need_venv() {
    local name=$1 requirements=$2 stamp
    need_python
    VENV="$TOOLS_DIR/$name"
    stamp="$(python3 --version) $(sha256sum <"$requirements")"
    [ "$(cat "$VENV/stamp" 2>/dev/null || true)" != "$stamp" ] || return 0
    mkdir -p "$TOOLS_DIR"
    # The lock makes two scripts that start at the same time install once.
    exec 9>"$TOOLS_DIR/$name.lock"
    if have flock; then flock 9; fi
    if [ "$(cat "$VENV/stamp" 2>/dev/null || true)" != "$stamp" ]; then
        say "installing Python packages into .tools/$name"
        logged "python3 -m venv" python3 -m venv --clear "$VENV"
        logged "pip install -r $requirements" "$VENV/bin/pip" install -q --disable-pip-version-check -r "$requirements"
        printf '%s\n' "$stamp" >"$VENV/stamp"
    fi
    exec 9>&-
}

# free_port: prints a TCP port of 127.0.0.1 that is free at the moment.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for_port PORT PID [SECONDS]: returns 0 when 127.0.0.1:PORT accepts connections, and 1 when the process PID is
# gone or SECONDS (default 30) have passed.
wait_for_port() {
    local port=$1 pid=$2 deadline=$((SECONDS + ${3:-30}))
    while [ "$SECONDS" -le "$deadline" ]; do
        running "$pid" || return 1
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    return 1
}

# wait_for_line FILE TEXT PID [SECONDS]: returns 0 when FILE has a line that contains TEXT, and 1 when the process PID
# is gone or SECONDS (default 30) have passed.
wait_for_line() {
    local file=$1 text=$2 pid=$3 deadline=$((SECONDS + ${4:-30}))
    while [ "$SECONDS" -le "$deadline" ]; do
        if grep -qF -- "$text" "$file" 2>/dev/null; then return 0; fi
        running "$pid" || return 1
        sleep 0.1
    done
    return 1
}

# running PID: whether the process is there. (Bash reaps its own children at once, so an ended child is not.)
running() {
    kill -0 "$1" 2>/dev/null
}

# stop_process PID: SIGTERM, and SIGKILL when the process is still there after 10 seconds.
stop_process() {
    local pid=$1 deadline=$((SECONDS + 10))
    kill -TERM "$pid" 2>/dev/null || return 0
    while running "$pid"; do
        if [ "$SECONDS" -gt "$deadline" ]; then
            kill -KILL "$pid" 2>/dev/null || true
            break
        fi
        sleep 0.1
    done
    wait "$pid" 2>/dev/null || true
}

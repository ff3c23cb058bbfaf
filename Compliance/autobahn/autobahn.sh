# Functions that install and run the Autobahn TestSuite. Sourced by scripts/conformance after scripts/lib/common.sh.
# shellcheck shell=bash

AUTOBAHN_DIR="$REPO_ROOT/Compliance/autobahn"
AUTOBAHN_ENV="$TOOLS_DIR/autobahn"
AUTOBAHN_AGENT=parley

# The limits of the tested side. The suite sends messages of 16 MiB and messages of 65 536 fragments as fast as it can:
# more than the defaults allow, and on purpose.
AUTOBAHN_LIMITS=(--max-message 67108864 --max-fragments 1000000 --max-rate unlimited --max-pending 134217728
    --compression dedicated)

# find_python2: sets PYTHON2 to a Python 2.7 that really runs (a pyenv shim may be on the PATH and not run). Returns 1
# when there is none.
find_python2() {
    local candidate candidates=(python2.7)
    if have pyenv; then
        candidates+=("$(pyenv root)"/versions/2.7.*/bin/python2.7)
    fi
    for candidate in "${candidates[@]}"; do
        if "$candidate" -c 'import sys, ssl, zlib; sys.exit(sys.version_info[:2] != (2, 7))' >/dev/null 2>&1; then
            PYTHON2="$candidate"
            return 0
        fi
    done
    return 1
}

# skip_notice: says that Autobahn did not run, and what to do about it.
skip_notice() {
    cat <<'TEXT'
********************************************************************************
SKIPPED: the Autobahn TestSuite did not run. It needs Python 2.7, and there is
none here. Debian 12 has no package of it; pyenv builds one:

    sudo apt-get install -y build-essential curl git libbz2-dev libffi-dev \
        libreadline-dev libsqlite3-dev libssl-dev zlib1g-dev
    git clone https://github.com/pyenv/pyenv ~/.pyenv
    export PATH="$HOME/.pyenv/bin:$PATH"
    pyenv install 2.7.18

Then run scripts/conformance again.
********************************************************************************
TEXT
}

# install_autobahn: puts the TestSuite into .tools/autobahn (once) and checks that it has the cases of cases.txt.
# Needs PYTHON2.
install_autobahn() {
    local requirements="$AUTOBAHN_DIR/requirements-python2.txt" stamp
    stamp="$PYTHON2 $(sha256sum <"$requirements")"
    if [ "$(cat "$AUTOBAHN_ENV/stamp" 2>/dev/null || true)" != "$stamp" ]; then
        need_venv virtualenv "$AUTOBAHN_DIR/requirements-virtualenv.txt"
        say "installing the Autobahn TestSuite into .tools/autobahn (100 MB)"
        logged "virtualenv" "$VENV/bin/virtualenv" -q --clear -p "$PYTHON2" "$AUTOBAHN_ENV"
        logged "pip install -r $requirements" "$AUTOBAHN_ENV/bin/pip" install -q --disable-pip-version-check \
            --no-python-version-warning --no-deps -r "$requirements"
        printf '%s\n' "$stamp" >"$AUTOBAHN_ENV/stamp"
    fi
    "$AUTOBAHN_ENV/bin/python" -W ignore "$AUTOBAHN_DIR/list_cases.py" 2>/dev/null |
        diff -q - "$AUTOBAHN_DIR/cases.txt" >/dev/null ||
        fail "the cases of the installed TestSuite are not those of Compliance/autobahn/cases.txt"
}

# write_spec LINE CASES_FILE OUTDIR: prints a configuration for wstest; LINE says whom to test or where to listen. The
# list of cases has to be in both kinds: the fuzzing server runs nothing but what is listed.
write_spec() {
    local cases
    cases="$(sed 's/.*/"&"/' "$2" | paste -s -d , -)"
    printf '{"outdir": "%s", "options": {"failByDrop": false}, %s, "cases": [%s],' "$3" "$1" "$cases"
    printf ' "exclude-cases": [], "exclude-agent-cases": {}}\n'
}

# wstest LOG ARGUMENTS...: becomes the TestSuite, with its lines in LOG at once. To be started with `&`.
wstest() {
    local log=$1
    shift
    exec env PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore "$AUTOBAHN_ENV/bin/wstest" "$@" >"$log" 2>&1
}

# cases_started OUTDIR: prints how many cases the TestSuite has begun.
cases_started() {
    grep -c '^Running test case ID' "$1/wstest.log" 2>/dev/null || true
}

# gate OUTDIR CASES_FILE SECONDS: prints the summary; returns 1 unless every case behaved.
gate() {
    python3 "$AUTOBAHN_DIR/check_report.py" --report "$1/index.json" --expected "$2" --agent "$AUTOBAHN_AGENT" \
        --seconds "$3"
}

# own CHILD...: makes the (sub)shell that calls it stop these variables' processes when it ends, in whatever way.
own() {
    # shellcheck disable=SC2064
    trap "for name in $*; do [ -z \"\${!name:-}\" ] || stop_process \"\${!name}\"; done" EXIT
    trap 'exit 143' TERM INT
}

# run_fuzzing_client SERVER_BINARY CASES_FILE OUTDIR: the suite's client against a server. Run it in a subshell.
run_fuzzing_client() {
    local binary=$1 cases=$2 out=$3 port status=0 started=$SECONDS
    own SUITE TESTED
    port="$(free_port)"
    "$binary" --port "$port" --carrier "${CARRIER:-auto}" "${AUTOBAHN_LIMITS[@]}" >"$out/tested.log" 2>&1 &
    TESTED=$!
    if ! wait_for_line "$out/tested.log" "listening on ws://127.0.0.1:$port" "$TESTED" 30; then
        tail -n 20 "$out/tested.log"
        say "FAILED: $binary does not print \"listening on ws://127.0.0.1:$port\""
        return 1
    fi
    write_spec "\"servers\": [{\"agent\": \"$AUTOBAHN_AGENT\", \"url\": \"ws://127.0.0.1:$port\"}]" "$cases" "$out" \
        >"$out/spec.json"
    wstest "$out/wstest.log" -m fuzzingclient -s "$out/spec.json" &
    SUITE=$!
    wait "$SUITE" || { tail -n 20 "$out/wstest.log"; say "FAILED: wstest ended with an error"; status=1; }
    SUITE=
    running "$TESTED" || { tail -n 20 "$out/tested.log"; say "FAILED: the server ended during the run"; status=1; }
    gate "$out" "$cases" $((SECONDS - started)) || status=1
    return "$status"
}

# run_fuzzing_server CLIENT_BINARY CASES_FILE OUTDIR: a client against the suite's server. Run it in a subshell.
run_fuzzing_server() {
    local binary=$1 cases=$2 out=$3 port status=0 started=$SECONDS
    own TESTED SUITE
    port="$(free_port)"
    write_spec "\"url\": \"ws://127.0.0.1:$port\"" "$cases" "$out" >"$out/spec.json"
    wstest "$out/wstest.log" -m fuzzingserver -u 0 -s "$out/spec.json" &
    SUITE=$!
    if ! wait_for_port "$port" "$SUITE" 30; then
        tail -n 20 "$out/wstest.log"
        say "FAILED: wstest does not listen on port $port"
        return 1
    fi
    "$binary" --autobahn "ws://127.0.0.1:$port" "${AUTOBAHN_LIMITS[@]}" >"$out/tested.log" 2>&1 &
    TESTED=$!
    wait "$TESTED" || { status=$?; tail -n 20 "$out/tested.log"; say "FAILED: the client ended with code $status"; }
    TESTED=
    gate "$out" "$cases" $((SECONDS - started)) || status=1
    return "$status"
}

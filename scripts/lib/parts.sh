#!/usr/bin/env bash
# The parts of scripts/test, which calls this file with the name of a function and its arguments: see scripts/parts.toml.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$REPO_ROOT/scripts/lib/build.sh"
cd "$REPO_ROOT"

export PARLEY_BIN="$RELEASE_DIR/parley" ECHO_SERVER_BIN="$RELEASE_DIR/EchoServer"
export ECHO_CLIENT_BIN="$RELEASE_DIR/EchoClient"

is_full() { [ "${PARLEY_FULL:-}" = 1 ]; }

# What the parts need from the distribution and from PyPI: two that install something must not do so at once.
packages() {
    need_command php php-cli
    need_command node nodejs
    need_apt php-curl node-ws chromium chromium-driver fonts-noto-cjk fonts-inter
    need_command tsc node-typescript
    need_command go golang-go
    need_apt golang-github-gorilla-websocket-dev
    need_apt_without_services nginx-light haproxy apache2 caddy
    need_command valgrind valgrind libc6-dbg
    need_command strace strace
    need_venv compliance "$REPO_ROOT/Compliance/requirements.txt"
}

build_tests() {
    swift build --build-tests --enable-code-coverage
}

swift_tests() {
    # A few at a time: a thousand side by side starve those that wait for a peer. (Swift before 6.3 does not know it.)
    export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4
    swift test --enable-code-coverage --skip-build
    python3 scripts/lib/coverage.py "$(swift test --show-codecov-path)"
    # Once more on SwiftNIO's loops: what a carrier does must not show.
    PARLEY_TEST_CARRIER=nio swift test --enable-code-coverage --skip-build --filter WebSocketNIOTests
}

programs() {
    build_release --product parley
    build_release --product EchoServer
    build_release --product EchoClient
}

# python FILE...: Python tests.
python() {
    need_venv compliance "$REPO_ROOT/Compliance/requirements.txt"
    "$VENV/bin/python" -m pytest -q -p no:cacheprovider --durations 5 --durations-min 5 "$@"
}

# python_nio FILE...: the same, with servers on SwiftNIO's loops.
python_nio() {
    export PARLEY_CARRIER=nio HOSTILE_FUZZ_SECONDS="${HOSTILE_FUZZ_SECONDS:-5}"
    python "$@"
}

# clients FOLDER: the tests of a folder that has a script of its own.
clients() {
    "$1/run"
    PARLEY_CARRIER=nio "$1/run" -k "not bench"
}

simulation() {
    scripts/simulate --seeds 1000
    # A failing seed has to replay: the same seeds give the same runs, event by event, in another process too.
    local first second
    # Its last line says how long it took.
    first=$(scripts/simulate --seeds 50 --trace | grep trace)
    second=$(scripts/simulate --seeds 50 --trace | grep trace)
    [ "$(wc -l <<<"$first")" = 50 ] || fail "the simulation did not print the traces of 50 seeds"
    [ "$first" = "$second" ] || fail "the simulation does not repeat itself: the same seeds have different traces"
    scripts/simulate --bugs
}

# The page's own looks and steps are the same on any carrier; what it does about the wire runs on both.
browser_nio() {
    local files=(Compliance/browser/test_cuts.py Compliance/browser/test_room_history.py)
    if is_full; then files=(Compliance/browser); fi
    python_nio "${files[@]}"
}

autobahn() {
    local selection=()
    if is_full; then selection=(--all); fi
    scripts/conformance --bin-dir "$RELEASE_DIR" ${selection[@]+"${selection[@]}"}
    scripts/conformance --bin-dir "$RELEASE_DIR" --server-only --carrier nio
}

"$@"

# How the project's programs are built. Source common.sh first.
# shellcheck shell=bash

# Where `build_release` puts its programs.
RELEASE_DIR="$REPO_ROOT/.build/release"

# The runtime in the binary, so that it runs where no toolchain is; and no run-time checks for overlapping access, which
# cost SwiftNIO a third of its instructions (the debug build, which the tests use, has them).
RELEASE_FLAGS=(-c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked)

# need_build_tools: the Swift toolchain and the libraries that the build needs.
need_build_tools() {
    have swift || fail "no Swift toolchain: install Swift 6.2 or later from https://www.swift.org/install and put it on the PATH"
    need_command git git
    need_command python3 python3
    [ -e /usr/include/zlib.h ] || [ "$(uname)" != Linux ] || need_apt zlib1g-dev
}

# build_release ARGUMENT...: builds with optimisation; the arguments go to `swift build`.
build_release() {
    swift build --package-path "$REPO_ROOT" "${RELEASE_FLAGS[@]}" "$@"
}

# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What deploy/demo.sh and tests/run.sh share: the packages of Debian and Ubuntu, and building. To be sourced; the caller
# has set ROOT to the root of the tree.

say()  { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die()  { warn "$(basename "$0"): $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---- packages: each has a check, so that what came another way is not installed again

has_python_module() { /usr/bin/python3 -c "import $1" 2>/dev/null; }
has_library()       { have pkg-config && pkg-config --exists "$1"; }

# redis-server without its package, whose installation starts a service: in redis-tools, redis-check-rdb is the same
# program under another name, and goes by the name that it is called.
has_redis_server() {
    have redis-server && return
    local other
    other=$(command -v redis-check-rdb) || return 1
    mkdir -p "$ROOT/build/bin"
    ln -sf "$other" "$ROOT/build/bin/redis-server"
    PATH="$ROOT/build/bin:$PATH"
    redis-server --version 2>/dev/null | grep -q 'Redis server' && return
    rm -f "$ROOT/build/bin/redis-server"
    return 1
}

# clang's own sanitizer runtime, which is not among what clang needs
has_clang_runtime() {
    have clang && echo 'int main(void) { return 0; }' | clang -fsanitize=address,undefined -xc - -o /dev/null
}

clang_runtime_package() {
    local version=14
    have clang && version=$(clang -dumpversion | cut -d. -f1)
    say "libclang-rt-$version-dev"
}

# package|check: to build and to run the demo
packages_build() {
    cat <<'LIST'
gcc|have gcc
libc6-dev|[[ -e /usr/include/stdio.h ]]
cmake|have cmake
ninja-build|have ninja
pkg-config|have pkg-config
python3|[[ -x /usr/bin/python3 ]]
libevent-dev|has_library libevent_openssl
libcurl4-openssl-dev|has_library libcurl
librdkafka-dev|has_library rdkafka
libhiredis-dev|has_library hiredis
libcjson-dev|has_library libcjson
libcsv-dev|[[ -e /usr/include/csv.h ]]
libssl-dev|has_library libssl
libcmocka-dev|has_library cmocka
redis-tools|have redis-cli && has_redis_server
kcat|have kcat
LIST
}

# besides, for the tests
packages_test() {
    cat <<'LIST'
python3-pytest|has_python_module pytest
python3-jsonschema|has_python_module jsonschema
python3-confluent-kafka|has_python_module confluent_kafka
openssl|have openssl
faketime|[[ -n $(compgen -G "/usr/lib/*/faketime/libfaketimeMT.so.1") ]]
shellcheck|have shellcheck
mandoc|have mandoc
LIST
}

# besides: without them fleets are tested one after another, and no cable is pulled
packages_more() {
    cat <<'LIST'
python3-pytest-xdist|has_python_module xdist
iproute2|have ip
LIST
}

# besides, for the long part of them
packages_check() {
    cat <<LIST
clang|have clang
$(clang_runtime_package)|has_clang_runtime
clang-tidy|have clang-tidy
clang-format|have clang-format
cppcheck|have cppcheck
LIST
}

# those of a list on standard input that are missing
missing_packages() {
    local package check
    while IFS='|' read -r package check <&3; do
        eval "$check" >/dev/null 2>&1 || printf '%s ' "$package"
    done 3<&0
}

# who may install: prints the words to put before apt-get; fails when nobody may
installer() {
    have apt-get || return 1
    if [[ $(id -u) == 0 ]]; then
        printf ''
    elif have sudo && sudo -n true 2>/dev/null; then
        printf 'sudo -n '
    else
        return 1
    fi
}

# install_packages LOG package...: false, with the line to type, when it may not or cannot
install_packages() {
    local log=$1 as
    shift
    if ! as=$(installer); then
        warn "these packages are missing and cannot be installed from here. As root:"
        warn "    apt-get install --no-install-recommends $*"
        return 1
    fi
    # shellcheck disable=SC2086  # $as is no word, or two
    if ! { DEBIAN_FRONTEND=noninteractive ${as}apt-get -q update &&
           ${as}env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"; } \
            >"$log" 2>&1 </dev/null; then
        tail -5 "$log" | sed 's/^/    | /' >&2
        warn "installing failed. By hand, as root:"
        warn "    apt-get install --no-install-recommends $*"
        return 1
    fi
    hash -r
}

# promtool, which checks alerts and what /metrics says, out of Debian's package of Prometheus (19 MB), whose installation
# would start a service. False: there is no way to it.
fetch_promtool() {
    have promtool && return
    [[ -x $ROOT/build/bin/promtool ]] && return
    have apt-get && have dpkg-deb || return 1
    local folder
    folder=$(mktemp -d) || return 1
    # a package of its own since Debian 13
    (cd "$folder" && { apt-get -q download promtool || apt-get -q download prometheus; } && dpkg-deb -x ./*.deb . &&
        mkdir -p "$ROOT/build/bin" && cp usr/bin/promtool "$ROOT/build/bin/promtool") >/dev/null 2>&1 </dev/null
    rm -rf "$folder"
    [[ -x $ROOT/build/bin/promtool ]]
}

# ---- building

# build PRESET LOG [target...]: configures and builds quietly
build() {
    local preset=$1 log=$2 jobs
    shift 2
    jobs=$(nproc 2>/dev/null || echo 2)
    local targets=()
    (($#)) && targets=(--target "$@")
    (cd "$ROOT" && cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs" "${targets[@]}") \
        >"$log" 2>&1 </dev/null
}

# what went wrong in a build, without the lines that went well
tell_build() {
    { grep -aE -A6 'error|Error|FAILED|not found|No package' "$1" || tail -20 "$1"; } | tail -"${2:-40}" | sed 's/^/    | /' >&2
}

free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

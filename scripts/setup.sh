#!/usr/bin/env bash
# Makes sure that everything a goal needs is there:
#
#     scripts/setup.sh build|report|check|python|slurm|lint|fuzz|docs ...
#
# Every need is probed by use (a command, a header, a pkg-config module), so a
# tool that did not come from a Debian package counts too. What is missing is
# installed with apt-get when we are root; otherwise the one command that would
# install it is printed, and the exit status is 2.
set -u
cd "$(dirname "$0")/.." || exit 1

# package | how to probe for it. A probe is one of
#   cmd NAME...    any one of the commands
#   pc MODULE      pkg-config
#   file PATH      it is there
#   header FILE    the C compiler finds it
#   py MODULE...   some python3 imports all of them
#   fuzzer         clang links a fuzz target
needs_build='
make            | cmd make
gcc             | cmd cc gcc clang
libc6-dev       | header stdio.h
cmake           | cmd cmake
ninja-build     | cmd ninja
pkg-config      | cmd pkg-config
libyaml-dev     | pc yaml-0.1
libjansson-dev  | pc jansson
libsqlite3-dev  | pc sqlite3
zlib1g-dev      | pc zlib
libzstd-dev     | pc libzstd
libsundials-dev | header cvode/cvode.h
liblapacke-dev  | pc lapacke
libopenblas-pthread-dev | pc openblas
librandom123-dev| header Random123/philox.h
libxxhash-dev   | header xxhash.h
'
needs_report='
ca-certificates | file /etc/ssl/certs/ca-certificates.crt
nodejs          | cmd node
npm             | cmd npm
'
needs_check='
g++             | cmd c++ g++ clang++
libcmocka-dev   | pc cmocka
libmicrohttpd-dev | header microhttpd.h
libopenmpi-dev  | pc ompi-c
openmpi-bin     | cmd mpirun
locales         | file /usr/share/i18n/locales/de_DE
chromium        | cmd chromium chromium-browser google-chrome
'
# Beside check: without them the tests of the Python package are skipped.
needs_python='
python3-numpy   | py numpy
python3-cffi    | py numpy cffi
'
# Beside check, too: without them the job array in Slurm itself is not tried.
needs_slurm='
munge           | file /usr/sbin/munged
slurmctld       | file /usr/sbin/slurmctld
slurmd          | file /usr/sbin/slurmd
slurm-client    | cmd sbatch
'
needs_lint='
clang           | cmd clang
clang-format    | cmd clang-format
clang-tidy      | cmd clang-tidy
cppcheck        | cmd cppcheck
'
needs_fuzz='
clang           | cmd clang
libclang-rt-dev | fuzzer
'
needs_docs='
doxygen         | cmd doxygen
'

any_command() {
    local c
    for c in "$@"; do command -v "$c" >/dev/null 2>&1 && return 0; done
    return 1
}

present() { # kind argument...
    case $1 in
    cmd) any_command "${@:2}" ;;
    pc) pkg-config --exists "$2" 2>/dev/null ;;
    file) [ -e "$2" ] ;;
    py) # as tests/python/run.sh looks for one
        local python
        for python in ${ENGRAM_PYTHON:-python3 /usr/bin/python3}; do
            printf 'import %s\n' "${@:2}" | "$python" - 2>/dev/null && return
        done
        return 1
        ;;
    fuzzer) # clang's own library, apart from it
        echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
            clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null
        ;;
    header)
        any_command cc gcc clang || return 1
        printf '#include <%s>\n' "$2" |
            "$(command -v cc || command -v gcc || command -v clang)" \
                -E -x c - >/dev/null 2>&1
        ;;
    esac
}

missing() { # goal...
    local goal list package probe
    for goal in "$@"; do
        list=needs_$goal
        [ -n "${!list-}" ] || { echo "setup: unknown goal $goal" >&2; exit 2; }
        while IFS='|' read -r package probe; do
            [ -n "$package" ] || continue
            # shellcheck disable=SC2086
            present $probe || printf '%s ' "${package%% *}"
        done <<<"${!list}"
    done
}

plotly() {
    # The plotting library, exactly the version package-lock.json names.
    [ -f package-lock.json ] || return 0
    [ node_modules/.package-lock.json -nt package-lock.json ] && return 0
    echo "setup: npm ci (the plotting library of the report page)" >&2
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 &&
        touch node_modules/.package-lock.json
}

[ $# -gt 0 ] || set -- build report
packages=$(missing "$@") || exit 2
packages=${packages% }
if [ -n "$packages" ]; then
    if [ "$(id -u)" -ne 0 ] || ! any_command apt-get; then
        echo "Missing; please install, then try again:" >&2
        echo "sudo apt-get install $packages" >&2
        exit 2
    fi
    echo "setup: apt-get install $packages" >&2
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! { apt-get update -qq &&
        apt-get install -y -qq --no-install-recommends $packages; } \
        >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "setup: apt-get failed; by hand:" >&2
        echo "sudo apt-get install $packages" >&2
        exit 2
    fi
    rm -f "$log"
fi
case " $* " in
*" report "*)
    # Without it everything works but the figures of the page, which say so.
    plotly || echo "setup: WARNING: npm ci failed (see above): reports will" \
        "have no figures until it succeeds" >&2
    ;;
esac
exit 0

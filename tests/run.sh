#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All tests, the quick ones first. See --help.
set -uo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$ROOT/deploy/lib.sh"
cd "$ROOT" || exit 1

usage() {
    cat <<'HELP'
usage: tests/run.sh [--quick | --rest] [--only REGEX] [--no-install]

  --quick        the quick part alone: rules, scripts, settings, the debug build with warnings as errors, and the tests
                 of units, wire, simulators and fleet that are labelled quick (10 minutes on 2 cores)
  --rest         the rest alone (35 minutes more): everything under ASan and UBSan, clang's warnings, clang's sanitizers,
                 cppcheck and clang-tidy, fuzzing, the long tests of the fleet, and the fleet on a real Kafka (Java and Maven)
  --only REGEX   the tests of CTest whose name matches, on the debug build, and nothing else
  --no-install   never install packages (apt-get, as root or by sudo -n), only say which are missing

Both parts without a flag. What is skipped is said, with the reason. The output of each step is in build/test-logs and is
shown when it fails. The last line is CTest's summary of all that was counted; the exit status is 0 if nothing failed.

TOKFLEET_TEST_JOBS, TOKFLEET_TEST_KILLS, TOKFLEET_TEST_SEED reach the tests of the fleet. TOKFLEET_TEST_SEEDS=1-100 runs those
that break things (--only 'failover|split') once for each seed, and prints a row for each: lost, doubled, breaches, over the
limit, UNSURE with its cause. TOKFLEET_TEST_FUZZ_S (60) is how many seconds each fuzzer runs.
HELP
}

QUICK=true REST=true ONLY='' INSTALL=true
while (($#)); do
    case $1 in
        --quick) REST=false ;;
        --rest) QUICK=false ;;
        --only) ONLY=${2:-}; [[ -n $ONLY ]] || { warn "run.sh: --only needs a regular expression"; exit 2; }; shift ;;
        --only=*) ONLY=${1#*=} ;;
        --no-install) INSTALL=false ;;
        -h | --help) usage; exit 0 ;;
        *) warn "run.sh: unknown option $1"; usage >&2; exit 2 ;;
    esac
    shift
done
$QUICK || $REST || { warn "run.sh: --quick and --rest leave nothing"; exit 2; }

LOGS=$ROOT/build/test-logs
mkdir -p "$LOGS"
PASSED=0 FAILED=0 SKIPPED=0
FAILURES=() SKIPS=() AGAIN=()
BEGAN=$SECONDS
CHILD='' FUZZING=''

# a test that hangs, or Ctrl-C, must leave nothing behind: each step has a process group of its own
on_exit() {
    local child
    for child in $CHILD $FUZZING; do
        kill -TERM -- "-$child" 2>/dev/null
    done
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'exit 141' PIPE

for name in "${!TOKFLEET_@}"; do
    [[ $name == TOKFLEET_TEST_* ]] || unset "$name"
done
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export KAFKA_REAL_LIBS=${KAFKA_REAL_LIBS:-$ROOT/build/kafka-libs}
export PYTHONDONTWRITEBYTECODE=1

# ---- telling

clock() { local s=$((SECONDS - BEGAN)); printf '%2d:%02d' $((s / 60)) $((s % 60)); }
tell()  { printf '%s  %s\n' "$(clock)" "$*"; }
shown() { sed 's/^/    | /'; }

skip() {
    local why=$1
    shift
    SKIPPED=$((SKIPPED + 1))
    SKIPS+=("$*: $why")
    tell "SKIPPED   $*: $why"
}

passed() {
    PASSED=$((PASSED + ${2:-1}))
    tell "passed    $1"
}

failed() {
    FAILED=$((FAILED + ${2:-1}))
    FAILURES+=("$1")
    tell "FAILED    $1"
}

again() {
    AGAIN+=("$1 ($2)")
    tell "SECOND TRY $1: it failed, then passed; see $2"
}

# run LOG MINUTES command...: its status; 124 when it took too long
run() {
    local log=$1 minutes=$2 status
    shift 2
    setsid timeout --kill-after=20 "${minutes}m" "$@" >"$log" 2>&1 </dev/null &
    CHILD=$!
    wait "$CHILD"
    status=$?
    CHILD=
    ((status != 124)) || echo "stopped: it took longer than $minutes minutes" >>"$log"
    return "$status"
}

# count_step NAME LOG STATUS BEGAN: one test that has ended; 77 is a skip
count_step() {
    local name=$1 log=$2 status=$3 took=$((SECONDS - $4))
    if ((status == 0)); then
        passed "$name ($took s)"
    elif ((status == 77)); then
        skip "$(tail -1 "$log")" "$name"
    else
        failed "$name ($took s, status $status)"
        tail -60 "$log" | shown
    fi
    return "$status"
}

# one_step NAME MINUTES command...: counts as one test
one_step() {
    local name=$1 minutes=$2 log began=$SECONDS
    shift 2
    log=$LOGS/${name//[^A-Za-z0-9]/-}.log
    run "$log" "$minutes" "$@"
    count_step "$name" "$log" $? "$began"
}

# build_step PRESET MINUTES: counts as one test
build_step() {
    local preset=$1 minutes=$2 log=$LOGS/build-$1.log began=$SECONDS
    # shellcheck disable=SC2016  # of the shell that is started
    if run "$log" "$minutes" bash -c 'cmake --preset "$0" && cmake --build --preset "$0" -j "$1" -- -k 0' "$preset" \
        "$(nproc)"; then
        passed "build of the preset $preset ($((SECONDS - began)) s)"
        return 0
    fi
    failed "build of the preset $preset"
    { grep -aE -A8 'error[: ]|FAILED:|CMake Error|not found' "$log" || tail -30 "$log"; } | head -80 | shown
    return 1
}

# What a JUnit file of CTest says, a line each: counts, the names of the failed, "name<tab>reason" of the skipped.
junit() {
    /usr/bin/python3 - "$1" "$2" <<'PY'
import re, sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[2]).getroot()
cases = list(suite.iter('testcase'))
failed = [case for case in cases if case.get('status') == 'fail']
skipped = [case for case in cases if case.get('status') in ('notrun', 'disabled')]
if sys.argv[1] == 'counts':
    assert int(suite.get('tests')) == len(cases), 'the counts differ'
    print(len(cases), len(failed), len(skipped))
elif sys.argv[1] == 'failed':
    print('\n'.join(case.get('name') for case in failed))
else:
    for case in skipped:
        node = case.find('skipped')
        said = re.findall(r'(?:SKIPPED|[Ss]kipped)\S* +(?:\[\d+\] )?(.{3,200})', case.findtext('system-out') or '')
        print('%s\t%s' % (case.get('name'), (said or [node is not None and node.get('message') or 'no reason is told'])[0]))
PY
}

# ctest_step NAME PRESET MINUTES option...: each of its tests counts
ctest_step() {
    local name=$1 preset=$2 minutes=$3 log junit began=$SECONDS counts tests bad skipped test why
    shift 3
    log=$LOGS/${name//[^A-Za-z0-9]/-}.log
    junit=$LOGS/${name//[^A-Za-z0-9]/-}.xml
    rm -f "$junit"
    # a test that fails is run once more, and that is told: machines are shared, and tests have clocks in them
    run "$log" "$minutes" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error \
        -j "$((2 * $(nproc)))" --repeat until-pass:2 --output-junit "$junit" "$@"
    counts=$(junit counts "$junit" 2>/dev/null)
    if [[ ! $counts =~ ^([0-9]+)\ ([0-9]+)\ ([0-9]+)$ ]] || ((BASH_REMATCH[1] == 0)); then
        failed "$name ($((SECONDS - began)) s): CTest did not finish, or found no test"
        tail -30 "$log" | shown
        return 1
    fi
    tests=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[3]}
    while IFS=$'\t' read -r test why; do
        [[ -z $test ]] || skip "$why" "$name: $test"
    done < <(junit skipped "$junit")
    ((tests == bad + skipped)) || passed "$name: $((tests - bad - skipped)) of $tests ($((SECONDS - began)) s)" \
        $((tests - bad - skipped))
    while read -r test; do
        [[ -z $test ]] || again "$name: $test" "$log"
    done < <(comm -23 <(grep -aoE 'Test +#[0-9]+: [^ ]+ .*\*\*\*(Failed|Timeout)' "$log" | awk '{print $3}' | sort -u) \
        <(junit failed "$junit" | sort -u))
    ((bad)) || return 0
    while read -r test; do
        failed "$name: $test"
    done < <(junit failed "$junit")
    # what the failed tests said, without those that went well
    grep -avE '^ *[0-9]+/[0-9]+ Test .* Passed|^ *Start +[0-9]+:' "$log" | tail -150 | shown
    return 1
}

# ---- packages

# install LIST WHAT: 1 when some are missing still
install() {
    local missing
    read -ra missing <<<"$("$1" | missing_packages)"
    ((${#missing[@]})) || return 0
    if $INSTALL && tell "installing ${missing[*]}" && install_packages "$LOGS/packages.log" "${missing[@]}"; then
        read -ra missing <<<"$("$1" | missing_packages)"
        ((${#missing[@]})) || return 0
    fi
    warn "missing for $2: ${missing[*]}"
    return 1
}

# ---- the two parts

only_part() {
    build_step debug 15 && ctest_step only debug 60 -R "$ONLY"
}

metrics_step() {
    # without it the step says what it did not check
    ! $INSTALL || fetch_promtool || true
    one_step "metrics in deploy/" 1 tests/check.sh metrics
}

quick_part() {
    tell "---- quick part"
    [[ ! -x tests/rules.sh ]] || one_step "rules of the code" 2 tests/rules.sh
    build_step debug 10 || return 1
    one_step "settings in deploy/README.md" 1 tests/check.sh settings
    metrics_step
    one_step "shell scripts" 2 tests/check.sh shell
    ctest_step "quick" debug 15 -LE 'long|kafka'
}

rest_part() {
    tell "---- the rest"
    $QUICK || build_step debug 10 || return 1
    if build_step asan 10; then
        # the models use no memory but their own, the scripts run in Redis, failover takes its time: without sanitizers
        TOKFLEET_TEST_SEEDS=${TOKFLEET_TEST_SEEDS:-1} ctest_step "asan" asan 25 -LE 'kafka' \
            -E '^model_|^scripts|^fleet_test_(failover|split|fight)'
    fi
    # consecutive days take the two halves in turn; all of them by hand: tests/broken/run --all
    one_step "planted bugs, half of them" 12 tests/broken/run --seed "${TOKFLEET_TEST_SEED:-$((10#$(date +%j)))}"
    if install packages_check "the checks with clang and cppcheck"; then
        clang_steps
        fuzz_begin
    else
        skip "packages are missing, see above" "clang, its sanitizers, clang-tidy, cppcheck, the fuzzers"
    fi
    ctest_step "long" debug 20 -L long
    kafka_step
    [[ -z $FUZZING ]] || fuzz_end
}

# The tests of the fleet wait more than they work: the fuzzers take what they leave, at the lowest priority.
fuzz_begin() {
    FUZZ_BEGAN=$SECONDS
    setsid nice -n 19 timeout --kill-after=20 30m tests/fuzz/run --seconds "${TOKFLEET_TEST_FUZZ_S:-60}" \
        >"$LOGS/fuzzers.log" 2>&1 </dev/null &
    FUZZING=$!
}

fuzz_end() {
    wait "$FUZZING"
    count_step "fuzzers, ${TOKFLEET_TEST_FUZZ_S:-60} s each, beside the two above" "$LOGS/fuzzers.log" $? "$FUZZ_BEGAN"
    FUZZING=
}

clang_steps() {
    build_step clang 10
    if build_step clang-asan 10; then
        ctest_step "clang-asan, units and wire" clang-asan 10 -E '^fleet_|^scripts|^model_|sim$|_real'
        TOKFLEET_TEST_JOBS=200 ctest_step "clang-asan, a fleet with 200 jobs" clang-asan 5 -R '^fleet_test_load$'
    fi
    one_step "layout of the C code" 2 tests/check.sh format
    one_step "cppcheck" 10 tests/check.sh cppcheck
    one_step "clang-tidy" 15 tests/check.sh --build build/clang tidy
}

kafka_step() {
    local missing=()
    have java || missing+=(java)
    have mvn || missing+=(mvn)
    if ((${#missing[@]})); then
        skip "no ${missing[*]} (apt-get install default-jre-headless maven)" "the fleet on a real Apache Kafka"
        return 0
    fi
    ctest_step "a real Apache Kafka" debug 25 -L kafka
}

say "tokfleet's tests, $(nproc) cores; logs in build/test-logs"
# what is missing of these is told, and costs time or skips tests, each with its reason
install packages_more "tests of fleets at once, and of pulled cables" || true
if ! install packages_build "building" || ! install packages_test "testing"; then
    failed "packages"
elif ! has_redis_server; then  # here, not in a pipeline: it may put one on this shell's PATH
    failed "redis-server: there is none"
elif [[ -n $ONLY ]]; then
    only_part
else
    ! $QUICK || quick_part
    ! $REST || rest_part
fi

# ---- the end

say
if ((${#SKIPS[@]})); then
    say "The following were SKIPPED:"
    printf '    %s\n' "${SKIPS[@]}"
fi
if ((${#AGAIN[@]})); then
    say "The following failed, and passed at the SECOND TRY (each deserves a look):"
    printf '    %s\n' "${AGAIN[@]}"
fi
if ((${#FAILURES[@]})); then
    say "The following FAILED:"
    printf '    %s\n' "${FAILURES[@]}"
fi
TOTAL=$((PASSED + FAILED))
say "Total time: $(clock)   passed $PASSED, failed $FAILED, skipped $SKIPPED"
((TOTAL)) || { FAILED=1 TOTAL=1; }
say "$((100 * (TOTAL - FAILED) / TOTAL))% tests passed, $FAILED tests failed out of $TOTAL"
((FAILED == 0))

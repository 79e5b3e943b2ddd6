#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a fleet at work, with real programs on this machine and a simulated TikTok. See --help.
# shellcheck disable=SC2317  # what the traps call is reached
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$ROOT/deploy/lib.sh"

usage() {
    cat <<'HELP'
usage: deploy/demo.sh [--keep] [--kafka BROKERS] [--redis URL] [--no-install]

Builds tokfleet, starts a fleet (redis-server, a simulated Kafka, a simulated TikTok, two pollers, two workers), connects
accounts, sends about 70 jobs, good ones and one bad of each common kind, and shows what became of each. Everything
listens on 127.0.0.1, on free ports, and lives in a temporary folder; nothing that runs already is touched. TikTok's
minute and day are scaled to 6 and 20 seconds, so that it ends soon.

  --keep            leave it running, to look around; how to stop it is told
  --kafka BROKERS   use this Kafka (host:port,...) instead of the simulated one. The topics of a fleet of its own,
                    demo-..., are created there, and stay. TOKFLEET_KAFKA_PROPERTIES is taken over (TLS, SASL)
  --redis URL       use this Redis instead of one of its own. All its keys begin with {demo-...}: and are deleted at the
                    end. TOKFLEET_REDIS_CA is taken over
  --no-install      never install packages, only say which are missing

Exit status: 0 when every job ended as it must, nothing was posted twice and no limit was breached.
HELP
}

KEEP=false KAFKA='' REDIS='' INSTALL=true
while (($#)); do
    case $1 in
        --keep) KEEP=true ;;
        --no-install) INSTALL=false ;;
        --kafka | --redis)
            [[ -n ${2:-} ]] || { warn "demo.sh: $1 needs a value"; exit 2; }
            if [[ $1 == --kafka ]]; then KAFKA=$2; else REDIS=$2; fi
            shift ;;
        --kafka=*) KAFKA=${1#*=} ;;
        --redis=*) REDIS=${1#*=} ;;
        -h | --help) usage; exit 0 ;;
        *) warn "demo.sh: unknown option $1"; usage >&2; exit 2 ;;
    esac
    shift
done
[[ -z $REDIS || $REDIS == redis://* || $REDIS == rediss://* ]] ||
    { warn "demo.sh: --redis $REDIS: it must begin with redis:// or rediss://"; exit 2; }

umask 077
DIR=$(mktemp -d "${TMPDIR:-/tmp}/tokfleet-demo.XXXXXX")
BIN=$ROOT/build/release
FLEET=demo
[[ -z $KAFKA$REDIS ]] || FLEET=demo-$(date +%s)-$$
NAMES=() PIDS=()     # of what was started, in its order
STARTED_S=$SECONDS ENDED=false

# ---- the end, whichever it is

# stop PATTERN: tells those whose name matches to end, and waits; then insists
stop() {
    local i n left=()
    for i in "${!PIDS[@]}"; do
        # shellcheck disable=SC2053  # a pattern
        [[ ${NAMES[i]} == $1 ]] && kill -TERM "${PIDS[i]}" 2>/dev/null && left+=("${PIDS[i]}")
    done
    for ((n = 0; n < 100; n++)); do
        ((${#left[@]} == 0)) && break
        kill -0 "${left[@]}" 2>/dev/null || break
        sleep 0.1
    done
    for i in "${left[@]}"; do
        kill -KILL "$i" 2>/dev/null || true
        wait "$i" 2>/dev/null || true
    done
}

# the fleet drains while what it drains to is still there
stop_all() {
    stop 'worker-*'
    stop 'poller-*'
    stop '*'
    PIDS=() NAMES=()
}

# the last lines that matter of each log
tell_logs() {
    local log lines
    for log in "$DIR"/{redis,kafka-sim,tiktok-sim,poller-1,poller-2,worker-1,worker-2}.log; do
        [[ -s $log ]] || continue
        # of our programs: what is no plain progress; of all others: the end
        lines=$({ grep -avE '"level":"(info|debug)"' "$log" || true; } | tail -8 | cut -c1-400)
        [[ -n $lines ]] || continue
        warn "---- $(basename "$log")"
        printf '%s\n' "$lines" | sed 's/^/    | /' >&2
    done
}

on_exit() {
    local status=$?
    trap '' INT TERM HUP PIPE
    if $KEEP && $ENDED; then
        exit "$status"
    fi
    local failed=false
    case $status in 0 | 130 | 141 | 143) ;; *) failed=true ;; esac
    ! $failed || tell_logs
    stop_all
    if [[ -n $REDIS && -e $DIR/env ]]; then
        /usr/bin/python3 "$ROOT/deploy/demo.py" forget || warn "the keys {$FLEET}:* could not be deleted from your Redis"
    fi
    if $failed; then
        rm -f "$DIR"/env "$DIR"/token.keys "$DIR"/accounts*.ndjson "$DIR"/*.aof
        rm -rf "$DIR/appendonlydir"
        # of an early failure there are none
        rmdir "$DIR" 2>/dev/null || warn "the logs are kept in $DIR"
    else
        rm -rf "$DIR"
    fi
    if [[ -n $KAFKA && -e $BIN/producer/tokfleet ]] && ((${TOPICS_MADE:-0})); then
        say "on your Kafka the topics $FLEET.jobs, .journal, .accounts, .events and .dlq are left to be deleted"
    fi
    exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'exit 141' PIPE

step() { printf '%5d s  %s\n' $((SECONDS - STARTED_S)) "$*"; }

# ---- packages and programs

step "packages"
read -ra missing <<<"$(packages_build | missing_packages)"
if ((${#missing[@]})); then
    $INSTALL || die "packages are missing. As root: apt-get install --no-install-recommends ${missing[*]}"
    say "         installing ${missing[*]}"
    install_packages "$DIR/install.log" "${missing[@]}" || exit 1
    # again: redis-server may be there by another name, which is found by the check
    read -ra missing <<<"$(packages_build | missing_packages)"
    ((${#missing[@]} == 0)) || die "still missing: ${missing[*]}"
fi
has_redis_server || die "there is no redis-server"

step "building the programs and the simulators (build/release)"
build release "$DIR/build.log" tokfleet tokfleet-worker tokfleet-poller kafka-sim tiktok-sim || {
    tell_build "$DIR/build.log"
    die "the build failed"
}

# ---- the fleet's environment: nothing of the caller's, but how to reach a Kafka and a Redis of theirs

for name in "${!TOKFLEET_@}"; do
    [[ -n $KAFKA && $name == TOKFLEET_KAFKA_PROPERTIES ]] || [[ -n $REDIS && $name == TOKFLEET_REDIS_CA ]] || unset "$name"
done
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export PATH="$BIN/producer:$PATH"

# start NAME command...: in the background, apart from this terminal's Ctrl-C, logging to DIR/NAME.log
start() {
    local name=$1
    shift
    (cd "$DIR" && exec setsid "$@" >>"$DIR/$name.log" 2>&1 </dev/null) &
    NAMES+=("$name")
    PIDS+=($!)
    printf '%s %s\n' "$!" "$name" >>"$DIR/pids"
}

# wait_until WHAT SECONDS command...: of the program that was started last, which must not end meanwhile
wait_until() {
    local what=$1 n=$(($2 * 20))
    shift 2
    until "$@" >/dev/null 2>&1; do
        kill -0 "${PIDS[-1]}" 2>/dev/null || die "$what: it ended at once"
        ((n-- > 0)) || die "$what: it does not answer"
        sleep 0.05
    done
}

is_our_redis() { redis-cli -p "$1" INFO server 2>/dev/null | grep -q "process_id:${PIDS[-1]}"$'\r'; }

start_redis() {
    local port
    port=$(free_port)
    start redis redis-server --bind 127.0.0.1 --port "$port" --dir "$DIR" --save '' --appendonly yes \
        --maxmemory-policy noeviction --loglevel warning
    wait_until redis-server 10 is_our_redis "$port"
    REDIS_URL=redis://127.0.0.1:$port
}

start_kafka() {
    start kafka-sim "$BIN/tests/sandbox/kafka-sim/kafka-sim" --bootstrap-file "$DIR/kafka" --control "$DIR/kafka.control" \
        --fleet "$FLEET"
    wait_until kafka-sim 10 test -s "$DIR/kafka"
    BROKERS=$(<"$DIR/kafka")
}

start_tiktok() {
    start tiktok-sim "$BIN/tests/sandbox/tiktok-sim/tiktok-sim" --listen 127.0.0.1:0 --port-file "$DIR/tiktok" \
        --ledger "$DIR/ledger.ndjson" --accounts 13 --accounts-file "$DIR/accounts.ndjson" \
        --window-ms 6000 --day-ms 20000 --processing-ms 8:800-3000,1:4000-6000 --seed 1
    wait_until tiktok-sim 10 test -s "$DIR/tiktok"
    TIKTOK_URL=http://$(<"$DIR/tiktok")
}

servers=tiktok-sim
[[ -n $KAFKA ]] || servers="kafka-sim, $servers"
[[ -n $REDIS ]] || servers="redis-server, $servers"
step "starting $servers"
# a real broker takes no session shorter than 6 s; the simulated one makes a second member wait so long
REDIS_URL=$REDIS BROKERS=$KAFKA SESSION=6s
[[ -n $KAFKA ]] || SESSION=3s
[[ -n $REDIS ]] || start_redis
[[ -n $KAFKA ]] || start_kafka
start_tiktok
shown=${REDIS_URL#*://}
say "         Redis ${shown##*@}, Kafka $BROKERS, TikTok $TIKTOK_URL"

printf 'demo:%s\n' "$(head -c 32 /dev/urandom | base64 -w0)" >"$DIR/token.keys"
{
    # shellcheck disable=SC2016  # of whoever reads it
    printf 'export PATH=%q:"$PATH"\n' "$BIN/producer"
    while IFS='=' read -r name value; do
        printf 'export TOKFLEET_%s=%q\n' "$name" "$value"
    done <<SETTINGS
FLEET=$FLEET
REDIS_URL=$REDIS_URL
KAFKA_BROKERS=$BROKERS
KAFKA_SESSION_MS=$SESSION
TIKTOK_API_URL=$TIKTOK_URL
TOKEN_KEYS_FILE=$DIR/token.keys
LIMIT_WINDOW_MS=6s
LIMIT_DAY_MS=20s
POLL_FIRST_MS=300
POLL_INTERVAL_MS=500
RETRY_DELAY_MS=1s
JOB_ACCOUNT_WAIT_MS=12s
HEARTBEAT_MS=500
DRAIN_MS=5s
SETTINGS
    [[ -z ${TOKFLEET_KAFKA_PROPERTIES:-} ]] || printf 'export TOKFLEET_KAFKA_PROPERTIES=%q\n' "$TOKFLEET_KAFKA_PROPERTIES"
    [[ -z ${TOKFLEET_REDIS_CA:-} ]] || printf 'export TOKFLEET_REDIS_CA=%q\n' "$TOKFLEET_REDIS_CA"
} >"$DIR/env"
# shellcheck source=/dev/null
. "$DIR/env"

if [[ -n $KAFKA ]]; then
    step "creating the topics $FLEET.* on your Kafka"
    TOPICS_MADE=1
    tokfleet topics ensure --partitions 4 >"$DIR/topics.log" 2>&1 || { cat "$DIR/topics.log" >&2; die "no topics"; }
fi

step "starting two pollers and two workers"
start poller-1 "$BIN/poller/tokfleet-poller"
start poller-2 "$BIN/poller/tokfleet-poller"
start worker-1 "$BIN/worker/tokfleet-worker"
start worker-2 "$BIN/worker/tokfleet-worker"
/usr/bin/python3 "$ROOT/deploy/demo.py" gate || die "the fleet did not start"

# ---- accounts and jobs

indent() { sed 's/^/         /'; }

step "connecting twelve accounts:  tokfleet account add accounts.ndjson"
sed -i 13d "$DIR/accounts.ndjson"
tokfleet account add "$DIR/accounts.ndjson" >"$DIR/account.log" 2>&1 || { cat "$DIR/account.log" >&2; die "no accounts"; }
tail -1 "$DIR/account.log" | indent

/usr/bin/python3 "$ROOT/deploy/demo.py" jobs "$DIR"
step "checking the jobs:  tokfleet import jobs.ndjson"
if tokfleet import "$DIR/jobs.ndjson" >"$DIR/import.log" 2>&1; then
    die "the import did not find the bad line"
fi
sed "s|$DIR/||g" "$DIR/import.log" | cut -c1-160 | indent
step "sending the good ones:  tokfleet import jobs.ndjson --skip-bad"
tokfleet import "$DIR/jobs.ndjson" --skip-bad --errors 0 >"$DIR/import.log" 2>&1 ||
    { cat "$DIR/import.log" >&2; die "the import failed"; }
tail -1 "$DIR/import.log" | indent
step "and, by kcat, what an upstream may send that checks nothing: bad messages, and good ones once more"
kcat ${TOKFLEET_KAFKA_PROPERTIES:+-F "$TOKFLEET_KAFKA_PROPERTIES"} -b "$BROKERS" -P -t "$FLEET.jobs" -K '\t' -l "$DIR/more.kcat" \
    >"$DIR/kcat.log" 2>&1 || { cat "$DIR/kcat.log" >&2; die "kcat failed"; }

step "at work"
/usr/bin/python3 "$ROOT/deploy/demo.py" watch "$DIR" --seconds 5
step "connecting one more, by its user's consent in a browser:  tokfleet account connect --name @sim013"
TOKFLEET_TIKTOK_CLIENT_KEY=demo TOKFLEET_TIKTOK_CLIENT_SECRET=demo TOKFLEET_TIKTOK_REDIRECT_URI='http://127.0.0.1:*/callback/' \
    TOKFLEET_TIKTOK_AUTHORIZE_URL=$TIKTOK_URL/v2/auth/authorize/ \
    /usr/bin/python3 "$ROOT/deploy/demo.py" connect @sim013 >>"$DIR/account.log" 2>&1 ||
    { tail -5 "$DIR/account.log" >&2; die "the late account could not be connected"; }
tail -1 "$DIR/account.log" | indent
/usr/bin/python3 "$ROOT/deploy/demo.py" watch "$DIR" || exit 1
step "every job has its end"

/usr/bin/python3 "$ROOT/deploy/demo.py" report "$DIR" || exit 1

# ---- what to look at

say
if $KEEP; then
    forget=
    [[ -z $REDIS ]] || forget=". '$DIR/env' && /usr/bin/python3 '$ROOT/deploy/demo.py' forget"
    cat >"$DIR/stop" <<STOP
#!/bin/sh
# Stops this demo and removes its folder. A process is ours when it works in this folder.
tac '$DIR/pids' | while read -r pid name; do
    [ "\$(readlink "/proc/\$pid/cwd")" = '$DIR' ] && kill "\$pid" && while [ -e "/proc/\$pid" ]; do sleep 0.1; done
done
$forget
rm -rf '$DIR'
STOP
    chmod 700 "$DIR/stop"
    ENDED=true
    say "it goes on running. Look further, in any shell:"
else
    say "all of it ends now. With --keep it goes on running, to look further:"
fi
where=$DIR
$KEEP || where=/tmp/tokfleet-demo.XXXXXX
cat <<LOOK

    . $where/env
    tokfleet status
    tokfleet job answer-lost
    tokfleet account list
    tokfleet post --account @sim002 --video https://cdn.example.com/mine.mp4 --caption Hello --wait
    kcat -b \$TOKFLEET_KAFKA_BROKERS -t $FLEET.events -C -e -q | tail -3
    redis-cli -u \$TOKFLEET_REDIS_URL HGETALL {$FLEET}:job:video-00
    tail -f $where/*.log
LOOK
if $KEEP; then
    say
    say "stop it:  $DIR/stop"
fi

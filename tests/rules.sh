#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules that a compiler does not check. Prints file:line for each one that is broken and fails.
#
#     tests/rules.sh [root]        the tree (this one unless named)
#     tests/rules.sh --self-test   plants one violation of each kind in a copy and expects each to be found
#
# Arrows:   base < loop < io < tiktok < job < worker, poller, producer; the three programs never include each other.
#           Within producer: tool < job < every other folder < what stands in none; the other folders never include
#           each other.
# Foreign:  a library's header stands in its own files only; a header that shows it is for these files alone.
# Banned:   functions that overflow, truncate silently or return NULL for want of memory, outside common/base.
# Open:     marks of unfinished work.
# Listed, without failing: functions over 60 lines, files over 600.
set -euo pipefail

self=$(readlink -f "$0")
parts=(common worker poller producer)

sources() {
    local part
    for part in "${parts[@]}"; do
        [[ -d $part ]] && find "$part" -name '*.[ch]' -type f
    done | LC_ALL=C sort
}

# The C files by one pass of awk; "bad" lines make it fail, the others are advice.
check_sources() {
    # shellcheck disable=SC2016  # $0 is awk's
    sources | xargs -r awk '
    BEGIN {
        layers = split("base loop io tiktok job", name, " ")
        for (i = 1; i <= layers; i++)
            rank[name[i]] = i
        rank["worker"] = rank["poller"] = rank["producer"] = layers + 1
        inner["tool"] = 1
        inner["job"]  = 2
        owner["hiredis"]    = "^common/io/redis([.]c|_[a-z_]*[.][ch])$"
        owner["librdkafka"] = "^common/io/kafka([.]c|_[a-z_]*[.][ch])$"
        owner["curl"]       = "^common/io/http([.]c|_[a-z_]*[.][ch])$"
        owner["cjson"]      = "^common/io/json[.]c$"
        owner["csv"]        = "^common/io/cells[.]c$"
        owner["openssl"]    = "^common/io/seal[.]c$|^common/loop/stream[.]c$"
        owner["event2"]     = "^common/loop/[a-z_]*[.]c$"
        alone["hiredis.h"] = "hiredis"; alone["cJSON.h"] = "cjson"; alone["csv.h"] = "csv"; alone["event.h"] = "event2"
        alone["evhttp.h"] = "event2"; alone["evdns.h"] = "event2"; alone["rdkafka.h"] = "librdkafka"
        banned = "(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|strtok_r|gets|atoi|atol|atoll|atof" \
                 "|strdup|strndup|malloc|calloc|realloc|reallocarray|asprintf|vasprintf|alloca)"
    }

    function bad(what) {
        print FILENAME ":" FNR ": " what
        failed = 1
    }

    # What a header includes, whoever includes the header gets.
    function check_shown(    i, changed, path, part) {
        do {
            changed = 0
            for (i = 1; i <= includes; i++) {
                path = "common/" included[i]
                if (!(path in shows))
                    continue
                part = shows[path]
                if (includer[i] !~ owner[part]) {
                    if (!(i in told))
                        print place[i] ": \"" included[i] "\" shows <" part "> and is for its own files"
                    told[i] = failed = 1
                } else if (includer[i] ~ /[.]h$/ && !(includer[i] in shows)) {
                    shows[includer[i]] = part
                    changed            = 1
                }
            }
        } while (changed)
    }

    function check_include(line,    path, part, from) {
        path = line
        sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", path)
        sub(/[>"].*$/, "", path)
        if (path ~ /^[.][.]?\//)
            bad("include \"" path "\" by a relative path")
        part = path
        if (path in alone)
            part = alone[path]
        else
            sub(/\/.*$/, "", part)
        if (part in owner && FILENAME !~ owner[part])
            bad("foreign header <" path ">")
        else if (part in owner && FILENAME ~ /[.]h$/)
            shows[FILENAME] = part
        includer[++includes] = FILENAME
        included[includes]   = path
        place[includes]      = FILENAME ":" FNR
        if (!(part in rank) || path !~ /\//)
            return
        from = FILENAME
        sub(/^common\//, "", from)
        sub(/\/.*$/, "", from)
        if (rank[part] > rank[from] || (rank[part] > layers && part != from))
            bad("wrong arrow: " from " includes \"" path "\"")
        else if (part == "producer")
            check_within(path)
    }

    # how high a file or an include stands within the producer: tool, job, a folder of verbs, the command itself
    function height(folder) {
        return folder ~ /[.]/ ? 4 : folder in inner ? inner[folder] : 3
    }

    function check_within(path,    from, to) {
        from = FILENAME
        to   = path
        sub(/^producer\//, "", from)
        sub(/^producer\//, "", to)
        sub(/\/.*$/, "", from)
        sub(/\/.*$/, "", to)
        if (height(to) > height(from) || (height(to) == 3 && height(from) == 3 && to != from))
            bad("wrong arrow: producer/" from " includes \"" path "\"")
    }

    function code_of(line,    at, end) {
        if (in_comment) {
            end = index(line, "*/")
            if (!end)
                return ""
            line       = substr(line, end + 2)
            in_comment = 0
        }
        gsub(/\047(\\.|[^\047\\])\047/, "0", line)
        gsub(/"(\\.|[^"\\])*"/, "\"\"", line)
        while ((at = index(line, "/*")) && !(index(line, "//") && index(line, "//") < at)) {
            end = index(substr(line, at + 2), "*/")
            if (!end) {
                in_comment = 1
                return substr(line, 1, at - 1)
            }
            line = substr(line, 1, at - 1) " " substr(line, at + 2 + end + 1)
        }
        sub(/\/\/.*/, "", line)
        return line
    }

    function check_calls(line,    word) {
        if (!match(line, "(^|[^A-Za-z0-9_.>])" banned "[ \t]*[(]"))
            return
        word = substr(line, RSTART, RLENGTH)
        gsub(/[^A-Za-z0-9_]/, "", word)
        bad("banned function " word)
    }

    function end_file() {
        if (file != "" && lines > 600)
            print "advice: " file ": " lines " lines"
    }

    FNR == 1 {
        end_file()
        file       = FILENAME
        in_comment = 0
        opened     = 0
        before     = ""
    }
    { lines = FNR }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ { check_include($0) }
    FILENAME !~ /^common\/base\// { check_calls(code_of($0)) }
    /^{/ && before ~ /[)]/ { opened = FNR }
    /^}/ && opened {
        if (FNR - opened + 1 > 60)
            print "advice: " FILENAME ":" opened ": a function of " FNR - opened + 1 " lines"
        opened = 0
    }
    /[^ \t]/ { before = $0 }
    END {
        end_file()
        check_shown()
        exit failed
    }'
}

check_marks() {
    local part found=0
    for part in "${parts[@]}" tests deploy cmake CMakeLists.txt; do
        [[ -e $part ]] || continue
        if grep -rnIE --exclude=rules.sh '\b(TODO|FIXME|XXX)\b' "$part" | sed 's/^\([^:]*:[0-9]*\):.*/\1: unfinished/' |
            grep .; then
            found=1
        fi
    done
    return "$found"
}

check_all() {
    local failed=0
    cd "$1"
    check_sources || failed=1
    check_marks || failed=1
    return "$failed"
}

# expect FILE LINE: with this line FILE is found fault with, at line 2
expect() {
    local file=$1 line=$2 output
    mkdir -p "$(dirname "$file")"
    printf '// planted\n%s\n' "$line" >"$file"
    if output=$("$self" "$PWD"); then
        echo "self-test: not noticed: $file: $line" >&2
        failures=$((failures + 1))
    elif ! grep -qF "$file:2: " <<<"$output"; then
        echo "self-test: failed without naming $file:2: $line" >&2
        failures=$((failures + 1))
    fi
    rm "$file"
}

# allow FILE LINE: with this line FILE is not found fault with
allow() {
    local file=$1 line=$2 output
    mkdir -p "$(dirname "$file")"
    printf '// planted\n%s\n' "$line" >"$file"
    output=$("$self" "$PWD") || true
    if grep -qF "$file:2: " <<<"$output"; then
        echo "self-test: wrongly refused: $file: $line" >&2
        failures=$((failures + 1))
    fi
    rm "$file"
}

self_test() {
    local root copy word
    failures=0
    root=$(dirname "$(dirname "$self")")
    copy=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$copy'" EXIT
    for word in "${parts[@]}"; do
        [[ -d $root/$word ]] && cp -r "$root/$word" "$copy/"
    done
    cd "$copy"
    expect common/base/planted.c '#include "loop/loop.h"'
    expect common/loop/planted.c '#include "io/json.h"'
    expect common/io/planted.c '#include "tiktok/api.h"'
    expect common/tiktok/planted.h '#include "job/store.h"'
    expect common/job/planted.c '#include "worker/claim.h"'
    expect worker/planted.c '#include "poller/poll.h"'
    expect poller/planted.c '#include "producer/main.h"'
    expect producer/planted.c '#include "../worker/claim.h"'
    expect producer/tool/planted.c '#include "producer/job/view.h"'
    expect producer/job/planted.c '#include "producer/send/post.h"'
    expect producer/account/planted.c '#include "producer/tell/telling.h"'
    expect producer/status/planted.c '#include "producer/command.h"'
    allow producer/tell/planted.c '#include "producer/job/view.h"'
    allow producer/planted.c '#include "producer/help/help.h"'
    allow worker/planted.c '#include "worker/planted.h"'
    allow poller/planted.c '#include "job/store.h"'
    expect common/io/planted.c '#include <hiredis/hiredis.h>'
    expect common/io/planted.c '#include <hiredis.h>'
    expect worker/planted.c '#include <librdkafka/rdkafka.h>'
    expect common/tiktok/planted.c '#include <curl/curl.h>'
    expect common/io/json_planted.c '#include <cjson/cJSON.h>'
    expect common/io/planted.c '#include <openssl/evp.h>'
    expect common/io/planted.c '#include <event2/event.h>'
    expect common/loop/planted.h '#include <event2/event.h>'
    allow common/loop/planted.c '#include <event2/event.h>'
    allow common/io/redis_planted.c '#include <hiredis/hiredis.h>'
    allow common/io/http_planted.h '#include <curl/curl.h>'
    mkdir -p common/io
    echo '#include <curl/curl.h>' >common/io/http_shown.h
    expect worker/planted.c '#include "io/http_shown.h"'
    allow common/io/http_planted.c '#include "io/http_shown.h"'
    rm common/io/http_shown.h
    for word in strcpy strcat strncpy sprintf vsprintf strtok atoi atol strdup malloc calloc realloc; do
        expect worker/planted.c "    x = $word (y);"
        allow common/base/planted.c "    x = $word(y);"
    done
    allow worker/planted.c '    free(x); xmalloc(y); x->malloc(z); /* malloc(1) */ f("malloc(2)"); // malloc(3)'
    expect worker/planted.c '    f("quoted \" /* "); p = malloc(2);'
    expect common/io/planted.c "// TO""DO: later"
    expect tests/planted.py "# FIX""ME"
    [[ $failures -eq 0 ]] || return 1
    echo "rules: the self-test found every planted violation"
}

if [[ ${1-} == --self-test ]]; then
    self_test
else
    check_all "${1-$(dirname "$(dirname "$self")")}"
fi

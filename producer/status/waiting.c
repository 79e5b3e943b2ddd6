// SPDX-License-Identifier: Apache-2.0
/* Who waits, and how long already. There is no list of the waiting accounts that would hold the
 * parked and the unknown ones, too, so the keys are scanned, for a bounded time: with very many
 * keys the figures are a lower bound. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "loop/clock.h"
#include "producer/status/status.h"
#include "producer/tool/scan.h"

enum { SCAN_MS = 1500, BATCH = 64 };

static const double RANK = 1e13;  // of one priority; _job.lua: rank()

// one key on the way through its priorities
struct place {
    struct str key;      // whole; borrowed from the scan's reply
    struct str name;     // behind its colon
    bool       unknown;  // else a queue
    bool       counted;  // of an unknown: ZCARD was asked for
    bool       done;
    char       from[SCAN_CURSOR_BYTES];  // lowest rank to look at next
};

static void note_oldest(struct status *status, const struct place *place, int64_t message_ms)
{
    if (status->oldest_ms && status->oldest_ms <= message_ms)
        return;
    status->oldest_ms = message_ms;
    snprintf(status->oldest_account, sizeof status->oldest_account, "%.*s", STR_ARG(place->name));
}

static bool asks_count(const struct place *place)
{
    return place->unknown && !place->counted;
}

static void ask_place(struct ask *ask, const struct place *place)
{
    const char *const words[] = { place->from, "+inf", "BYSCORE", "LIMIT", "0", "1", "WITHSCORES" };
    redis_reply_fini(&ask->reply);
    ask->argv[0] = asks_count(place) ? STR("ZCARD") : STR("ZRANGE");
    ask->argv[1] = place->key;
    ask->argc    = 2;
    for (size_t i = 0; !asks_count(place) && i < COUNT_OF(words); i++)
        ask_add(ask, words[i]);
}

// The first of a priority is its oldest; the next question begins behind that priority.
static void take_place(struct status *status, struct place *place, const struct answer *answer)
{
    double score;
    if (asks_count(place)) {
        status->unknown_accounts++;
        status->unknown_jobs += answer->number;
        place->counted = true;
    } else if (!str_to_double(answer_item(answer, 1), &score) || score < 0 || score > 1e15) {
        place->done = true;
    } else if (place->unknown) {
        note_oldest(status, place, (int64_t)score);
        place->done = true;
    } else {
        int64_t priority = (int64_t)(score / RANK);
        note_oldest(status, place, (int64_t)(score - (double)priority * RANK));
        snprintf(place->from, sizeof place->from, "%" PRIi64 "0000000000000", priority + 1);
    }
}

static bool look_into(struct tool *tool, struct place *places, size_t count, struct status *status,
                      struct error *err)
{
    struct ask asks[BATCH];
    bool       ok = true;
    memset(asks, 0, sizeof asks);
    for (size_t left = count; ok && left;) {
        struct place *asked[BATCH];
        size_t        n = 0;
        for (size_t i = 0; i < count; i++)
            if (!places[i].done) {
                asked[n] = &places[i];
                ask_place(&asks[n++], &places[i]);
            }
        ok = n == 0 || tool_ask(tool, asks, n, err);
        for (size_t i = 0; ok && i < n; i++)
            take_place(status, asked[i], &asks[i].reply.answer);
        left = n;
    }
    asks_fini(asks, BATCH);
    return ok;
}

// false: neither queue nor unknown
static bool place_of(struct tool *tool, const struct ask *page, size_t i, struct place *place)
{
    struct str rest = scan_id(tool, page, i, ""), what;
    *place          = (struct place){ .key = answer_item(scan_keys(page), i), .from = "-inf" };
    if (!str_cut(&rest, ':', &what) || !rest.p)
        return false;
    place->name    = rest;
    place->unknown = str_is(what, "unknown");
    return place->unknown || str_is(what, "queue");
}

static bool take_keys(struct tool *tool, const struct ask *page, struct status *status,
                      struct error *err)
{
    struct place places[BATCH];
    size_t       count = 0;
    for (size_t i = 0; i < scan_keys(page)->count; i++) {
        if (place_of(tool, page, i, &places[count]))
            count++;
        if (count == BATCH || (count && i + 1 == scan_keys(page)->count)) {
            if (!look_into(tool, places, count, status, err))
                return false;
            count = 0;
        }
    }
    return true;
}

bool status_waiting(struct tool *tool, struct status *status, struct error *err)
{
    char    cursor[SCAN_CURSOR_BYTES] = "0";
    int64_t until                     = clock_monotonic_ms() + SCAN_MS;
    bool    ok                        = true;
    status->scanned_all               = true;
    if (!status->count[JOB_QUEUED])
        return true;
    do {
        struct ask ask = { 0 };
        // queue:<account>, unknown:<text>
        ok = scan_page(tool, "[qu]*:*", cursor, &ask, err) && take_keys(tool, &ask, status, err);
        asks_fini(&ask, 1);
    } while (ok && strcmp(cursor, "0") != 0 && clock_monotonic_ms() < until);
    status->scanned_all = strcmp(cursor, "0") == 0;
    return ok;
}

// SPDX-License-Identifier: Apache-2.0
// tokfleet account reseal: moves all tokens to the first of TOKFLEET_TOKEN_KEYS, so that an
// old key can be taken out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/account/change.h"
#include "producer/tool/scan.h"
#include "producer/tool/verb.h"

enum { SEALED_MAX_BYTES = 32 * 1024, TRIES = 3 };

struct reseal_options {
    bool json;
};

static const struct flag flags[] = {
    { "json", FLAG_YES, NULL, offsetof(struct reseal_options, json),
      .help = "print one JSON object" },
};

struct resealing {
    struct tool       *tool;  // borrowed
    struct tiktok_side side;
    char               first[64];  // id of the first key
    uint64_t           moved;
    uint64_t           there;    // had it already
    uint64_t           without;  // tokens: removed accounts
    uint64_t           failed;
};

static void find_first(const char *keys, char first[64])
{
    struct str rest = str_of(keys), id = { 0 };
    if (str_cut(&rest, ':', &id))
        id = str_trim(id);
    snprintf(first, 64, "%.*s:", STR_ARG(id));
}

static bool seal_anew(struct resealing *r, struct account_change *change, struct error *err)
{
    struct account_record *record = &change->record;
    struct buf             access, refresh, sealed;
    if (!account_unseal_pair(r->side.seal, r->tool->config.fleet, record->open_id, record->sealed,
                             &access, &refresh, err))
        return false;
    buf_init(&sealed, SEALED_MAX_BYTES);
    bool ok = account_seal_pair(r->side.seal, r->tool->config.fleet, record->open_id,
                                buf_str(&access), buf_str(&refresh), &sealed, err);
    if (ok)
        record->sealed = arena_copy(&change->arena, buf_str(&sealed));
    buf_wipe(&access);
    buf_wipe(&refresh);
    buf_fini(&sealed);
    return ok && change_write(change, err);
}

// somebody may refresh it at the same time: read and tried again then
static bool reseal(struct resealing *r, const char *open_id, struct error *err)
{
    for (int i = 0; i < TRIES; i++) {
        struct account_change change = { .tool = r->tool, .side = &r->side };
        bool                  ok     = change_read(&change, open_id, err);
        bool                  done   = ok;
        if (ok && !change.record.sealed.len)
            r->without++;
        else if (ok && str_starts(change.record.sealed, r->first))
            r->there++;
        else if (ok && (done = seal_anew(r, &change, err)))
            r->moved++;
        change_fini(&change);
        if (done)
            return true;
        if (!ok || err->code != ERR_REFUSED)
            return false;
    }
    return false;
}

// err is set only when going on makes no sense
static bool reseal_page(struct resealing *r, const struct ask *page, struct error *err)
{
    for (size_t i = 0; i < scan_keys(page)->count; i++) {
        struct str   id = scan_id(r->tool, page, i, "token:");
        char         open_id[OPEN_ID_MAX + 1];
        struct error why;
        if (!id.len || id.len > OPEN_ID_MAX)
            continue;
        snprintf(open_id, sizeof open_id, "%.*s", STR_ARG(id));
        if (reseal(r, open_id, &why))
            continue;
        if (why.code != ERR_SEALED && why.code != ERR_REFUSED) {
            *err = why;
            return false;
        }
        r->failed++;
        out_printf(&r->tool->err, "%s: %s\n", open_id, why.message);
    }
    return true;
}

static bool reseal_all(struct resealing *r, struct error *err)
{
    char cursor[SCAN_CURSOR_BYTES] = "0";
    do {
        struct ask ask = { 0 };
        bool ok = scan_page(r->tool, "token:*", cursor, &ask, err) && reseal_page(r, &ask, err);
        asks_fini(&ask, 1);
        if (!ok)
            return false;
    } while (strcmp(cursor, "0") != 0);
    return true;
}

static void print_summary(const struct resealing *r, bool as_json)
{
    struct out *out = &r->tool->out;
    if (!as_json) {
        out_printf(out,
                   "resealed with key %.*s: %" PRIu64 "; had it already: %" PRIu64
                   "; could not be opened: %" PRIu64 "\n",
                   (int)strlen(r->first) - 1, r->first, r->moved, r->there, r->failed);
        return;
    }
    struct json *object = json_object();
    json_set_text(object, "key", (struct str){ r->first, strlen(r->first) - 1 });
    json_set_i64(object, "resealed", (int64_t)r->moved);
    json_set_i64(object, "had_it", (int64_t)r->there);
    json_set_i64(object, "failed", (int64_t)r->failed);
    out_json(out, object);
    json_free(object);
}

static int run_reseal(struct tool *tool, const void *options_read, char *const *operands,
                      int operand_count)
{
    const struct reseal_options *options = options_read;
    struct resealing             r       = { .tool = tool };
    struct error                 err;
    int                          code = END_WELL;
    (void)operands, (void)operand_count;
    if (!side_open_kept(tool, &r.side, &err)) {
        code = tool_fail(tool, &err);
    } else {
        find_first(tool->config.token_keys, r.first);
        if (!reseal_all(&r, &err))
            code = tool_fail(tool, &err);
        print_summary(&r, options->json);
        if (r.failed && code == END_WELL)
            code = END_BAD;
    }
    side_close(&r.side);
    return code;
}

const struct verb verb_account_reseal = {
    .name          = "account reseal",
    .operands      = "",
    .summary       = "seal all tokens anew, to take an old key out of use",
    .json          = "one object: key, resealed, had_it, failed",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct reseal_options),
    .run           = run_reseal,
    .text =
        "New tokens are sealed with the first of TOKFLEET_TOKEN_KEYS and opened with any. To\n"
        "change the key: put the new one first everywhere and restart; reseal; when it tells 0\n"
        "failures, take the old one out. Each account is kept on Kafka, then in Redis. What\n"
        "cannot be opened is named with the reason and stays as it is.\n\n"
        "  export TOKFLEET_TOKEN_KEYS=\"k2:...,k1:...\"\n"
        "  tokfleet account reseal",
};

// SPDX-License-Identifier: Apache-2.0
/* A line of tokens, and a record of <fleet>.accounts: a record that was read is written and read as
 * the same; no error about tokens shows one. */
#include <string.h>

#include "base/memory.h"
#include "fuzz.h"
#include "io/json.h"
#include "job/account.h"

static void check_record(const struct account_record *record)
{
    struct account_record again;
    struct arena          arena = { 0 };
    struct buf            value;
    struct error          err;
    account_record_encode(record, &value);
    if (!value.full) {
        bool ok = account_record_decode(buf_str(&value), &again, &arena, &err);
        assert(ok && again.rev == record->rev && again.alias_count == record->alias_count);
        assert(str_eq(again.open_id, record->open_id) && str_eq(again.scopes, record->scopes));
        assert(str_eq(again.status, record->status) && str_eq(again.sealed, record->sealed));
        assert(again.expires_at_ms == record->expires_at_ms);
        assert(again.refresh_expires_at_ms == record->refresh_expires_at_ms);
        for (size_t i = 0; i < again.alias_count; i++)
            assert(str_eq(again.aliases[i], record->aliases[i]));
    }
    buf_fini(&value);
    arena_fini(&arena);
}

// an error names fields, and shows none of the values; a key may be any text
static void check_secrets(struct str input, const struct error *err)
{
    struct str   marker = STR("0123456789abcdef");
    struct error ignored;
    struct json *json = json_parse(input, 16384, 4, &ignored);
    if (fuzz_holds(json_text(json_get(json, "access_token")), marker) ||
        fuzz_holds(json_text(json_get(json, "refresh_token")), marker))
        assert(!fuzz_holds(str_of(err->message), marker));
    json_free(json);
}

FUZZ(account)
{
    struct account_tokens tokens;
    struct account_record record;
    struct arena          arena = { 0 };
    struct error          err;
    if (account_tokens_decode(input, &tokens, &err)) {
        assert(tokens.open_id.len && tokens.access_token.len && tokens.refresh_token.len);
        assert(tokens.expires_in_s >= 0 && tokens.refresh_expires_in_s >= 0);
        assert(!tokens.alias.len || (tokens.alias.len >= 2 && tokens.alias.p[0] == '@'));
        account_tokens_fini(&tokens);
    } else {
        fuzz_check_message(err.message);
        check_secrets(input, &err);
    }
    if (account_record_decode(input, &record, &arena, &err))
        check_record(&record);
    else
        fuzz_check_message(err.message);
    arena_fini(&arena);
}

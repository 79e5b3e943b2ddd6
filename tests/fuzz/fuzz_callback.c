// SPDX-License-Identifier: Apache-2.0
/* What a browser brings back from TikTok, or a person pastes: one reading of it or none, and no
 * code in a message. Whatever was decoded is the same after it was encoded again. */
#include <string.h>

#include "fuzz.h"
#include "tiktok/consent.h"

static void check_again(const char *name, struct str value)
{
    struct consent_callback again;
    struct arena            arena = { 0 };
    struct buf              query;
    struct error            err;
    buf_init(&query, CONSENT_CALLBACK_BYTES * 4);
    buf_printf(&query, "%s=", name);
    buf_add_url(&query, value);
    if (!query.full && query.len <= CONSENT_CALLBACK_BYTES && value.len) {
        bool ok = consent_callback_decode(buf_str(&query), &again, &arena, &err);
        assert(ok && str_eq(strcmp(name, "code") == 0 ? again.code : again.error, value));
    }
    buf_wipe(&query);
    arena_wipe(&arena);
}

FUZZ(callback)
{
    struct consent_callback callback;
    struct redirect         redirect;
    struct arena            arena = { 0 };
    struct error            err;
    if (consent_callback_decode(input, &callback, &arena, &err)) {
        assert(callback.code.len || callback.error.len);
        check_again("code", callback.code);
        check_again("error", callback.error);
    } else {
        fuzz_check_message(err.message);
        // names of parameters stand in messages, and a code may be one
        struct str names = STR("the callback error_description");
        if (callback.code.len > 8 && !fuzz_holds(names, callback.code))
            assert(!strstr(err.message, callback.code.p));
    }
    const char *uri = arena_text(&arena, input);
    if (redirect_parse(uri, "", &redirect, &err)) {
        struct buf shown;
        buf_init(&shown, CONSENT_REDIRECT_BYTES);
        bool fits = consent_redirect(&redirect, 65535, "", &shown);
        assert(fits && (redirect.any_port || str_is(buf_str(&shown), uri)));
        assert(!consent_wants_pkce(buf_str(&shown)) || redirect.loopback);
        buf_fini(&shown);
    } else {
        fuzz_check_message(err.message);
    }
    arena_wipe(&arena);
}

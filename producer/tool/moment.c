// SPDX-License-Identifier: Apache-2.0
#include "producer/tool/moment.h"

#include "job/job.h"
#include "loop/clock.h"
#include "producer/tool/flags.h"

bool moment_since(const char *text, int64_t now_ms, int64_t *since_ms, struct error *err)
{
    int64_t ago_ms;
    if (flags_parse_ms(text, &ago_ms)) {
        *since_ms = now_ms - ago_ms;
        return true;
    }
    return time_parse(str_of(text), since_ms, err) ||
           error_set(
               err, ERR_SETTING,
               "--since %.60s: 15m (ago), or a moment like 2026-12-01T18:30:00+01:00 is wanted",
               text);
}

bool moment_set(struct json *object, const char *key, const char *flag, const char *text,
                int64_t now_ms, struct error *err)
{
    int64_t ms;
    if (!text)
        return true;
    if (text[0] != '+') {
        if (!time_parse(str_of(text), &ms, err))
            return error_wrap(err, "%s", flag);
        json_set_text(object, key, str_of(text));
        return true;
    }
    if (!flags_parse_ms(text + 1, &ms) || ms > INT64_C(3650) * 86400000)
        return error_set(err, ERR_INPUT,
                         "%s: \"%.60s\" is no time: +30m, +2h and 2026-12-01T18:30:00+01:00 are",
                         flag, text);
    char written[CLOCK_TEXT_BYTES];
    clock_format(now_ms + ms, written);
    json_set_text(object, key, str_of(written));
    return true;
}

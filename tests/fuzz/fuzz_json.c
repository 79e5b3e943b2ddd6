// SPDX-License-Identifier: Apache-2.0
/* JSON of anybody: what was printed of it reads as the same again, and nothing is deeper or longer
 * than allowed. Once more than it is written: 1234567890123456.9 is printed as a whole number, and
 * one of 16 digits is a text. */
#include "fuzz.h"
#include "io/json.h"

enum { MAX_BYTES = 16 * 1024, MAX_DEPTH = 6 };

static int depth_of(const struct json *json)
{
    int deepest = 0;
    if (!json_is_array(json) && !json_is_object(json))
        return 0;
    for (const struct json *child = json_at(json, 0); child; child = json_next(child))
        if (depth_of(child) > deepest)
            deepest = depth_of(child);
    return deepest + 1;
}

static void check_texts(const struct json *json)
{
    size_t  units;
    int64_t number;
    if (json_is_text(json))
        assert(str_utf16_units(json_text(json), &units));
    if (json_is_number(json) && json_i64(json, &number))
        assert(number >= -(INT64_C(1) << 53) && number <= INT64_C(1) << 53);
    if (json_is_array(json) || json_is_object(json))
        for (const struct json *child = json_at(json, 0); child; child = json_next(child))
            check_texts(child);
}

// parsed and printed: the caller's; false when it is no JSON
static bool reprint(struct str text, struct buf *out)
{
    struct error err;
    struct json *json = json_parse(text, MAX_BYTES * 8, MAX_DEPTH, &err);
    buf_init(out, MAX_BYTES * 8);
    if (!json) {
        fuzz_check_message(err.message);
        return false;
    }
    assert(depth_of(json) <= MAX_DEPTH);
    check_texts(json);
    json_print(json, out);
    assert(!out->full);
    json_free(json);
    return true;
}

FUZZ(json)
{
    struct buf printed[3] = { 0 };
    if (input.len <= MAX_BYTES && reprint(input, &printed[0])) {
        bool again = reprint(buf_str(&printed[0]), &printed[1]) &&
                     reprint(buf_str(&printed[1]), &printed[2]);
        assert(again && str_eq(buf_str(&printed[1]), buf_str(&printed[2])));
    }
    for (int i = 0; i < 3; i++)
        buf_fini(&printed[i]);
}

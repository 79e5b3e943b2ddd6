// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_io
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"

enum { DEPTH = 8, BYTES = 1 << 20 };

static struct json *parsed(const char *text)
{
    struct error err;
    struct json *json = json_parse(str_of(text), BYTES, DEPTH, &err);
    if (!json)
        fail_msg("%s: %s", text, err.message);
    return json;
}

static void assert_refused(struct str text, const char *why)
{
    struct error err;
    struct json *json = json_parse(text, BYTES, DEPTH, &err);
    if (json)
        fail_msg("taken: %.*s", STR_ARG(text));
    assert_int_equal(err.code, ERR_INPUT);
    if (!strstr(err.message, why))
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
}

static void assert_printed(const struct json *json, const char *wanted)
{
    struct buf out;
    buf_init(&out, BYTES);
    json_print(json, &out);
    assert_false(out.full);
    assert_string_equal(buf_text(&out), wanted);
    buf_fini(&out);
}

TEST(an_object_is_read)
{
    struct json *json =
        parsed(" {\"a\": \"x\\u00e9\\n\", \"b\": [1, -2.5, true, null], \"c\": {\"d\": 3}}\r\n");
    assert_str(json_text(json_get(json, "a")), "x\xC3\xA9\n");
    assert_int_equal(json_count(json_get(json, "b")), 4);
    assert_true(json_bool(json_at(json_get(json, "b"), 2), false));
    assert_true(json_is_null(json_at(json_get(json, "b"), 3)));
    int64_t n = 0;
    assert_true(json_i64(json_get(json_get(json, "c"), "d"), &n));
    assert_int_equal(n, 3);
    json_free(json);
}

TEST(members_are_walked_in_their_order)
{
    struct json *json  = parsed("{\"a\":1,\"b\":2,\"c\":3}");
    const char  *names = "abc";
    for (const struct json *member = json_at(json, 0); member; member = json_next(member))
        assert_int_equal(json_key(member)[0], *names++);
    assert_int_equal(*names, '\0');
    assert_string_equal(json_key(json_at(json, 2)), "c");
    assert_null(json_at(json, 3));
    json_free(json);
}

TEST(what_is_absent_is_nothing_of_every_kind)
{
    int64_t n = 0;
    assert_null(json_get(NULL, "a"));
    assert_null(json_at(NULL, 0));
    assert_null(json_next(NULL));
    assert_null(json_key(NULL));
    assert_int_equal(json_count(NULL), 0);
    assert_false(json_is_object(NULL) || json_is_array(NULL) || json_is_null(NULL) ||
                 json_is_text(NULL));
    assert_false(json_is_bool(NULL) || json_is_number(NULL) || json_i64(NULL, &n));
    assert_int_equal(json_text(NULL).len, 0);
    assert_true(json_bool(NULL, true));
    assert_string_equal(json_kind(NULL), "nothing");
    json_free(NULL);
}

TEST(a_whole_number_of_more_than_15_digits_is_text)
{
    struct json *json = parsed(
        "[7412345678901234567, -7412345678901234567, 123456789012345, \"1234567890123456\"]");
    assert_str(json_text(json_at(json, 0)), "7412345678901234567");
    assert_str(json_text(json_at(json, 1)), "-7412345678901234567");
    assert_true(json_is_number(json_at(json, 2)));
    int64_t n = 0;
    assert_true(json_i64(json_at(json, 0), &n));
    assert_true(n == 7412345678901234567);
    assert_true(json_i64(json_at(json, 2), &n));
    assert_true(n == 123456789012345);
    json_free(json);
}

TEST(digits_inside_a_text_or_a_fraction_are_left_alone)
{
    struct json *json = parsed("{\"1234567890123456789\": \"a \\\"1234567890123456789\", \"b\": "
                               "1.2345678901234567890, \"c\": 1e3}");
    assert_str(json_text(json_get(json, "1234567890123456789")), "a \"1234567890123456789");
    assert_true(json_is_number(json_get(json, "b")));
    int64_t n = 0;
    assert_false(json_i64(json_get(json, "b"), &n));
    assert_true(json_i64(json_get(json, "c"), &n));
    assert_int_equal(n, 1000);
    json_free(json);
}

TEST(what_is_not_json_is_refused)
{
    const char *const bad[] = {
        "",        " ",         "{",           "[1,]",        "{\"a\":1,}", "{a:1}",     "'a'",
        "[1] x",   "[1][2]",    "01",          "+1",          "1.",         ".5",        "1e",
        "-",       "0x10",      "NaN",         "Infinity",    "tru",        "\"a",       "\"a\\",
        "\"\\q\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "[1 2]",      "{\"a\" 1}", "\"a\tb\"",
        "[1]\v",   "]",         "{]",          "// x\n1",     "1e999",      "\xEF\xBB",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_refused(str_of(bad[i]), "JSON: ");
}

TEST(a_zero_byte_is_refused_in_every_form)
{
    assert_refused(STR("{\"a\":\"x\\u0000y\"}"), "\\u0000");
    assert_refused(STR("{\"a\\u0000\":1}"), "\\u0000");
    assert_refused(STR("{\"a\":\"x\0y\"}"), "control character");
    assert_refused(STR("{}\0"), "control character");
    struct json *json = parsed("\"\\\\u0000\"");
    assert_str(json_text(json), "\\u0000");
    json_free(json);
}

TEST(a_key_that_stands_twice_is_refused_at_any_level)
{
    assert_refused(STR("{\"a\":1,\"b\":2,\"a\":3}"), "\"a\" stands twice");
    assert_refused(STR("[{\"x\":{\"k\":1,\"\\u006b\":2}}]"), "\"k\" stands twice");
    struct json *json = parsed("{\"a\":1,\"A\":{\"a\":2}}");
    json_free(json);
}

TEST(what_is_not_utf8_is_refused)
{
    assert_refused(STR("\"\xFF\""), "UTF-8");
    assert_refused(STR("\"\xED\xA0\x80\""), "UTF-8");
}

TEST(size_and_depth_are_bounded_before_parsing)
{
    struct error err;
    assert_null(json_parse(STR("[1,2]"), 4, DEPTH, &err));
    assert_string_equal(err.message, "JSON: 5 bytes, more than 4");
    struct json *json = parsed("[[[[[[[[1]]]]]]]]");
    json_free(json);
    assert_refused(STR("[[[[[[[[[1]]]]]]]]]"), "too deep at byte 8");
    assert_refused(STR("{\"a\":[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]}"), "too deep");
    assert_null(json_parse(STR("[]"), 99, 0, &err));
    json = json_parse(STR("7"), 99, 0, &err);
    assert_non_null(json);
    json_free(json);
}

TEST(many_keys_take_little_time)
{
    struct buf   text;
    struct error err;
    buf_init(&text, BYTES);
    buf_add_char(&text, '{');
    for (int i = 0; i < 50000; i++)
        buf_printf(&text, "%s\"%d\":1", i ? "," : "", i);
    buf_add_char(&text, '}');
    struct json *json = json_parse(buf_str(&text), BYTES, DEPTH, &err);
    assert_non_null(json);
    assert_int_equal(json_count(json), 50000);
    json_free(json);
    buf_fini(&text);
}

TEST(kinds_have_names)
{
    struct json      *json    = parsed("[{}, [], \"\", true, 1, null]");
    const char *const names[] = { "an object",     "an array", "text",
                                  "true or false", "a number", "null" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(json_kind(json_at(json, i)), names[i]);
    json_free(json);
}

TEST(a_tree_is_written)
{
    struct json *json  = json_object();
    struct json *array = json_array();
    struct json *child = json_object();
    json_add_text(array, STR("x\"\n"));
    json_add(array, &child);
    assert_null(child);
    json_set(json, "list", &array);
    json_set_text(json, "text", STR("\xC3\xA9"));
    json_set_bool(json, "yes", true);
    json_set_null(json, "none");
    json_set_raw(json, "raw", STR("{\"post\":7412345678901234567}"));
    assert_printed(json,
                   "{\"list\":[\"x\\\"\\n\",{}],\"text\":\"\xC3\xA9\",\"yes\":true,\"none\":null,"
                   "\"raw\":{\"post\":7412345678901234567}}");
    json_free(json);
}

TEST(whole_numbers_are_written_digit_by_digit)
{
    struct json *json = json_object();
    json_set_i64(json, "a", 0);
    json_set_i64(json, "b", 1796146200123);
    json_set_i64(json, "c", -999999999999999);
    json_set_i64(json, "d", 1000000000000000);
    json_set_i64(json, "e", 9007199254740992);
    json_set_i64(json, "f", 9007199254740993);
    json_set_i64(json, "g", INT64_MIN);
    assert_printed(
        json, "{\"a\":0,\"b\":1796146200123,\"c\":-999999999999999,\"d\":1000000000000000,"
              "\"e\":9007199254740992,\"f\":\"9007199254740993\",\"g\":\"-9223372036854775808\"}");
    json_free(json);
}

TEST(setting_a_key_again_replaces_it)
{
    struct json *json = json_object();
    json_set_i64(json, "a", 1);
    json_set_i64(json, "A", 2);
    json_set_text(json, "a", STR("x"));
    assert_printed(json, "{\"a\":\"x\",\"A\":2}");
    json_free(json);
}

TEST(a_written_text_loses_what_json_cannot_hold)
{
    struct json *json = json_object();
    json_set_text(json, "a", STR("a\xFF\0z"));
    json_set_text(json, "b", (struct str){ 0 });
    assert_printed(json, "{\"a\":\"a\xEF\xBF\xBD\xEF\xBF\xBDz\",\"b\":\"\"}");
    json_free(json);
}

TEST(what_does_not_fit_is_said_to_be_not_whole)
{
    struct json *json = parsed("{\"metadata\":{\"order\":991,\"x\":[1.5]}}");
    struct buf   out;
    buf_init(&out, 100);
    json_print_value(json_get(json, "metadata"), &out);
    assert_string_equal(buf_text(&out), "{\"order\":991,\"x\":[1.5]}");
    buf_fini(&out);
    buf_init(&out, 5);
    json_print_value(json_get(json, "metadata"), &out);
    assert_true(out.full);
    buf_fini(&out);
    json_free(json);
}

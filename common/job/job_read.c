// SPDX-License-Identifier: Apache-2.0
#include "job/job_read.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_UNITS = 40, VALUE_BYTES = 200 };

struct field field_of(const struct json *object, const char *prefix, const char *key)
{
    struct field field = { .value = json_get(object, key) };
    if (json_is_null(field.value))
        field.value = NULL;
    size_t before = strlen(prefix);
    size_t behind = strlen(key);
    assert(before + behind < sizeof field.name);
    memcpy(field.name, prefix, before);
    memcpy(field.name + before, key, behind + 1);
    return field;
}

// What stands there, cut, with its kind: people send "5" where 5 is meant.
static void value_describe(const struct json *value, char out[VALUE_BYTES])
{
    if (json_is_text(value)) {
        struct str text = json_text(value);
        struct str cut  = str_utf8_prefix(text, VALUE_UNITS);
        snprintf(out, VALUE_BYTES, "the text \"%.*s%s\"", STR_ARG(cut),
                 cut.len < text.len ? "..." : "");
    } else if (json_is_number(value) || json_is_bool(value)) {
        struct buf printed;
        buf_init(&printed, VALUE_UNITS);
        json_print_value(value, &printed);
        snprintf(out, VALUE_BYTES, "%s", printed.full ? json_kind(value) : buf_text(&printed));
        buf_fini(&printed);
    } else {
        snprintf(out, VALUE_BYTES, "%s", json_kind(value));
    }
}

bool field_bad(const struct field *field, const char *allowed, struct error *err)
{
    char value[VALUE_BYTES];
    if (!field->value)
        return error_set(err, ERR_INPUT, "%s: it is missing; %s is required", field->name, allowed);
    value_describe(field->value, value);
    return error_set(err, ERR_INPUT, "%s: %s is not allowed; it must be %s", field->name, value,
                     allowed);
}

bool field_text(const struct field *field, struct arena *arena, struct str *out, struct error *err)
{
    if (!field->value)
        return true;
    if (!json_is_text(field->value))
        return field_bad(field, "a text", err);
    *out = arena_copy(arena, json_text(field->value));
    return true;
}

bool field_bool(const struct field *field, bool *out, struct error *err)
{
    if (!field->value)
        return true;
    if (!json_is_bool(field->value))
        return field_bad(field, "true or false", err);
    *out = json_bool(field->value, false);
    return true;
}

bool field_i64(const struct field *field, int64_t lowest, int64_t highest, int64_t *out,
               struct error *err)
{
    int64_t number = 0;
    char    allowed[80];
    if (!field->value)
        return true;
    snprintf(allowed, sizeof allowed, "a whole number from %" PRId64 " to %" PRId64, lowest,
             highest);
    if (!json_is_number(field->value) || !json_i64(field->value, &number) || number < lowest ||
        number > highest)
        return field_bad(field, allowed, err);
    *out = number;
    return true;
}

bool field_time(const struct field *field, int64_t *ms, struct error *err)
{
    if (!field->value)
        return true;
    if (!json_is_text(field->value))
        return field_bad(field, "a text like 2026-12-01T18:30:00+01:00", err);
    return time_parse(json_text(field->value), ms, err) || error_wrap(err, "%s", field->name);
}

bool field_choice(const struct field *field, const char *choices, int *out, struct error *err)
{
    struct str rest  = str_of(choices);
    struct str word  = { 0 };
    int        index = 0;
    char       allowed[120];
    if (!field->value)
        return true;
    for (; json_is_text(field->value) && str_cut(&rest, '|', &word); index++)
        if (str_eq(json_text(field->value), word)) {
            *out = index;
            return true;
        }
    snprintf(allowed, sizeof allowed, "one of %s", choices);
    return field_bad(field, allowed, err);
}

static bool is_known(const char *key, const char *known)
{
    struct str rest = str_of(known);
    struct str word = { 0 };
    while (str_cut(&rest, '|', &word))
        if (str_is(word, key))
            return true;
    return false;
}

void warn_unknown(struct job *job, const struct json *object, const char *prefix, const char *known)
{
    for (const struct json *member = json_at(object, 0); member; member = json_next(member)) {
        const char *key = json_key(member);
        if (is_known(key, known))
            continue;
        struct buf shown;  // a warning is one line, whatever the field is called
        buf_init(&shown, (size_t)VALUE_UNITS * 3);
        buf_add_visible(&shown, str_utf8_prefix(str_of(key), VALUE_UNITS));
        buf_printf(&job->warnings, "%s%s: unknown field, not used\n", prefix, buf_text(&shown));
        buf_fini(&shown);
    }
}

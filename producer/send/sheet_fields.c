// SPDX-License-Identifier: Apache-2.0
#include "producer/send/sheet_fields.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "job/job.h"
#include "producer/tool/words.h"

enum { METADATA_DEPTH_MAX = 32, NAMES_MAX = 48 };

// clang-format off
const struct sheet_field sheet_fields[] = {
    { "job_id",                 "job_id",                 IN_JOB,      AS_TEXT },
    { "account",                "account",                IN_JOB,      AS_TEXT },
    { "media",                  "",                       IN_MEDIA,    AS_TEXT },
    { "video",                  "video",                  IN_MEDIA,    AS_TEXT },
    { "photo",                  "photo",                  IN_MEDIA,    AS_TEXT },
    { "caption",                "caption",                IN_JOB,      AS_TEXT },
    { "title",                  "title",                  IN_JOB,      AS_TEXT },
    { "publish_at",             "publish_at",             IN_JOB,      AS_TIME },
    { "expires_at",             "expires_at",             IN_JOB,      AS_TIME },
    { "priority",               "priority",               IN_JOB,      AS_NUMBER },
    { "on_unsure",              "on_unsure",              IN_JOB,      AS_TEXT },
    { "transfer",               "transfer",               IN_JOB,      AS_TEXT },
    { "cover_index",            "cover_index",            IN_JOB,      AS_NUMBER },
    { "cover_timestamp_ms",     "cover_timestamp_ms",     IN_MEDIUM,   AS_NUMBER },
    { "metadata",               "metadata",               IN_JOB,      AS_JSON },
    { "content_posting_method", "content_posting_method", IN_SETTINGS, AS_TEXT },
    { "privacy_level",          "privacy_level",          IN_SETTINGS, AS_TEXT },
    { "duet",                   "duet",                   IN_SETTINGS, AS_YES },
    { "comment",                "comment",                IN_SETTINGS, AS_YES },
    { "stitch",                 "stitch",                 IN_SETTINGS, AS_YES },
    { "video_made_with_ai",     "video_made_with_ai",     IN_SETTINGS, AS_YES },
    { "brand_content_toggle",   "brand_content_toggle",   IN_SETTINGS, AS_YES },
    { "brand_organic_toggle",   "brand_organic_toggle",   IN_SETTINGS, AS_YES },
    { "autoAddMusic",           "autoAddMusic",           IN_SETTINGS, AS_YES },
    { "description",            "description",            IN_SETTINGS, AS_TEXT },
    { "settings.title",         "title",                  IN_SETTINGS, AS_TEXT },
};
// clang-format on
const size_t sheet_field_count = COUNT_OF(sheet_fields);

static const struct sheet_field metadata_field = { "metadata.NAME", "metadata", IN_METADATA,
                                                   AS_TEXT };

// ---- names

// "Job ID" is job_id, and case does not matter
static bool is_name(struct str typed, const char *name)
{
    if (typed.len != strlen(name))
        return false;
    for (size_t i = 0; i < typed.len; i++) {
        char c = typed.p[i] == ' ' || typed.p[i] == '-' ? '_' : typed.p[i];
        if (tolower((unsigned char)c) != tolower((unsigned char)name[i]))
            return false;
    }
    return true;
}

// photo_12, photo12 or "photo 12" as photo and 12; a name without a number stays as it is
static struct str cut_number(struct str name, int64_t *number)
{
    size_t len = name.len;
    *number    = 0;
    while (len && isdigit((unsigned char)name.p[len - 1]))
        len--;
    if (len == name.len || !len ||
        !str_to_i64((struct str){ name.p + len, name.len - len }, number))
        return name;
    if (strchr("_ -", name.p[len - 1]))
        len--;
    return (struct str){ name.p, len };
}

static bool unknown(struct str name, struct error *err)
{
    const char *names[NAMES_MAX];
    size_t      count = 0;
    for (; count < sheet_field_count; count++)
        names[count] = sheet_fields[count].column;
    const char *near = words_nearest(name, names, count);
    if (near)
        return error_set(
            err, ERR_INPUT,
            "there is no field \"%.*s\": did you mean %s? A column of notes begins with #",
            STR_ARG(str_utf8_prefix(name, 40)), near);
    return error_set(err, ERR_INPUT,
                     "there is no field \"%.*s\" (tokfleet import --help lists them). A column of "
                     "notes begins with #, "
                     "one of your own metadata with \"metadata.\"",
                     STR_ARG(str_utf8_prefix(name, 40)));
}

bool sheet_column_find(struct sheet_column *column, struct arena *arena, struct error *err)
{
    struct str name = column->name;
    struct str base = cut_number(name, &column->number);
    size_t     dot  = strlen("settings.");
    if (!name.len)
        return true;
    column->note = name.p[0] == '#';
    if (column->note)
        return true;
    if (name.len > strlen("metadata.") &&
        strncasecmp(name.p, "metadata.", strlen("metadata.")) == 0) {
        column->field = &metadata_field;
        column->key   = arena_text(
              arena, (struct str){ name.p + strlen("metadata."), name.len - strlen("metadata.") });
        return true;
    }
    for (size_t i = 0; i < sheet_field_count; i++) {
        const struct sheet_field *field       = &sheet_fields[i];
        bool                      in_settings = field->place == IN_SETTINGS && name.len > dot &&
                           strncasecmp(name.p, "settings.", dot) == 0 &&
                           is_name((struct str){ name.p + dot, name.len - dot }, field->field);
        bool is_medium = field->place == IN_MEDIA && is_name(base, field->column);
        if (in_settings || is_medium || is_name(name, field->column)) {
            column->field = field;
            return true;
        }
    }
    return unknown(name, err);
}

bool sheet_column_same(const struct sheet_column *a, const struct sheet_column *b)
{
    if (!a->field || a->field != b->field)
        return false;
    return a->field->place == IN_METADATA ? strcmp(a->key, b->key) == 0 : a->number == b->number;
}

bool sheet_column_is(const struct sheet_column *column, struct str path)
{
    static const char *const prefixes[] = {
        [IN_JOB] = "", [IN_SETTINGS] = "settings.", [IN_METADATA] = "", [IN_MEDIUM] = "media[0]."
    };
    char name[64];
    if (column->field->place == IN_MEDIA)
        return str_starts(path, "media") && !str_ends(path, ".cover_timestamp_ms");
    snprintf(name, sizeof name, "%s%s", prefixes[column->field->place], column->field->field);
    // what a draft or a privacy is checked for late is named without its object
    return str_is(path, name) || str_is(path, column->field->field);
}

// ---- cells

static bool read_yes(struct str cell, bool *yes)
{
    static const char *const words[] = { "true", "yes", "1", "x", "false", "no", "0" };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (is_name(cell, words[i])) {
            *yes = i < 4;
            return true;
        }
    return false;
}

static bool is_digits(struct str text, size_t from, const char *pattern)
{
    size_t len = strlen(pattern);
    if (text.len < from + len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text.p[from + i];
        if (pattern[i] == '0' ? !isdigit((unsigned char)c) : c != pattern[i])
            return false;
    }
    return true;
}

// "2026-12-01 18:30" with or without seconds and an offset, as RFC 3339
static bool read_time(struct str cell, const char *utc_offset, struct buf *out, struct error *err)
{
    bool date = is_digits(cell, 0, "0000-00-00");
    bool time = date && is_digits(cell, 11, "00:00") && strchr(" Tt", cell.p[10]);
    if (!time) {
        if (date && cell.len == 10)
            return error_set(err, ERR_INPUT,
                             "\"%.*s\" has no time of day; write it as 2026-12-01 18:30",
                             STR_ARG(cell));
        buf_add(out, cell);  // time_parse() says what is wrong
    } else {
        bool       seconds = is_digits(cell, 16, ":00");
        struct str rest    = { cell.p + (seconds ? 19 : 16), cell.len - (seconds ? 19 : 16) };
        buf_printf(out, "%.10sT%.5s%.*s", cell.p, cell.p + 11, seconds ? 3 : 0, cell.p + 16);
        if (!seconds)
            buf_add_text(out, ":00");
        rest = str_trim(rest);
        buf_add(out, rest.len ? rest : str_of(utc_offset));
        if (!rest.len && !utc_offset)
            return error_set(err, ERR_INPUT,
                             "\"%.*s\" has no offset from UTC; end it with Z or one like +01:00, "
                             "or say --utc-offset "
                             "+01:00 for all of them",
                             STR_ARG(cell));
    }
    int64_t ms;
    return time_parse(buf_str(out), &ms, err);
}

bool sheet_set(struct json *object, const struct sheet_field *field, struct str cell,
               const char *utc_offset, struct error *err)
{
    struct str   shown = str_utf8_prefix(cell, 40);
    int64_t      number;
    bool         yes = false;
    struct buf   time;
    struct json *json;
    switch (field->kind) {
    case AS_TEXT:
        json_set_text(object, field->field, cell);
        return true;
    case AS_NUMBER:
        if (!str_to_i64(cell, &number))
            return error_set(err, ERR_INPUT, "\"%.*s\" is no whole number", STR_ARG(shown));
        json_set_i64(object, field->field, number);
        return true;
    case AS_YES:
        if (!read_yes(cell, &yes))
            return error_set(
                err, ERR_INPUT,
                "\"%.*s\" is neither true nor false (yes and no, 1 and 0, x and nothing will do)",
                STR_ARG(shown));
        json_set_bool(object, field->field, yes);
        return true;
    case AS_TIME: {
        buf_init(&time, 128);
        bool ok = read_time(str_utf8_prefix(cell, 60), utc_offset, &time, err);
        if (ok)
            json_set_text(object, field->field, buf_str(&time));
        buf_fini(&time);
        return ok;
    }
    case AS_JSON:
        json = json_parse(cell, METADATA_MAX_BYTES, METADATA_DEPTH_MAX, err);
        if (!json)
            return false;
        json_free(json);
        json_set_raw(object, field->field, cell);
        return true;
    }
    return true;
}

// SPDX-License-Identifier: Apache-2.0
#include "base/setting.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/setting_part.h"

enum { FILE_MAX_BYTES = 65536, SHOWN_BYTES = 64 };

struct unit {
    const char *name;   // as written after the number
    int64_t     times;  // the number
};

static const char        prefix[]   = "TOKFLEET_";
static const struct unit ms_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
};
static const struct unit byte_units[] = { { "KiB", 1 << 10 },
                                          { "MiB", 1 << 20 },
                                          { "GiB", 1 << 30 } };

void setting_variable(const struct setting *row, char *out, size_t out_bytes)
{
    size_t at = sizeof prefix - 1;
    assert(at + strlen(row->name) < out_bytes);
    memcpy(out, prefix, at);
    for (const char *c = row->name; *c; c++)
        out[at++] = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    out[at] = '\0';
}

bool setting_is_text(const struct setting *row)
{
    return row->kind == SET_TEXT || row->kind == SET_CHOICE;
}

static const struct unit *units_of(enum setting_kind kind, size_t *count)
{
    *count = kind == SET_MS ? COUNT_OF(ms_units) : kind == SET_BYTES ? COUNT_OF(byte_units) : 0;
    return kind == SET_MS ? ms_units : byte_units;
}

void setting_number(const struct setting *row, int64_t n, struct buf *out)
{
    size_t             count = 0;
    const struct unit *units = units_of(row->kind, &count);
    for (size_t i = count; n && i--;)
        if (n % units[i].times == 0) {
            buf_printf(out, "%" PRId64 "%s", n / units[i].times, units[i].name);
            return;
        }
    buf_printf(out, "%" PRId64, n);
}

static void add_choices(const struct setting *row, struct buf *out)
{
    struct str rest = str_of(row->choices);
    struct str word;
    for (const char *between = "one of "; str_cut(&rest, '|', &word); between = ", ")
        buf_printf(out, "%s%.*s", between, word.len ? (int)word.len : 5,
                   word.len ? word.p : "empty");
}

void setting_allowed(const struct setting *row, struct buf *out)
{
    if (row->kind == SET_BOOL) {
        buf_add_text(out, "true or false");
    } else if (row->kind == SET_CHOICE) {
        add_choices(row, out);
    } else {
        buf_add_text(out, "from ");
        setting_number(row, row->lowest, out);
        buf_add_text(out, " to ");
        setting_number(row, row->highest, out);
        if (row->kind == SET_TEXT)
            buf_add_text(out, " bytes long");
    }
}

// The start of a value as a person may see it in one line.
static void add_shown(const char *text, struct buf *out)
{
    struct str shown = str_utf8_prefix(str_of(text), SHOWN_BYTES);
    buf_add_visible(out, shown);
    if (text[shown.len])
        buf_add_text(out, "...");
}

// "TOKFLEET_X=value: must be <syntax><what is allowed> (help)"; a secret's value is left out
static bool refuse(const struct setting *row, const char *text, const char *syntax,
                   struct error *err)
{
    char       variable[SETTING_VARIABLE_BYTES];
    struct buf message;
    buf_init(&message, ERROR_MESSAGE_BYTES);
    setting_variable(row, variable, sizeof variable);
    buf_add_text(&message, variable);
    if (!row->secret) {
        buf_add_char(&message, '=');
        add_shown(text, &message);
    }
    buf_printf(&message, ": must be %s", syntax);
    setting_allowed(row, &message);
    buf_printf(&message, " (%s)", row->help);
    error_set(err, ERR_SETTING, "%s", buf_text(&message));
    buf_fini(&message);
    return false;
}

static bool parse_number(const struct setting *row, const char *text, int64_t *number)
{
    size_t             count  = 0;
    const struct unit *units  = units_of(row->kind, &count);
    struct str         digits = str_of(text);
    int64_t            times  = 1;
    for (size_t i = 0; i < count; i++)
        if (str_ends(digits, units[i].name)) {  // "ms" stands before "s" and "m"
            digits.len -= strlen(units[i].name);
            times = units[i].times;
            break;
        }
    int64_t n = 0;
    return str_to_i64(digits, &n) && !__builtin_mul_overflow(n, times, number);
}

static bool parse_bool(const char *text, bool *yes)
{
    static const char *const words[] = { "false", "true", "no", "yes", "0", "1", "off", "on" };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(text, words[i]) == 0) {
            *yes = i % 2;
            return true;
        }
    return false;
}

static bool is_choice(const struct setting *row, const char *text)
{
    struct str rest = str_of(row->choices);
    struct str word;
    while (str_cut(&rest, '|', &word))
        if (str_is(word, text))
            return true;
    return false;
}

bool setting_parse(const struct setting *row, const char *text, struct setting_value *value,
                   struct error *err)
{
    static const char *const syntax[] = {
        [SET_COUNT] = "a whole number ",
        [SET_MS]    = "milliseconds or a time like 10s, 5m, 24h, 7d, ",
        [SET_BYTES] = "bytes or a size like 64KiB, 16MiB, ",
    };
    *value = (struct setting_value){ 0 };
    switch (row->kind) {
    case SET_TEXT:
        value->text   = text;
        value->number = (int64_t)strlen(text);
        break;
    case SET_CHOICE:
        value->text = text;
        return is_choice(row, text) || refuse(row, text, "", err);
    case SET_BOOL:
        return parse_bool(text, &value->yes) || refuse(row, text, "", err);
    case SET_COUNT:
    case SET_MS:
    case SET_BYTES:
        if (!parse_number(row, text, &value->number))
            return refuse(row, text, syntax[row->kind], err);
        break;
    }
    return (value->number >= row->lowest && value->number <= row->highest) ||
           refuse(row, text, "", err);
}

static void set_text(const struct setting *row, const char *text, void *values)
{
    char **field = (char **)(void *)((char *)values + row->offset);
    if (*field && row->secret)
        explicit_bzero(*field, strlen(*field));
    free(*field);
    *field = text ? xstrdup(text) : NULL;
}

static void store(const struct setting *row, const struct setting_value *value, void *values)
{
    void *field = (char *)values + row->offset;
    if (setting_is_text(row))
        set_text(row, value->text, values);
    else if (row->kind == SET_BOOL)
        *(bool *)field = value->yes;
    else
        *(int64_t *)field = value->number;
}

bool setting_set(const struct setting *row, const char *text, void *values, struct error *err)
{
    struct setting_value value;
    if (!setting_parse(row, text, &value, err))
        return false;
    store(row, &value, values);
    return true;
}

// The value of a variable, NULL when it is not there.
static const char *variable_value(char *const *environment, const char *variable)
{
    size_t len = strlen(variable);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, variable, len) == 0 && (*environment)[len] == '=')
            return *environment + len + 1;
    return NULL;
}

static bool read_descriptor(int fd, struct buf *out)
{
    char    piece[4096];
    ssize_t n  = 0;
    bool    ok = true;
    do {
        n = read(fd, piece, sizeof piece);
        if (n > 0 && !buf_add(out, (struct str){ piece, (size_t)n })) {
            errno = EFBIG;
            ok    = false;
        }
    } while (ok && (n > 0 || (n < 0 && errno == EINTR)));
    explicit_bzero(piece, sizeof piece);
    return ok && n == 0;
}

// A secret's file without the line end that editors leave.
static bool read_file(const char *path, struct buf *out, struct error *err)
{
    int  fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read_descriptor(fd, out);
    if (!ok)
        error_set(err, ERR_SETTING, "%s", strerror(errno));
    if (fd >= 0)
        close(fd);
    if (ok && out->len && memchr(out->p, '\0', out->len))
        ok = error_set(err, ERR_SETTING, "it holds a zero byte");
    for (const char *end = "\n\r"; ok && *end; end++)
        if (out->len && out->p[out->len - 1] == *end)
            out->p[--out->len] = '\0';
    return ok;
}

bool setting_source_find(const struct setting *row, char *const *environment,
                         struct setting_source *source, struct error *err)
{
    char variable[SETTING_VARIABLE_BYTES + sizeof "_FILE"];
    *source = (struct setting_source){ .origin = FROM_DEFAULT, .text = row->default_text };
    buf_init(&source->file, FILE_MAX_BYTES);
    setting_variable(row, variable, SETTING_VARIABLE_BYTES);
    const char *text = variable_value(environment, variable);
    if (text) {
        source->origin = FROM_VARIABLE;
        source->text   = text;
    }
    if (!row->secret)
        return true;
    size_t len = strlen(variable);
    memcpy(variable + len, "_FILE", sizeof "_FILE");
    source->path = variable_value(environment, variable);
    if (!source->path)
        return true;
    if (text)
        return error_set(err, ERR_SETTING, "%s: %.*s is set, too; one of the two", variable,
                         (int)len, variable);
    source->origin = FROM_FILE;
    if (!read_file(source->path, &source->file, err))
        return error_wrap(err, "%s=%.120s", variable, source->path);
    source->text = buf_text(&source->file);
    return true;
}

void setting_source_fini(struct setting_source *source)
{
    buf_wipe(&source->file);
    source->text = NULL;
}

// Edits (a letter put in, left out or changed) that lead from a to b, counted up to both lengths.
static size_t distance(struct str a, struct str b)
{
    size_t row[SETTING_VARIABLE_BYTES + 1];
    if (a.len > SETTING_VARIABLE_BYTES || b.len > SETTING_VARIABLE_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0]++;
        for (size_t j = 0; j < b.len; j++) {
            size_t changed = corner + (a.p[i] != b.p[j]);
            corner         = row[j + 1];
            size_t other   = (row[j] < corner ? row[j] : corner) + 1;
            row[j + 1]     = changed < other ? changed : other;
        }
    }
    return row[b.len];
}

static bool refuse_unknown(const struct setting *rows, size_t count, struct str name,
                           struct error *err)
{
    char   nearest[SETTING_VARIABLE_BYTES] = "";
    size_t best                            = name.len / 3;
    for (size_t i = 0; i < count; i++) {
        char variable[SETTING_VARIABLE_BYTES];
        setting_variable(&rows[i], variable, sizeof variable);
        size_t edits = distance(name, str_of(variable));
        if (edits < best) {
            best = edits;
            memcpy(nearest, variable, sizeof nearest);
        }
    }
    int shown = name.len > 120 ? 120 : (int)name.len;
    if (*nearest)
        return error_set(err, ERR_SETTING, "%.*s: no such setting; did you mean %s?", shown, name.p,
                         nearest);
    return error_set(err, ERR_SETTING, "%.*s: no such setting; --help lists them", shown, name.p);
}

static bool is_own_name(const struct setting *row, struct str name)
{
    char variable[SETTING_VARIABLE_BYTES];
    setting_variable(row, variable, sizeof variable);
    if (row->secret && str_starts(name, variable) && str_ends(name, "_FILE") &&
        name.len == strlen(variable) + strlen("_FILE"))
        return true;
    return str_is(name, variable);
}

// Kubernetes tells every pod of the services beside it: X_SERVICE_HOST, X_PORT, X_PORT_80_TCP_ADDR.
static bool is_service_link(struct str name)
{
    static const char *const words[] = { "_SERVICE_", "_PORT", "_PORT_" };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        bool last = !str_ends(str_of(words[i]), "_");
        if (last ? str_ends(name, words[i])
                 : memmem(name.p, name.len, words[i], strlen(words[i])) != NULL)
            return true;
    }
    return false;
}

static bool check_names(const struct setting *rows, size_t count, char *const *environment,
                        struct error *err)
{
    for (; environment && *environment; environment++) {
        struct str rest = str_of(*environment);
        struct str name;
        if (!str_starts(rest, prefix) || !str_cut(&rest, '=', &name))
            continue;
        bool known = false;
        for (size_t i = 0; i < count && !known; i++)
            known = is_own_name(&rows[i], name);
        if (!known && !is_service_link(name))
            return refuse_unknown(rows, count, name, err);
    }
    return true;
}

static void store_default(const struct setting *row, void *values)
{
    struct setting_value value = { 0 };
    struct error         err;
    bool ok = !row->default_text || setting_parse(row, row->default_text, &value, &err);
    assert(ok && "a default that its own row refuses");
    (void)ok;
    store(row, &value, values);
}

bool setting_read_all(const struct setting *rows, size_t count, char *const *environment,
                      void *values, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        store_default(&rows[i], values);
    if (!check_names(rows, count, environment, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct setting_source source;
        bool                  ok = setting_source_find(&rows[i], environment, &source, err);
        if (ok && source.origin != FROM_DEFAULT)
            ok = setting_set(&rows[i], source.text, values, err);
        setting_source_fini(&source);
        if (!ok)
            return false;
    }
    return true;
}

void setting_free_all(const struct setting *rows, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++)
        if (setting_is_text(&rows[i]))
            set_text(&rows[i], NULL, values);
}

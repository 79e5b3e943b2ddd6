// SPDX-License-Identifier: Apache-2.0
/* The environment, a variable a line: what is read is within its row's bounds, read again it is the
 * same, and no error and no --settings shows a secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz.h"
#include "job/config.h"

enum { VARIABLES_MAX = 32 };

static const struct str secret = { "Zq8wk3Lr51vYx", 13 };

// false: not for a fuzzer, a secret's file would be opened
static bool split(struct str input, struct arena *arena, char **environment)
{
    struct str rest  = input, line;
    size_t     count = 0;
    while (count < VARIABLES_MAX && str_cut(&rest, '\n', &line)) {
        if (fuzz_holds(line, STR("_FILE=")))
            return false;
        size_t len  = line.len && memchr(line.p, '\0', line.len) ? strlen(line.p) : line.len;
        char  *copy = arena_alloc(arena, len + 1);
        if (len)
            memcpy(copy, line.p, len);
        environment[count++] = copy;
    }
    environment[count] = NULL;
    return true;
}

// is it the variable of a secret, whose value holds what nobody else says?
static bool has_secret(const char *line)
{
    char       variable[128];
    struct str value = str_of(line), name;
    if (!str_cut(&value, '=', &name) || !fuzz_holds(value, secret))
        return false;
    for (size_t i = 0; i < config_row_count; i++) {
        setting_variable(&config_rows[i], variable, sizeof variable);
        if (config_rows[i].secret && str_is(name, variable))
            return true;
    }
    return false;
}

static void check_bounds(const struct config *config)
{
    for (size_t i = 0; i < config_row_count; i++) {
        const struct setting *row   = &config_rows[i];
        const void           *field = (const char *)config + row->offset;
        if (row->kind != SET_COUNT && row->kind != SET_MS && row->kind != SET_BYTES)
            continue;
        int64_t value = *(const int64_t *)field;
        assert(value >= row->lowest && value <= row->highest);
    }
}

static void check_secrets(char *const *environment, struct str shown)
{
    // where it stands in another variable, too, it is none
    for (; *environment; environment++)
        if (fuzz_holds(str_of(*environment), secret) && !has_secret(*environment))
            return;
    assert(!fuzz_holds(shown, secret));
}

static void check_shown(char *const *environment, const struct config *config)
{
    char  *text = NULL;
    size_t len  = 0;
    FILE  *out  = open_memstream(&text, &len);
    assert(out);
    setting_print_values(config_rows, config_row_count, environment, config, out);
    fclose(out);
    check_secrets(environment, (struct str){ text, len });
    free(text);
}

FUZZ(settings)
{
    struct arena  arena = { 0 };
    struct config config;
    struct error  err;
    char         *environment[VARIABLES_MAX + 1];
    memset(&config, 0, sizeof config);
    if (split(input, &arena, environment)) {
        if (config_read(environment, &config, &err)) {
            check_bounds(&config);
            check_shown(environment, &config);
            config_free(&config);
        } else {
            fuzz_check_message(err.message);
            check_secrets(environment, str_of(err.message));
        }
    }
    arena_fini(&arena);
}

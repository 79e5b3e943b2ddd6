// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_base
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/setting.h"

struct values {
    char   *fleet;          // text
    char   *client_secret;  // text, secret
    char   *http_listen;    // text
    char   *level;          // choice
    char   *privacy;        // choice that may be empty
    char   *none;           // text without a default
    int64_t limit_init;     // count
    int64_t wait_ms;        // time
    int64_t max_bytes;      // size
    bool    strict;         // switch
};

#define AT(field) offsetof(struct values, field)

// clang-format off
static const struct setting rows[] = {
    { "fleet",         SET_TEXT,   AT(fleet),         "demo",        1, 32,       false, NULL,                       "name of the fleet" },
    { "client_secret", SET_TEXT,   AT(client_secret), NULL,          1, 64,       true,  NULL,                       "of the app" },
    { "http.listen",   SET_TEXT,   AT(http_listen),   "127.0.0.1:0", 3, 100,      false, NULL,                       "where to listen" },
    { "log.level",     SET_CHOICE, AT(level),         "info",        0, 0,        false, "error|warn|info|debug",    "what is logged" },
    { "job.privacy",   SET_CHOICE, AT(privacy),       "PUBLIC",      0, 0,        false, "|PUBLIC|SELF_ONLY",        "when a job has none" },
    { "none",          SET_TEXT,   AT(none),          NULL,          0, 9,        false, NULL,                       "nothing" },
    { "limit.init",    SET_COUNT,  AT(limit_init),    "6",           1, 100000,   false, NULL,                       "init calls in a window" },
    { "gate.wait_ms",  SET_MS,     AT(wait_ms),       "30s",         0, 86400000, false, NULL,                       "before the gate opens" },
    { "job.max_bytes", SET_BYTES,  AT(max_bytes),     "256KiB",      1, 1 << 24,  false, NULL,                       "of a message" },
    { "strict",        SET_BOOL,   AT(strict),        "false",       0, 1,        false, NULL,                       "be strict" },
};
// clang-format on

enum { COUNT = sizeof rows / sizeof *rows };

static const struct setting *row_of(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

// Reads one variable; the message of the error, "" when there is none.
static const char *read_one(const char *variable, struct values *values)
{
    static struct error err;
    char               *text          = xstrdup(variable);
    char *const         environment[] = { text, NULL };
    err.message[0]                    = '\0';
    memset(values, 0, sizeof *values);
    bool ok = setting_read_all(rows, COUNT, environment, values, &err);
    assert_int_equal(ok, !*err.message);
    assert_true(ok || err.code == ERR_SETTING);
    free(text);
    return err.message;
}

static void assert_refused(const char *variable, const char *message)
{
    struct values values;
    assert_string_equal(read_one(variable, &values), message);
    setting_free_all(rows, COUNT, &values);
}

static void assert_taken(const char *variable)
{
    struct values values;
    assert_string_equal(read_one(variable, &values), "");
    setting_free_all(rows, COUNT, &values);
}

TEST(an_empty_environment_gives_the_defaults)
{
    struct values values = { 0 };
    struct error  err;
    char *const   environment[] = { NULL };
    assert_true(setting_read_all(rows, COUNT, environment, &values, &err));
    assert_string_equal(values.fleet, "demo");
    assert_null(values.client_secret);
    assert_int_equal(values.limit_init, 6);
    assert_int_equal(values.wait_ms, 30000);
    assert_int_equal(values.max_bytes, 262144);
    assert_false(values.strict);
    setting_free_all(rows, COUNT, &values);
    assert_null(values.fleet);
}

TEST(a_name_becomes_a_variable)
{
    char out[64];
    setting_variable(row_of("limit.init"), out, sizeof out);
    assert_string_equal(out, "TOKFLEET_LIMIT_INIT");
}

TEST(a_number_out_of_range_is_refused_with_the_range_and_the_help)
{
    assert_refused("TOKFLEET_LIMIT_INIT=0",
                   "TOKFLEET_LIMIT_INIT=0: must be from 1 to 100000 (init calls in a window)");
    assert_refused("TOKFLEET_LIMIT_INIT=100001",
                   "TOKFLEET_LIMIT_INIT=100001: must be from 1 to 100000 (init calls in a window)");
}

TEST(what_is_no_number_is_refused_with_how_to_write_it)
{
    assert_refused("TOKFLEET_LIMIT_INIT=six",
                   "TOKFLEET_LIMIT_INIT=six: must be a whole number from 1 to 100000 "
                   "(init calls in a window)");
    assert_refused("TOKFLEET_GATE_WAIT_MS=1.5h", "TOKFLEET_GATE_WAIT_MS=1.5h: must be milliseconds "
                                                 "or a time like 10s, 5m, 24h, 7d, from 0 to 1d "
                                                 "(before the gate opens)");
    assert_refused("TOKFLEET_LIMIT_INIT=",
                   "TOKFLEET_LIMIT_INIT=: must be a whole number from 1 to 100000 "
                   "(init calls in a window)");
}

TEST(times_and_sizes_take_units)
{
    static const struct {
        const char *text;
        int64_t     ms;
    } times[]            = { { "250", 250 },   { "250ms", 250 },    { "10s", 10000 },
                             { "5m", 300000 }, { "24h", 86400000 }, { "1d", 86400000 } };
    struct values values = { 0 };
    struct error  err;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        assert_true(setting_set(row_of("gate.wait_ms"), times[i].text, &values, &err));
        assert_int_equal(values.wait_ms, times[i].ms);
    }
    assert_true(setting_set(row_of("job.max_bytes"), "16MiB", &values, &err));
    assert_int_equal(values.max_bytes, 16 << 20);
    assert_false(setting_set(row_of("job.max_bytes"), "9223372036854775807KiB", &values, &err));
    assert_false(setting_set(row_of("job.max_bytes"), "16MB", &values, &err));
}

TEST(switches_and_choices_take_their_words_only)
{
    struct values values = { 0 };
    struct error  err;
    assert_true(setting_set(row_of("strict"), "Yes", &values, &err));
    assert_true(values.strict);
    assert_true(setting_set(row_of("strict"), "off", &values, &err));
    assert_false(values.strict);
    assert_refused("TOKFLEET_STRICT=maybe",
                   "TOKFLEET_STRICT=maybe: must be true or false (be strict)");
    assert_refused(
        "TOKFLEET_LOG_LEVEL=loud",
        "TOKFLEET_LOG_LEVEL=loud: must be one of error, warn, info, debug (what is logged)");
    assert_refused(
        "TOKFLEET_JOB_PRIVACY=NO",
        "TOKFLEET_JOB_PRIVACY=NO: must be one of empty, PUBLIC, SELF_ONLY (when a job has none)");
    assert_taken("TOKFLEET_JOB_PRIVACY=");
}

TEST(an_unknown_variable_is_refused_with_the_nearest_name)
{
    assert_refused("TOKFLEET_LIMT_INIT=6",
                   "TOKFLEET_LIMT_INIT: no such setting; did you mean TOKFLEET_LIMIT_INIT?");
    assert_refused("TOKFLEET_XYZZY_PLUGH_QUUX=6",
                   "TOKFLEET_XYZZY_PLUGH_QUUX: no such setting; --help lists them");
    assert_refused("TOKFLEET_=1", "TOKFLEET_: no such setting; --help lists them");
    assert_taken("TOKFLEETX=1");
}

TEST(the_service_links_of_kubernetes_are_ignored)
{
    assert_taken("TOKFLEET_WORKER_SERVICE_HOST=10.0.0.1");
    assert_taken("TOKFLEET_SERVICE_PORT_HTTP=80");
    assert_taken("TOKFLEET_PORT=tcp://10.0.0.1:80");
    assert_taken("TOKFLEET_REDIS_PORT_6379_TCP_ADDR=10.0.0.1");
}

TEST(a_secret_is_never_in_the_message)
{
    struct values values;
    char          variable[128] = "TOKFLEET_CLIENT_SECRET=";
    memset(variable + strlen(variable), 'S', 70);
    const char *message = read_one(variable, &values);
    assert_string_equal(message,
                        "TOKFLEET_CLIENT_SECRET: must be from 1 to 64 bytes long (of the app)");
    setting_free_all(rows, COUNT, &values);
}

TEST(a_value_in_a_message_is_one_short_line)
{
    struct values values;
    char          variable[400] = "TOKFLEET_FLEET=a\nb\033";
    memset(variable + strlen(variable), 'x', 300);
    const char *message = read_one(variable, &values);
    assert_non_null(strstr(message, "TOKFLEET_FLEET=a?b?xxx"));
    assert_non_null(strstr(message, "...: must be from 1 to 32 bytes long"));
    setting_free_all(rows, COUNT, &values);
}

static void write_file(char *path, const char *text, size_t len)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

TEST(a_secret_may_stand_in_a_file)
{
    char path[] = "/tmp/tokfleet-setting-XXXXXX";
    char variable[100];
    write_file(path, "hush\r\n", 6);
    snprintf(variable, sizeof variable, "TOKFLEET_CLIENT_SECRET_FILE=%s", path);
    struct values values;
    assert_string_equal(read_one(variable, &values), "");
    assert_string_equal(values.client_secret, "hush");
    setting_free_all(rows, COUNT, &values);
    unlink(path);
}

TEST(a_secret_file_that_cannot_be_used_is_an_error_with_its_name)
{
    assert_refused("TOKFLEET_CLIENT_SECRET_FILE=/nowhere/at/all",
                   "TOKFLEET_CLIENT_SECRET_FILE=/nowhere/at/all: No such file or directory");
    char path[] = "/tmp/tokfleet-setting-XXXXXX";
    char variable[100];
    write_file(path, "hu\0sh", 5);
    snprintf(variable, sizeof variable, "TOKFLEET_CLIENT_SECRET_FILE=%s", path);
    struct values values;
    assert_non_null(strstr(read_one(variable, &values), "it holds a zero byte"));
    assert_null(values.client_secret);
    setting_free_all(rows, COUNT, &values);
    unlink(path);
}

TEST(a_secret_and_its_file_together_are_refused)
{
    char          one[]         = "TOKFLEET_CLIENT_SECRET=a";
    char          two[]         = "TOKFLEET_CLIENT_SECRET_FILE=/dev/null";
    char *const   environment[] = { one, two, NULL };
    struct values values        = { 0 };
    struct error  err;
    assert_false(setting_read_all(rows, COUNT, environment, &values, &err));
    assert_string_equal(
        err.message,
        "TOKFLEET_CLIENT_SECRET_FILE: TOKFLEET_CLIENT_SECRET is set, too; one of the two");
    setting_free_all(rows, COUNT, &values);
}

TEST(only_a_secret_has_a_file)
{
    assert_refused("TOKFLEET_FLEET_FILE=/dev/null",
                   "TOKFLEET_FLEET_FILE: no such setting; did you mean TOKFLEET_FLEET?");
}

static char *printed(void (*print)(FILE *out, void *with), void *with)
{
    char  *text  = NULL;
    size_t bytes = 0;
    FILE  *out   = open_memstream(&text, &bytes);
    assert_non_null(out);
    print(out, with);
    fclose(out);
    return text;
}

static void print_help(FILE *out, void *with)
{
    (void)with;
    setting_print_help(rows, COUNT, out);
}

static void print_reference(FILE *out, void *with)
{
    (void)with;
    setting_print_reference(rows, COUNT, out);
}

static char secret_variable[] = "TOKFLEET_CLIENT_SECRET=hush";
static char wait_variable[]   = "TOKFLEET_GATE_WAIT_MS=90000";

static char *const print_environment[] = { secret_variable, wait_variable, NULL };

static void print_values(FILE *out, void *with)
{
    setting_print_values(rows, COUNT, print_environment, with, out);
}

TEST(help_and_reference_show_every_row)
{
    char *help      = printed(print_help, NULL);
    char *reference = printed(print_reference, NULL);
    assert_non_null(strstr(help, "TOKFLEET_CLIENT_SECRET[_FILE]"));
    assert_non_null(
        strstr(help, "init calls in a window\n      number, from 1 to 100000; default 6\n"));
    assert_non_null(
        strstr(reference,
               "| `TOKFLEET_LIMIT_INIT` | `6` | from 1 to 100000 | init calls in a window |\n"));
    free(help);
    free(reference);
}

TEST(values_are_printed_with_their_origin_and_without_secrets)
{
    struct values values = { 0 };
    struct error  err;
    assert_true(setting_read_all(rows, COUNT, print_environment, &values, &err));
    assert_true(setting_set(row_of("limit.init"), "7", &values, &err));
    char *text = printed(print_values, &values);
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "TOKFLEET_CLIENT_SECRET=(hidden)"));
    char        line[200];
    const char *wanted[][2] = { { "TOKFLEET_LIMIT_INIT=7", "flag" },
                                { "TOKFLEET_GATE_WAIT_MS=90s", "environment" },
                                { "TOKFLEET_JOB_MAX_BYTES=256KiB", "default" } };
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        snprintf(line, sizeof line, "%-60s  # %s\n", wanted[i][0], wanted[i][1]);
        assert_non_null(strstr(text, line));
    }
    free(text);
    setting_free_all(rows, COUNT, &values);
}

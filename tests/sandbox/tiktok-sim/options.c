// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

enum kind { KIND_TEXT, KIND_NUMBER, KIND_SPANS, KIND_FLAG };

struct row {
    const char *name;      // without the dashes
    const char *fallback;  // the default; NULL for none
    const char *help;      // one line
    size_t      at;        // offset in struct options
    enum kind   kind;      // how the value is read
    int64_t     min;       // lowest number
    int64_t     max;       // highest number
};

#define AT(field) offsetof(struct options, field)
#define TEXT(n, f, d, h)                                                                           \
    {                                                                                              \
        .name = n, .fallback = d, .help = h, .at = AT(f), .kind = KIND_TEXT                        \
    }
#define FLAG(n, f, h)                                                                              \
    {                                                                                              \
        .name = n, .help = h, .at = AT(f), .kind = KIND_FLAG                                       \
    }
#define SPAN(n, f, d, h)                                                                           \
    {                                                                                              \
        .name = n, .fallback = d, .help = h, .at = AT(f), .kind = KIND_SPANS                       \
    }
#define NUMBER(n, f, d, lo, hi, h)                                                                 \
    {                                                                                              \
        .name = n, .fallback = d, .help = h, .at = AT(f), .kind = KIND_NUMBER, .min = lo,          \
        .max = hi                                                                                  \
    }

static const struct row rows[] = {
    TEXT("listen", listen, "127.0.0.1:0", "address and port; port 0 lets the system choose"),
    TEXT("port-file", port_file, NULL, "write ADDRESS:PORT here when listening"),
    TEXT("ledger", ledger, NULL, "append every event here, one JSON object a line"),
    NUMBER("accounts", accounts, "0", 0, 1000000, "accounts to create at start"),
    TEXT("accounts-file", accounts_file, NULL, "write their tokens here, one JSON object a line"),
    NUMBER("window-ms", window_ms, "60000", 1, 86400000, "TikTok's minute"),
    NUMBER("day-ms", day_ms, "86400000", 1, 864000000, "TikTok's day"),
    NUMBER("limit-init", limit_init, "6", 0, 1000000,
           "inits an account has in a window; 0 = no limit"),
    NUMBER("limit-creator-info", limit_creator_info, "20", 0, 1000000, "creator infos in a window"),
    NUMBER("limit-status", limit_status, "30", 0, 1000000, "status fetches in a window"),
    NUMBER("limit-display", limit_display, "600", 0, 1000000,
           "user info, video list or query calls in a window"),
    NUMBER("limit-day-posts", limit_day_posts, "15", 0, 1000000,
           "direct posts a creator has in a day"),
    NUMBER("limit-drafts", limit_drafts, "5", 0, 1000000, "drafts a creator has in a day"),
    NUMBER("active-cap", active_cap, NULL, 0, 1000000,
           "creators that may post in a day; 0 = no cap (default 0, unaudited 5)"),
    FLAG("unaudited", unaudited,
         "the client is not audited: only SELF_ONLY posts of private accounts"),
    SPAN("processing-ms", processing, "1000-3000",
         "from the init, or the last byte, to the end: MIN-MAX or WEIGHT:MIN-MAX,..."),
    SPAN("public-id-delay-ms", public_id_delay, "0-0",
         "from the end to the public post id, likewise"),
    TEXT("verified", verified, "cdn.example.com",
         "verified hosts (with their subdomains) or URL prefixes, by commas"),
    NUMBER("seed", seed, "0", 0, INT64_MAX, "of all randomness; 0 = a new one each time"),
    TEXT("client-key", client_key, NULL, "the only good client_key; without it any is good"),
    TEXT("client-secret", client_secret, NULL, "the only good client_secret"),
    TEXT("redirect-uris", redirect_uris, NULL,
         "those registered, by commas, * for any port of localhost; without it any is good"),
    NUMBER("code-ttl-ms", code_ttl_ms, "300000", 1, 864000000, "life of an authorization code"),
    NUMBER("token-ttl-s", token_ttl_s, "86400", 1, 31536000, "life of an access token"),
    FLAG("refresh-keeps", refresh_keeps, "a refresh gives the same refresh token again"),
    FLAG("refresh-ends-access", refresh_ends_access, "a refresh ends the access tokens before"),
    NUMBER("refresh-grace-ms", refresh_grace_ms, "0", 0, 864000000,
           "a rotated refresh token stays good for so long"),
    NUMBER("upload-ttl-ms", upload_ttl_ms, "3600000", 1, 864000000, "life of an upload URL"),
    NUMBER("calls-kept", calls_kept, "10000", 1, 1000000, "calls remembered for /_sim/calls"),
    FLAG("lenient", lenient, "note unknown fields instead of refusing them"),
    FLAG("verbose", verbose, "print a line for each request"),
};

#define ROWS (sizeof rows / sizeof rows[0])

static bool row_set(const struct row *row, struct options *options, const char *value)
{
    void *at = (char *)options + row->at;
    switch (row->kind) {
    case KIND_TEXT:
        *(const char **)at = value;
        return true;
    case KIND_FLAG:
        *(bool *)at = true;
        return true;
    case KIND_SPANS:
        return spans_parse(at, value);
    case KIND_NUMBER:
        break;
    }
    int64_t number;
    if (!text_to_number(value, &number) || number < row->min || number > row->max)
        return false;
    *(int64_t *)at = number;
    return true;
}

static void print_help(void)
{
    puts("tiktok-sim: a strict simulator of TikTok's content posting API\n\n"
         "usage: tiktok-sim [flags]\n");
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        printf("  --%-20s %s%s%s%s\n", row->name, row->help, row->fallback ? " (default " : "",
               row->fallback ? row->fallback : "", row->fallback ? ")" : "");
    }
    puts("  --help                 this text");
}

static const struct row *row_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

// Reads argv[*i], and its value, which follows after "=" or as the next word.
static bool read_flag(struct options *options, int *i, int argc, char **argv)
{
    const char       *arg = argv[*i];
    size_t            len = strcspn(arg, "=");
    const struct row *row =
        len > 2 && arg[0] == '-' && arg[1] == '-' ? row_find(arg + 2, len - 2) : NULL;
    if (!row) {
        fprintf(stderr, "tiktok-sim: unknown flag %s (see --help)\n", arg);
        return false;
    }
    const char *value = arg[len] ? arg + len + 1 : NULL;
    if (row->kind != KIND_FLAG && !value && *i + 1 < argc)
        value = argv[++*i];
    if ((row->kind == KIND_FLAG) == (value != NULL) || !row_set(row, options, value)) {
        fprintf(stderr, "tiktok-sim: bad value for --%s: %s\n", row->name,
                value ? value : "(none)");
        return false;
    }
    return true;
}

enum options_outcome options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){ .active_cap = -1 };
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].fallback && !row_set(&rows[i], options, rows[i].fallback))
            return OPTIONS_BAD;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return OPTIONS_HELP;
        }
        if (!read_flag(options, &i, argc, argv))
            return OPTIONS_BAD;
    }
    if (options->active_cap < 0)
        options->active_cap = options->unaudited ? 5 : 0;
    if ((options->client_key == NULL) != (options->client_secret == NULL)) {
        fprintf(stderr, "tiktok-sim: --client-key and --client-secret go together\n");
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}

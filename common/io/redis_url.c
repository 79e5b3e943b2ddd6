// SPDX-License-Identifier: Apache-2.0
#include "io/redis_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { REDIS_PORT = 6379, SENTINEL_PORT = 26379 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A C string of the caller's; NULL when an escape is broken or hides a '\0'.
static char *percent_decode(struct str text)
{
    char  *out = xmalloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.p[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.p[i + 1]) : -1;
            int low  = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
            c        = low >= 0 ? high * 16 + low : 0;
            i += 2;
        }
        if (c == 0) {
            free(out);
            return NULL;
        }
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return out;
}

static bool parse_number(struct str text, int64_t lowest, int64_t highest, int *out)
{
    int64_t n = 0;
    if (!str_to_i64(text, &n) || n < lowest || n > highest)
        return false;
    *out = (int)n;
    return true;
}

static bool parse_user(struct str text, struct redis_url *url, struct error *err)
{
    struct str user     = text;
    struct str password = { NULL, 0 };
    char      *colon    = text.len ? memchr(text.p, ':', text.len) : NULL;
    if (!colon)
        return error_set(err, ERR_SETTING,
                         "redis URL: a user needs a password, redis://user:password@host");
    user.len     = (size_t)(colon - text.p);
    password.p   = colon + 1;
    password.len = text.len - user.len - 1;
    if (user.len)
        url->user = percent_decode(user);
    url->password = percent_decode(password);
    if ((user.len && !url->user) || !url->password)
        return error_set(err, ERR_SETTING, "redis URL: a broken %%-escape in user or password");
    return true;
}

static char *copy(struct str text)
{
    char *out = xmalloc(text.len + 1);
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return out;
}

static bool is_host(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c == 0x7F || strchr("?#/@\\,", c))
            return false;
    }
    return text.len > 0;
}

// host->port is what it is unless said
static bool parse_host(struct str text, struct redis_host *out, struct error *err)
{
    struct str host = text;
    struct str port = { NULL, 0 };
    if (text.len && text.p[0] == '[') {
        const char *end = memchr(text.p, ']', text.len);
        if (!end)
            return error_set(err, ERR_SETTING, "redis URL: a '[' without ']'");
        host = (struct str){ text.p + 1, (size_t)(end - text.p) - 1 };
        port = (struct str){ end + 1, text.len - host.len - 2 };
        if (port.len && port.p[0] != ':')
            return error_set(err, ERR_SETTING, "redis URL: only a port may follow the address");
    } else if (text.len) {
        const char *colon = memchr(text.p, ':', text.len);
        if (colon) {
            host.len = (size_t)(colon - text.p);
            port     = (struct str){ colon, text.len - host.len };
        }
    }
    if (!is_host(host))
        return error_set(err, ERR_SETTING, "redis URL: no host");
    if (port.len && !parse_number((struct str){ port.p + 1, port.len - 1 }, 1, 65535, &out->port))
        return error_set(err, ERR_SETTING, "redis URL: the port is not 1 to 65535");
    out->name = copy(host);
    return true;
}

static bool parse_sentinels(struct str text, struct redis_url *url, struct error *err)
{
    url->sentinels = xcalloc(SENTINELS_MAX, sizeof *url->sentinels);
    for (;;) {
        const char        *comma = text.len ? memchr(text.p, ',', text.len) : NULL;
        size_t             len   = comma ? (size_t)(comma - text.p) : text.len;
        struct redis_host *host  = &url->sentinels[url->sentinel_count];
        if (url->sentinel_count == SENTINELS_MAX)
            return error_set(err, ERR_SETTING, "redis URL: more than %d sentinels", SENTINELS_MAX);
        host->port = SENTINEL_PORT;
        if (!parse_host((struct str){ text.p, len }, host, err))
            return false;
        url->sentinel_count++;
        if (!comma)
            return true;
        text = (struct str){ comma + 1, text.len - len - 1 };
    }
}

// The name of a service as a sentinel's configuration may have it.
static bool parse_service(struct str text, struct redis_url *url, struct error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
              (c && strchr(".-_", c))))
            return error_set(err, ERR_SETTING, "redis URL: the service is of A-Z a-z 0-9 . - _");
    }
    if (!text.len)
        return error_set(err, ERR_SETTING,
                         "redis URL: after the sentinels comes the /service that they watch");
    url->service = copy(text);
    return true;
}

static bool parse_scheme(struct str *text, bool *sentinel, struct redis_url *url, struct error *err)
{
    size_t skip = 0;
    *sentinel   = false;
    if (str_starts(*text, "redis+sentinel://")) {
        skip      = strlen("redis+sentinel://");
        *sentinel = true;
    } else if (str_starts(*text, "rediss+sentinel://")) {
        skip      = strlen("rediss+sentinel://");
        *sentinel = true;
        url->tls  = true;
    } else if (str_starts(*text, "redis://")) {
        skip = strlen("redis://");
    } else if (str_starts(*text, "rediss://")) {
        skip     = strlen("rediss://");
        url->tls = true;
    } else {
        return error_set(err, ERR_SETTING,
                         "redis URL: it starts with redis://, rediss://, redis+sentinel:// or "
                         "rediss+sentinel://");
    }
    text->p   = text->p + skip;
    text->len = text->len - skip;
    return true;
}

// Cuts what follows the first slash off; empty when there is none.
static struct str cut_path(struct str *text)
{
    const char *slash = text->len ? memchr(text->p, '/', text->len) : NULL;
    if (!slash)
        return (struct str){ NULL, 0 };
    struct str path = { slash + 1, text->len - (size_t)(slash - text->p) - 1 };
    text->len       = (size_t)(slash - text->p);
    return path;
}

static bool parse(const char *text, struct redis_url *url, struct error *err)
{
    bool       sentinel = false;
    struct str rest     = str_of(text);
    if (!parse_scheme(&rest, &sentinel, url, err))
        return false;
    const char *at = rest.len ? memrchr(rest.p, '@', rest.len) : NULL;
    if (at) {
        struct str user = { rest.p, (size_t)(at - rest.p) };
        if (!parse_user(user, url, err))
            return false;
        rest = (struct str){ at + 1, rest.len - user.len - 1 };
    }
    struct str path = cut_path(&rest);
    struct str db   = sentinel ? cut_path(&path) : path;
    if (db.len && !parse_number(db, 0, 1000000, &url->db))
        return error_set(err, ERR_SETTING, "redis URL: at the end only /database, a number");
    if (!sentinel)
        return parse_host(rest, &url->host, err);
    return parse_sentinels(rest, url, err) && parse_service(path, url, err);
}

bool redis_url_parse(const char *text, struct redis_url *url, struct error *err)
{
    *url = (struct redis_url){ .host.port = REDIS_PORT };
    if (parse(text, url, err))
        return true;
    redis_url_fini(url);
    return false;
}

void redis_url_move(struct redis_url *url, const struct redis_host *host)
{
    if (redis_host_same(&url->host, host))
        return;
    free(url->host.name);
    url->host = (struct redis_host){ .name = xstrdup(host->name), .port = host->port };
}

void redis_url_address(const struct redis_url *url, char *out, size_t out_bytes)
{
    const struct redis_host *host = &url->host;
    if (host->name)
        snprintf(out, out_bytes, strchr(host->name, ':') ? "[%s]:%d" : "%s:%d", host->name,
                 host->port);
    else
        snprintf(out, out_bytes, "primary of %s", url->service);
}

bool redis_host_same(const struct redis_host *a, const struct redis_host *b)
{
    return a->name && b->name && strcmp(a->name, b->name) == 0 && a->port == b->port;
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void redis_url_fini(struct redis_url *url)
{
    wipe(url->user);
    wipe(url->password);
    free(url->host.name);
    free(url->service);
    for (size_t i = 0; i < url->sentinel_count; i++)
        free(url->sentinels[i].name);
    free(url->sentinels);
    *url = (struct redis_url){ 0 };
}

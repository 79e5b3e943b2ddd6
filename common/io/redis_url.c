// SPDX-License-Identifier: Apache-2.0
#include "io/redis_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

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

static bool is_host(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c == 0x7F || strchr("?#/@\\", c))
            return false;
    }
    return text.len > 0;
}

static bool parse_host(struct str text, struct redis_url *url, struct error *err)
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
    if (port.len && !parse_number((struct str){ port.p + 1, port.len - 1 }, 1, 65535, &url->port))
        return error_set(err, ERR_SETTING, "redis URL: the port is not 1 to 65535");
    url->host = xmalloc(host.len + 1);
    memcpy(url->host, host.p, host.len);
    url->host[host.len] = '\0';
    return true;
}

static bool parse_scheme(struct str *text, struct redis_url *url, struct error *err)
{
    size_t skip = 0;
    if (str_starts(*text, "redis+sentinel://"))
        return error_set(
            err, ERR_SETTING,
            "redis+sentinel:// is not supported yet; name the primary with redis:// or rediss://");
    if (str_starts(*text, "redis://"))
        skip = strlen("redis://");
    else if (str_starts(*text, "rediss://"))
        skip = strlen("rediss://");
    else
        return error_set(err, ERR_SETTING, "redis URL: it starts with redis:// or rediss://");
    url->tls  = skip == strlen("rediss://");
    text->p   = text->p + skip;
    text->len = text->len - skip;
    return true;
}

static bool parse(const char *text, struct redis_url *url, struct error *err)
{
    struct str rest = str_of(text);
    if (!parse_scheme(&rest, url, err))
        return false;
    const char *at = rest.len ? memrchr(rest.p, '@', rest.len) : NULL;
    if (at) {
        struct str user = { rest.p, (size_t)(at - rest.p) };
        if (!parse_user(user, url, err))
            return false;
        rest = (struct str){ at + 1, rest.len - user.len - 1 };
    }
    const char *slash = rest.len ? memchr(rest.p, '/', rest.len) : NULL;
    if (slash) {
        struct str db = { slash + 1, rest.len - (size_t)(slash - rest.p) - 1 };
        if (db.len && !parse_number(db, 0, 1000000, &url->db))
            return error_set(err, ERR_SETTING,
                             "redis URL: after the host only /database, a number");
        rest.len = (size_t)(slash - rest.p);
    }
    return parse_host(rest, url, err);
}

bool redis_url_parse(const char *text, struct redis_url *url, struct error *err)
{
    *url = (struct redis_url){ .port = 6379 };
    if (parse(text, url, err))
        return true;
    redis_url_fini(url);
    return false;
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
    free(url->host);
    *url = (struct redis_url){ 0 };
}

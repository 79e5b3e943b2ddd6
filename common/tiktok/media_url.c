// SPDX-License-Identifier: Apache-2.0
#include "tiktok/media_url.h"

#include <string.h>
#include <strings.h>

enum { SHOWN_BYTES = 80, HOST_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct str until(struct str text, const char *ends)
{
    size_t len = 0;
    while (len < text.len && (!text.p[len] || !strchr(ends, text.p[len])))
        len++;
    return (struct str){ text.p, len };
}

static struct str after(struct str text, size_t bytes)
{
    return (struct str){ text.p + bytes, text.len - bytes };
}

// The URL for a message: cut, without its query, and not at all when it may hold a password.
static struct str shown(struct str url)
{
    // wherever it stands: a password that is not encoded may hold the ? or # that seems to end the
    // host
    if (url.len && memchr(url.p, '@', url.len))
        return STR("(not shown: it has an @ in it)");
    return str_utf8_prefix(until(url, "?#"), SHOWN_BYTES);
}

static bool refuse(struct str url, struct error *err, const char *what)
{
    return error_set(err, ERR_INPUT, "%s: %.*s", what, STR_ARG(shown(url)));
}

static bool bytes_allowed(struct str url)
{
    for (size_t i = 0; i < url.len; i++)
        if (url.p[i] <= ' ' || url.p[i] >= 0x7f || strchr("\"<>\\", url.p[i]))
            return false;
    return true;
}

static bool label_allowed(struct str label)
{
    if (label.len == 0 || label.len > LABEL_MAX_BYTES || label.p[0] == '-' ||
        label.p[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_letter(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-' &&
            label.p[i] != '_')
            return false;
    return true;
}

static bool scheme_is_https(struct str url)
{
    return url.len >= 8 && strncasecmp(url.p, "https://", 8) == 0;
}

// The authority without its port; false when the port is not one.
static bool host_of(struct str authority, struct str *host)
{
    *host = authority;
    if (authority.len && authority.p[0] == '[')
        return true;
    *host = until(authority, ":");
    if (host->len == authority.len)
        return true;
    struct str port   = after(authority, host->len + 1);
    int64_t    number = 0;
    return port.len && is_digit(port.p[0]) && str_to_i64(port, &number) && number >= 1 &&
           number <= 65535;
}

// A host whose last label begins with a digit is read as an IPv4 address by some, and no top-level
// domain does.
static const char *host_fault(struct str host)
{
    if (host.len == 0)
        return "the host is missing";
    if (host.p[0] == '[')
        return "the host must be a name, not an IP address";
    if (host.p[host.len - 1] == '.')
        host.len--;
    if (host.len > HOST_MAX_BYTES)
        return "the host name is longer than 253 bytes";
    struct str rest   = host;
    struct str label  = { 0 };
    size_t     labels = 0;
    while (str_cut(&rest, '.', &label)) {
        if (!label_allowed(label))
            return "the host is not a valid name";
        labels++;
    }
    if (is_digit(label.p[0]))
        return "the host must be a name, not an IP address";
    if (labels < 2)
        return "the host must be a public name with a domain";
    return NULL;
}

bool media_url_check(struct str url, struct error *err)
{
    if (url.len == 0)
        return error_set(err, ERR_INPUT, "it is empty: an https URL is needed");
    if (url.len > MEDIA_URL_MAX_BYTES)
        return error_set(err, ERR_INPUT, "it has %zu bytes; at most %d are allowed", url.len,
                         MEDIA_URL_MAX_BYTES);
    if (!scheme_is_https(url))
        return refuse(url, err, "TikTok fetches only from https:// URLs");
    if (!bytes_allowed(url))
        return refuse(url, err, "spaces, quotes and bytes outside ASCII must be percent-encoded");
    struct str authority = until(after(url, 8), "/?#");
    struct str host      = { 0 };
    if (authority.len && memchr(authority.p, '@', authority.len))
        return refuse(url, err, "a user name or password is not allowed");
    if (!host_of(authority, &host))
        return refuse(url, err, "the port is not one of 1 to 65535");
    const char *fault = host_fault(host);
    if (fault)
        return refuse(url, err, fault);
    if (memchr(url.p, '#', url.len))
        return refuse(url, err, "a fragment (#...) is not allowed");
    return true;
}

struct str media_url_extension(struct str url)
{
    struct str path = until(url, "?#");
    for (size_t i = path.len; i > 0 && path.p[i - 1] != '/'; i--)
        if (path.p[i - 1] == '.')
            return after(path, i);
    return (struct str){ "", 0 };
}

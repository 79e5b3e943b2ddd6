// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base.h"
#include "text.h"

#define HTTPS "https://"

// A name of labels, not an address: something in the last label is not a digit.
static bool is_host_name(const char *host, size_t len)
{
    size_t last   = 0;
    bool   letter = false;
    if (!len || len > 253 || host[0] == '.' || host[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)host[i]) && host[i] != '-' && host[i] != '.')
            return false;
        if (host[i] == '.' && i == last)
            return false;
        if (host[i] == '.') {
            last   = i + 1;
            letter = false;
        } else if (!isdigit((unsigned char)host[i])) {
            letter = true;
        }
    }
    return letter && last > 0 && strncasecmp(host + last, "0x", 2) != 0;
}

static bool is_port(const char *port, size_t len)
{
    if (len < 2 || len > 6)
        return len == 0;
    for (size_t i = 1; i < len; i++)
        if (!isdigit((unsigned char)port[i]))
            return false;
    return true;
}

static bool covers(const char *rule, size_t len, const char *url, const char *host, size_t host_len)
{
    if (len >= sizeof HTTPS - 1 && strncasecmp(rule, HTTPS, sizeof HTTPS - 1) == 0)
        return strncmp(url, rule, len) == 0;
    if (!len || host_len < len || strncasecmp(host + host_len - len, rule, len) != 0)
        return false;
    return host_len == len || host[host_len - len - 1] == '.';
}

enum url_verdict url_check(const char *url, const char *verified)
{
    if (strncasecmp(url, HTTPS, sizeof HTTPS - 1) != 0)
        return URL_BAD;
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7F)
            return URL_BAD;
    const char *host      = url + sizeof HTTPS - 1;
    size_t      authority = strcspn(host, "/?#");
    size_t      len       = strcspn(host, ":/?#");
    if (memchr(host, '@', authority) || !is_host_name(host, len) ||
        !is_port(host + len, authority - len))
        return URL_BAD;
    for (const char *rule = verified;; rule++) {
        size_t rule_len = strcspn(rule, ",");
        if (covers(rule, rule_len, url, host, len))
            return URL_FINE;
        rule += rule_len;
        if (!*rule)
            return URL_UNVERIFIED;
    }
}

// Copies the path segment at *at and moves behind its slash.
static void read_segment(const char **at, char *to, size_t size)
{
    size_t len = strcspn(*at, "/?#");
    size_t n   = len < size ? len : size - 1;
    memcpy(to, *at, n);
    to[n] = '\0';
    *at += len;
    if (**at == '/')
        ++*at;
}

void url_add_marks(const char *url, struct url_marks *marks)
{
    const char *at = strstr(url, "//");
    at             = at ? strchr(at + 2, '/') : NULL;
    if (!at)
        return;
    for (at++; *at && *at != '?' && *at != '#';) {
        char    word[64];
        char    number[24];
        int64_t value;
        read_segment(&at, word, sizeof word);
        if (strcmp(word, "stuck") == 0) {
            marks->stuck = true;
        } else if (strcmp(word, "fail") == 0 || strcmp(word, "fail-once") == 0) {
            read_segment(&at, marks->fail_reason, sizeof marks->fail_reason);
            marks->fail_once = word[4] != '\0';
        } else if (strcmp(word, "slow") == 0) {
            read_segment(&at, number, sizeof number);
            if (text_to_number(number, &value))
                marks->slow_ms = value;
        } else if (strcmp(word, "refuse") == 0) {
            read_segment(&at, number, sizeof number);
            if (text_to_number(number, &value) && value >= 200 && value <= 599)
                marks->refuse_http = (int)value;
            read_segment(&at, marks->refuse_code, sizeof marks->refuse_code);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "loop/server_head.h"

#include <string.h>
#include <strings.h>

enum { METHOD_BYTES = 16, LENGTH_DIGITS = 15 };

struct reason {
    int         status;  // of HTTP
    const char *words;   // for people
};

const char *server_reason(int status)
{
    static const struct reason reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 422, "Unprocessable Content" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].words;
    return "Status";
}

bool server_listen_split(struct str where, struct str *host, struct str *port)
{
    const char *colon  = where.len ? memrchr(where.p, ':', where.len) : NULL;
    int64_t     number = 0;
    if (!colon)
        return false;
    *host = (struct str){ where.p, (size_t)(colon - where.p) };
    *port = (struct str){ colon + 1, where.len - host->len - 1 };
    if (str_starts(*host, "[") && str_ends(*host, "]"))
        *host = (struct str){ host->p + 1, host->len - 2 };
    return str_to_i64(*port, &number) && number >= 0 && number <= 65535;
}

static bool same_word(struct str a, const char *word)
{
    return a.len == strlen(word) && strncasecmp(a.p, word, a.len) == 0;
}

static bool only_of(struct str a, const char *allowed)
{
    for (size_t i = 0; i < a.len; i++)
        if (!a.p[i] || !strchr(allowed, a.p[i]))
            return false;
    return a.len > 0;
}

static bool cut_line(struct str *rest, struct str *line)
{
    const char *end = rest->len ? memmem(rest->p, rest->len, "\r\n", 2) : NULL;
    if (!end)
        return false;
    *line = (struct str){ rest->p, (size_t)(end - rest->p) };
    *rest = (struct str){ end + 2, rest->len - line->len - 2 };
    return true;
}

static int hex_value(char c)
{
    const char *hex = "0123456789abcdef0123456789ABCDEF";
    const char *at  = c ? strchr(hex, c) : NULL;
    return at ? (int)(at - hex) % 16 : -1;
}

// %41 is A; a zero byte would end the path for whoever reads it as a C string.
static bool decode_path(struct str raw, struct arena *arena, struct str *path)
{
    char  *out = arena_alloc(arena, raw.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.p[i];
        if (c == '%') {
            int high = i + 2 < raw.len ? hex_value(raw.p[i + 1]) : -1;
            int low  = i + 2 < raw.len ? hex_value(raw.p[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[len++] = c;
    }
    *path = (struct str){ out, len };
    return true;
}

static int parse_request_line(struct str line, struct arena *arena, struct server_head *head)
{
    struct str target;
    struct str path;
    if (!str_cut(&line, ' ', &head->method) || !str_cut(&line, ' ', &target) || !line.p)
        return 400;
    if (!only_of(head->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") || head->method.len > METHOD_BYTES)
        return 400;
    for (size_t i = 0; i < target.len; i++)
        if (target.p[i] < '!' || target.p[i] > '~')
            return 400;
    if (!str_starts(target, "/") || !str_starts(line, "HTTP/"))
        return 400;
    if (!str_is(line, "HTTP/1.1") && !str_is(line, "HTTP/1.0"))
        return 505;
    head->keep_alive = str_is(line, "HTTP/1.1");
    str_cut(&target, '?', &path);
    head->query = arena_copy(arena, target);
    return decode_path(path, arena, &head->path) ? 0 : 400;
}

static int parse_length(struct str value, size_t body_max, struct server_head *head)
{
    int64_t bytes = 0;
    if (!only_of(value, "0123456789"))
        return 400;
    if (value.len > LENGTH_DIGITS)
        return 413;
    if (!str_to_i64(value, &bytes) || (head->has_length && head->body_bytes != (size_t)bytes))
        return 400;
    head->has_length = true;
    head->body_bytes = (size_t)bytes;
    return head->body_bytes > body_max ? 413 : 0;
}

static void parse_connection(struct str value, struct server_head *head)
{
    struct str word;
    while (str_cut(&value, ',', &word))
        if (same_word(str_trim(word), "close"))
            head->keep_alive = false;
}

static int parse_field(struct str line, size_t body_max, struct server_head *head)
{
    struct str name;
    if (!str_cut(&line, ':', &name) || !line.p)
        return 400;
    if (!only_of(name,
                 "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
        return 400;
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7F)
            return 400;
    struct str value = str_trim(line);
    if (same_word(name, "Content-Length"))
        return parse_length(value, body_max, head);
    if (same_word(name, "Transfer-Encoding"))
        return 501;
    if (same_word(name, "Connection"))
        parse_connection(value, head);
    if (same_word(name, "Expect") && same_word(value, "100-continue"))
        head->expect_continue = true;
    return 0;
}

int server_head_parse(struct str text, size_t body_max, struct arena *arena,
                      struct server_head *head)
{
    struct str line;
    struct str rest = text;
    *head           = (struct server_head){ .bytes = text.len };
    if (!cut_line(&rest, &line))
        return 400;
    int refused = parse_request_line(line, arena, head);
    while (!refused && cut_line(&rest, &line) && line.len)
        refused = parse_field(line, body_max, head);
    return refused;
}

// SPDX-License-Identifier: Apache-2.0 The head of a request of anybody, as server.c hands it over:
// it ends with the first empty line. And where to listen.
#include <string.h>

#include "fuzz.h"
#include "loop/server_head.h"

enum { BODY_MAX = 4096 };

static void check_listen(struct str where)
{
    struct str host, port;
    if (server_listen_split(where, &host, &port)) {
        assert(port.len >= 1 && port.p + port.len == where.p + where.len);
        assert(host.len + 1 + port.len <= where.len);
    }
}

FUZZ(server_head)
{
    check_listen(input);
    struct arena       arena = { 0 };
    struct server_head head;
    const char        *end = input.len ? memmem(input.p, input.len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return;
    struct str text = { input.p, (size_t)(end - input.p) + 4 };
    int        code = server_head_parse(text, BODY_MAX, &arena, &head);
    assert(code == 0 || (code >= 400 && code <= 599));
    assert(strcmp(server_reason(code ? code : 200), "Status") != 0);
    if (code == 0) {
        assert(head.bytes == text.len && head.body_bytes <= BODY_MAX);
        assert(head.method.len > 0 && head.path.len > 0);
        // who takes them for C strings sees all of them
        assert(strlen(head.path.p) == head.path.len && strlen(head.query.p) == head.query.len);
        assert(head.has_length || head.body_bytes == 0);
    }
    arena_fini(&arena);
}

// SPDX-License-Identifier: Apache-2.0
/* Answers of Redis, in pieces: the same comes of them whatever the pieces are, and no count that
 * the other side names makes room for more than the longest answer holds. */
#include <string.h>

#include "fuzz.h"
#include "io/redis_codec.h"
#include "io/redis_sentinel.h"

enum { ANSWER_MAX = 4096, DEPTH_MAX = 16 };

// any answer may be what a sentinel says
static void check_named(const struct answer *answer)
{
    char name[SENTINEL_NAME_BYTES];
    int  port = 0;
    if (!sentinel_names(answer, name, &port))
        return;
    assert(*name && port >= 1 && port <= 65535 && strlen(name) == answer_item(answer, 0).len);
    for (const char *c = name; *c; c++)
        assert((unsigned char)*c > ' ' && *c != 0x7f);
}

static void say(const struct answer *answer, struct buf *said, int depth)
{
    assert(depth < DEPTH_MAX);
    buf_printf(said, "%d %" PRIi64 " %zu ", (int)answer->kind, answer->number, answer->count);
    buf_add(said, answer->text);
    for (size_t i = 0; answer->kind == ANSWER_ARRAY && i < answer->count; i++)
        say(&answer->items[i], said, depth + 1);
    (void)answer_field(answer, "master_replid");
    (void)answer_item(answer, 0);
    check_named(answer);
}

static void read_all(struct str input, size_t piece, struct buf *said)
{
    struct codec      *codec = codec_new(ANSWER_MAX);
    struct redis_reply reply = { 0 };
    enum codec_found   found = CODEC_MORE;
    while (input.len && found != CODEC_BROKEN) {
        size_t len = piece && piece < input.len ? piece : input.len;
        codec_feed(codec, (struct str){ input.p, len });
        input = (struct str){ input.p + len, input.len - len };
        while ((found = codec_next(codec)) == CODEC_ANSWER) {
            // every second answer is taken with its memory
            if (said->len % 2)
                codec_take(codec, &reply);
            say(said->len % 2 ? &reply.answer : codec_answer(codec), said, 0);
        }
    }
    if (found == CODEC_BROKEN)
        assert(*codec_error(codec));
    redis_reply_fini(&reply);
    codec_free(codec);
}

static void check_command(struct str input)
{
    struct str    argv[] = { STR("SET"), { input.p, input.len / 2 }, { input.p, input.len } };
    struct str    bytes  = codec_command(argv, 3);
    struct codec *codec  = codec_new(ANSWER_MAX);
    codec_feed(codec, bytes);
    if (input.len < ANSWER_MAX / 4) {
        enum codec_found found = codec_next(codec);
        assert(found == CODEC_ANSWER && codec_answer(codec)->count == 3);
        assert(str_eq(answer_item(codec_answer(codec), 2), input));
    }
    codec_command_free(bytes);
    codec_free(codec);
}

FUZZ(codec)
{
    struct buf once, twice;
    size_t     piece = 1 + fuzz_byte(&input) % 32;
    buf_init(&once, 1024 * 1024);
    buf_init(&twice, 1024 * 1024);
    read_all(input, 0, &once);
    read_all(input, piece, &twice);
    // the whole may be refused as too long where its pieces had an answer before; what both have
    // said is the same
    size_t shorter = once.len < twice.len ? once.len : twice.len;
    assert(str_eq((struct str){ once.p, shorter }, (struct str){ twice.p, shorter }));
    check_command(input);
    buf_fini(&once);
    buf_fini(&twice);
}

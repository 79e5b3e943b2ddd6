// SPDX-License-Identifier: Apache-2.0
#include "io/redis_codec.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    HEAD_BYTES_MOST  = I64_TEXT_BYTES + 3,  // "$", a length, the end of the line
    ITEM_BYTES_LEAST = 3,                   // an item of an array on the wire: "+\r\n" and the like
};

#if HIREDIS_MAJOR >= 1
typedef size_t item_count;
#else
typedef int item_count;
#endif

struct codec {
    redisReplyObjectFunctions functions;  // the reader's; hiredis wants them writable
    redisReader              *reader;     // owned; its objects are `struct answer` in arena
    struct arena              arena;      // of the answer that is being read, or was read last
    size_t                    answer_max_bytes;
    size_t                    answer_bytes;  // of the answer being read, as far as it is here
    size_t                    items;         // that its arrays have announced
    const char               *error;         // a literal; NULL unless it is we who found it broken
    struct answer            *answer;        // the last whole one, in arena; NULL when taken
};

static struct answer *place(const redisReadTask *task, enum answer_kind kind)
{
    struct codec  *codec = task->privdata;
    struct answer *array = task->parent ? task->parent->obj : NULL;
    struct answer *answer =
        array ? &array->items[task->idx] : arena_alloc(&codec->arena, sizeof *answer);
    answer->kind = kind;
    return answer;
}

// The kinds of RESP3, which is never asked for, and which hiredis knows since 1.0.
static void *refuse(const redisReadTask *task)
{
    struct codec *codec = task->privdata;
    codec->error        = "an answer of a kind that RESP2 does not have";
    return NULL;
}

static void *create_text(const redisReadTask *task, char *p, size_t len)
{
    struct codec *codec    = task->privdata;
    bool          is_error = task->type == REDIS_REPLY_ERROR;
    if (!is_error && task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS)
        return refuse(task);
    struct answer *answer = place(task, is_error ? ANSWER_ERROR : ANSWER_TEXT);
    answer->text          = arena_copy(&codec->arena, (struct str){ p, len });
    return answer;
}

/* The count comes from the other side: room is made only for as many items as fit into the longest
 * answer. */
static void *create_array(const redisReadTask *task, item_count count)
{
    struct codec *codec = task->privdata;
    if (task->type != REDIS_REPLY_ARRAY)
        return refuse(task);
    codec->items += (size_t)count;
    if (codec->items > codec->answer_max_bytes / ITEM_BYTES_LEAST) {
        codec->error = "an answer is too long";
        return NULL;
    }
    struct answer *answer = place(task, ANSWER_ARRAY);
    answer->count         = (size_t)count;
    if (count > 0)
        answer->items = arena_alloc(&codec->arena, (size_t)count * sizeof *answer->items);
    return answer;
}

static void *create_integer(const redisReadTask *task, long long number)
{
    struct answer *answer = place(task, ANSWER_INTEGER);
    answer->number        = number;
    return answer;
}

static void *create_nil(const redisReadTask *task)
{
    return place(task, ANSWER_NIL);
}

// everything is the arena's
static void free_nothing(void *answer)
{
    (void)answer;
}

#if HIREDIS_MAJOR >= 1
static void *refuse_double(const redisReadTask *task, double number, char *p, size_t len)
{
    (void)number, (void)p, (void)len;
    return refuse(task);
}

static void *refuse_bool(const redisReadTask *task, int value)
{
    (void)value;
    return refuse(task);
}
#endif

static redisReader *reader_new(struct codec *codec)
{
    redisReader *reader = redisReaderCreateWithFunctions(&codec->functions);
    assert(reader);
    reader->privdata = codec;
    return reader;
}

struct codec *codec_new(int64_t answer_max_bytes)
{
    struct codec *codec     = xcalloc(1, sizeof *codec);
    codec->answer_max_bytes = (size_t)answer_max_bytes;
    codec->functions        = (redisReplyObjectFunctions)
    {
        .createString = create_text, .createArray = create_array, .createInteger = create_integer,
        .createNil = create_nil, .freeObject = free_nothing,
#if HIREDIS_MAJOR >= 1
        .createDouble = refuse_double, .createBool = refuse_bool,
#endif
    };
    codec->reader = reader_new(codec);
    return codec;
}

void codec_reset(struct codec *codec)
{
    redisReaderFree(codec->reader);
    arena_fini(&codec->arena);
    codec->reader       = reader_new(codec);
    codec->answer       = NULL;
    codec->answer_bytes = 0;
    codec->items        = 0;
    codec->error        = NULL;
}

void codec_feed(struct codec *codec, struct str bytes)
{
    codec->answer_bytes += bytes.len;
    (void)redisReaderFeed(codec->reader, bytes.p,
                          bytes.len);  // a failure stays with the reader: codec_next tells it
}

enum codec_found codec_next(struct codec *codec)
{
    void *object = NULL;
    if (codec->answer) {
        arena_fini(&codec->arena);
        codec->answer = NULL;
    }
    if (codec->error || redisReaderGetReply(codec->reader, &object) != REDIS_OK)
        return CODEC_BROKEN;
    if (object) {
        codec->answer       = object;
        codec->answer_bytes = codec->reader->len - codec->reader->pos;
        codec->items        = 0;
        return CODEC_ANSWER;
    }
    if (codec->answer_bytes <= codec->answer_max_bytes)
        return CODEC_MORE;
    codec->error = "an answer is too long";
    return CODEC_BROKEN;
}

const char *codec_error(const struct codec *codec)
{
    return codec->error ? codec->error : codec->reader->errstr;
}

const struct answer *codec_answer(const struct codec *codec)
{
    return codec->answer;
}

void codec_take(struct codec *codec, struct redis_reply *reply)
{
    assert(codec->answer);
    redis_reply_fini(reply);
    reply->answer = *codec->answer;
    reply->arena  = codec->arena;
    codec->arena  = (struct arena){ 0 };
    codec->answer = NULL;
}

void codec_free(struct codec *codec)
{
    if (!codec)
        return;
    redisReaderFree(codec->reader);
    arena_fini(&codec->arena);
    free(codec);
}

/* hiredis' formatter prints every length twice with sprintf: a twentieth of a worker's time. */
static char *add_head(char *p, char kind, size_t number)
{
    char       digits[I64_TEXT_BYTES];
    struct str text = str_of_i64(digits, (int64_t)number);
    *p++            = kind;
    memcpy(p, text.p, text.len);
    memcpy(p + text.len, "\r\n", 2);
    return p + text.len + 2;
}

static struct str format(const struct str *argv, size_t argc, bool with_count)
{
    size_t most = HEAD_BYTES_MOST;
    for (size_t i = 0; i < argc; i++)
        most += HEAD_BYTES_MOST + argv[i].len + 2;
    char *start = xmalloc(most);
    char *p     = with_count ? add_head(start, '*', argc) : start;
    for (size_t i = 0; i < argc; i++) {
        p = add_head(p, '$', argv[i].len);
        if (argv[i].len)
            memcpy(p, argv[i].p, argv[i].len);
        memcpy(p + argv[i].len, "\r\n", 2);
        p += argv[i].len + 2;
    }
    return (struct str){ start, (size_t)(p - start) };
}

struct str codec_command(const struct str *argv, size_t argc)
{
    return format(argv, argc, true);
}

struct str codec_words(const struct str *argv, size_t argc)
{
    return format(argv, argc, false);
}

void codec_command_free(struct str command)
{
    union {
        const char *looked_at;
        char       *owned;
    } p = { .looked_at = command.p };
    free(p.owned);
}

void redis_reply_fini(struct redis_reply *reply)
{
    arena_fini(&reply->arena);
    reply->answer = (struct answer){ 0 };
}

struct str answer_item(const struct answer *answer, size_t i)
{
    if (answer->kind != ANSWER_ARRAY || i >= answer->count)
        return (struct str){ NULL, 0 };
    return answer->items[i].text;
}

struct str answer_field(const struct answer *answer, const char *field)
{
    for (size_t i = 0; answer->kind == ANSWER_ARRAY && i + 1 < answer->count; i += 2)
        if (str_is(answer->items[i].text, field))
            return answer->items[i + 1].text;
    return (struct str){ NULL, 0 };
}

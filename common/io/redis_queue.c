// SPDX-License-Identifier: Apache-2.0
#include "io/redis_queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "io/redis_codec.h"
#include "loop/clock.h"

void queue_init(struct command_queue *queue, struct loop *loop, int64_t in_flight_max,
                const char *address, const char *why)
{
    *queue = (struct command_queue){
        .loop = loop, .address = address, .why = why, .in_flight_max = in_flight_max
    };
    TAILQ_INIT(&queue->waiting);
    TAILQ_INIT(&queue->written);
}

static void command_free(struct command *command)
{
    timer_fini(&command->deadline);
    codec_command_free(command->bytes);
    free(command);
}

static struct command_list *list_of(struct command *command)
{
    return command->written ? &command->queue->written : &command->queue->waiting;
}

void queue_forget(struct command *command)
{
    TAILQ_REMOVE(list_of(command), command, entry);
    if (!command->greets)
        command->queue->in_flight--;
    command_free(command);
}

struct call *queue_detach(struct command *command)
{
    struct call *call = command->call;
    timer_fini(&command->deadline);
    command->call  = NULL;
    command->reply = NULL;
    return call;
}

static void on_deadline(struct timer *timer)
{
    struct command             *command = container_of(timer, struct command, deadline);
    const struct command_queue *queue   = command->queue;
    struct call                *call    = queue_detach(command);
    struct error                err;
    if (command->written) {
        error_set(&err, ERR_TIMEOUT, "redis %s: no answer in %" PRId64 " ms", queue->address,
                  command->deadline_ms);
    } else {
        error_set(&err, ERR_CONNECT, "redis %s: not connected in %" PRId64 " ms%s%s",
                  queue->address, command->deadline_ms, queue->why[0] ? ": " : "", queue->why);
        queue_forget(command);
    }
    call_finish(call, &err);
}

static void on_cancelled(struct call *call)
{
    struct command *command = call->adapter;
    queue_detach(command);
    if (!command->written)
        queue_forget(command);
}

struct command *queue_begin(struct command_queue *queue, int64_t deadline_ms,
                            struct redis_reply *reply, struct call *call, call_done *done)
{
    assert(deadline_ms > 0);
    if (queue->in_flight >= queue->in_flight_max) {
        struct error err;
        error_set(&err, ERR_FULL, "redis %s: %" PRId64 " commands in flight", queue->address,
                  queue->in_flight);
        call_begin(call, queue->loop, "redis", 0, done, NULL, NULL);
        call_finish(call, &err);
        return NULL;
    }
    struct command *command = xcalloc(1, sizeof *command);
    command->queue          = queue;
    command->call           = call;
    command->reply          = reply;
    command->deadline_ms    = deadline_ms;
    timer_init(&command->deadline, queue->loop, on_deadline);
    timer_start(&command->deadline, deadline_ms);
    call_begin(call, queue->loop, "redis", 0, done, on_cancelled, command);
    queue->in_flight++;
    return command;
}

struct command *queue_greet(struct command_queue *queue, enum greeting word, struct str bytes)
{
    struct command *command = xcalloc(1, sizeof *command);
    command->greets         = true;
    command->word           = word;
    command->queue          = queue;
    command->bytes          = bytes;
    return command;
}

void queue_wait(struct command *command)
{
    TAILQ_INSERT_TAIL(&command->queue->waiting, command, entry);
}

static void write_script_name(const struct command *command, struct stream *stream)
{
    const struct redis_script *script = command->script;
    char                       head[128];
    int                        len = 0;
    if (command->by_text)
        len = snprintf(head, sizeof head, "*%zu\r\n$4\r\nEVAL\r\n$%zu\r\n", command->argc + 2,
                       script->text_len);
    else
        len = snprintf(head, sizeof head, "*%zu\r\n$7\r\nEVALSHA\r\n$40\r\n%.40s\r\n",
                       command->argc + 2, script->sha1);
    stream_write(stream, (struct str){ head, (size_t)len });
    if (command->by_text) {
        stream_write(stream, (struct str){ script->text, script->text_len });
        stream_write(stream, STR("\r\n"));
    }
}

void queue_write(struct command *command, struct stream *stream)
{
    if (command->script)
        write_script_name(command, stream);
    stream_write(stream, command->bytes);
    if (!command->script) {
        codec_command_free(command->bytes);
        command->bytes = (struct str){ NULL, 0 };
    }
    command->written    = true;
    command->written_us = clock_monotonic_us();
    TAILQ_INSERT_TAIL(&command->queue->written, command, entry);
}

void queue_lose(struct command_queue *queue, enum err_code first)
{
    struct command *command;
    while ((command = TAILQ_FIRST(&queue->written))) {
        struct call *call = queue_detach(command);
        struct error err;
        error_set(&err, first, "redis %s: %s", queue->address, queue->why);
        if (call)
            call_finish(call, &err);
        queue_forget(command);
        first = ERR_LOST;
    }
}

static void list_free(struct command_list *list)
{
    struct command *command;
    while ((command = TAILQ_FIRST(list))) {
        assert(!command->call);
        queue_forget(command);
    }
}

void queue_fini(struct command_queue *queue)
{
    list_free(&queue->waiting);
    list_free(&queue->written);
}

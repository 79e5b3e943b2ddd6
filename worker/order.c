// SPDX-License-Identifier: Apache-2.0
#include "worker/order.h"

#include "base/log.h"
#include "job/journal.h"

enum { REFUSED_MAX_BYTES = 1024, READY_ITEMS = 7 };

static void on_looked(struct call *call, const struct error *err);  // 1. what would come of it
// 2. a reschedule's job outlives the topic
static void on_message_journaled(struct call *call, const struct error *err);
static void on_journaled(struct call *call, const struct error *err);  // 3. Kafka has it

static struct order *order_of(struct call *call)
{
    return container_of(call, struct order, call);
}

static void order_stop(struct order *order)
{
    call_cancel(&order->call);
    redis_reply_fini(&order->reply);
}

static void order_finish(struct order *order, const struct error *err)
{
    struct call *call = order->waiting;
    order->waiting    = NULL;
    redis_reply_fini(&order->reply);
    call_finish(call, err);
}

static void on_cancelled(struct call *call)
{
    struct order *order = call->adapter;
    order->waiting      = NULL;
    order_stop(order);
}

static void order_begin(struct order *order, struct call *call, call_done *done)
{
    order->waiting = call;
    call_begin(call, order->program->loop, "command", 0, done, on_cancelled, order);
}

// ---- 3, 2: the journal

static void on_journaled(struct call *call, const struct error *err)
{
    order_finish(order_of(call), err);
}

static void order_send(struct order *order, const struct buf *key, const struct buf *value,
                       call_done *done)
{
    struct kafka_record record = {
        .topic     = order->program->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(key),
        .value     = buf_str(value),
    };
    kafka_send(order->program->kafka, &record, NULL, &order->call, done);
}

static void order_journal(struct order *order)
{
    buf_fini(&order->key);
    buf_fini(&order->value);
    order->record.refused = buf_str(&order->refused);
    command_journal_record(&order->command, &order->record, &order->key, &order->value);
    order_send(order, &order->key, &order->value, on_journaled);
}

static void on_message_journaled(struct call *call, const struct error *err)
{
    if (err)
        order_finish(order_of(call), err);
    else
        order_journal(order_of(call));
}

static void order_set_refused(struct order *order, struct str why, bool unknown)
{
    order->unknown = unknown;
    buf_clear(&order->refused);
    buf_add(&order->refused, why.len ? why : STR("it cannot be done"));
    log_warn("command refused", F_STRN("job", order->command.job_id),
             F_STRN("command", order->command.id), F_STR("what", command_text(order->command.what)),
             F_STRN("why", why));
}

void order_refuse(struct order *order, struct str why, bool unknown, struct call *call,
                  call_done *done)
{
    order_begin(order, call, done);
    order_set_refused(order, why, unknown);
    order_journal(order);
}

// ---- 1. the look

// A job whose message will be gone from the topic when it is due: the message goes to the journal,
// too.
static bool outlives(const struct order *order, const struct answer *look)
{
    int64_t message_ms = 0;
    return order->command.what == COMMAND_RESCHEDULE &&
           str_to_i64(answer_item(look, 4), &message_ms) && answer_item(look, 6).len &&
           order->command.publish_at_ms >
               message_ms + order->program->config.topics_jobs_retention_ms / 2;
}

static void order_ready(struct order *order, const struct answer *look)
{
    struct arena *arena = &order->command.arena;
    int64_t       message_ms;
    order->command.state = arena_copy(arena, answer_item(look, 2));
    order->command.epoch = arena_copy(arena, answer_item(look, 3));
    if (outlives(order, look) && str_to_i64(answer_item(look, 4), &message_ms)) {
        journal_message_record(order->command.job_id, answer_item(look, 5), message_ms,
                               answer_item(look, 6), &order->message_key, &order->message);
        order_send(order, &order->message_key, &order->message, on_message_journaled);
        return;
    }
    order_journal(order);
}

static void on_looked(struct call *call, const struct error *err)
{
    struct order        *order = order_of(call);
    const struct answer *look  = &order->reply.answer;
    enum store_word      word  = WORD_GATE;
    struct error         why;
    if (!store_word(err, &order->reply, &word, &why)) {
        order_finish(order, &why);
    } else if (word == WORD_STATE) {
        order_set_refused(order, answer_item(look, 2), str_is(answer_item(look, 1), "NONE"));
        order_journal(order);
    } else if (word != WORD_OK) {
        program_saw_gate(order->program, word != WORD_GATE);
        error_set(&why, ERR_CLOSED, "the gate is closed, or somebody else has moved the watermark");
        order_finish(order, &why);
    } else if (str_is(answer_item(look, 1), "READY") && look->count == READY_ITEMS) {
        order_ready(order, look);
    } else {
        order_finish(order, NULL);
    }
}

void order_prepare(struct order *order, const struct order_mark *mark, struct call *call,
                   call_done *done)
{
    struct command_args args = { .partition = mark->partition, .shown = mark->shown };
    order_begin(order, call, done);
    command_args_of(&order->command, "look", &args);
    args.timestamp = order->record.at_ms;
    args.by        = program_id(order->program);
    script_command(order->program->store, &args, &order->reply, &order->call, on_looked);
}

void order_args(const struct order *order, struct command_args *args)
{
    command_args_of(&order->command, order_refused(order) ? "refused" : "do", args);
    args->timestamp = order->record.at_ms;
    args->refused   = buf_str(&order->refused);
    args->by        = program_id(order->program);
}

void order_count(const struct order *order, struct str word)
{
    struct metrics         *metrics = order->program->metrics;
    struct str              what    = str_of(command_text(order->command.what));
    enum metric_command_end end     = order_refused(order)    ? COMMANDED_REFUSED
                                      : str_is(word, "KNOWN") ? COMMANDED_KNOWN
                                                              : COMMANDED_DONE;
    metric_add(
        metrics, METRIC_COMMANDS,
        metric_pair(metrics, METRIC_COMMANDS, metric_place(metrics, METRIC_COMMANDS, 0, what), end),
        1);
}

bool order_refused(const struct order *order)
{
    return order->refused.len > 0;
}

// ---- life

bool order_init(struct order *order, struct program *program, struct str message, struct str source,
                int64_t at_ms, struct error *err)
{
    order->program = program;
    order->record  = (struct command_record){ .source = source, .at_ms = at_ms };
    buf_init(&order->refused, REFUSED_MAX_BYTES);
    return command_decode(message, program->config.job_max_bytes, &order->command, err);
}

void order_fini(struct order *order)
{
    order_stop(order);
    command_fini(&order->command);
    buf_fini(&order->refused);
    buf_fini(&order->key);
    buf_fini(&order->value);
    buf_fini(&order->message_key);
    buf_fini(&order->message);
}

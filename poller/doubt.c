// SPDX-License-Identifier: Apache-2.0
#include "poller/doubt.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/kafka_read.h"
#include "job/replay.h"

enum { AT_ONCE = 1000 };

struct asked {  // one doubt
    struct str job_id;
    struct str epoch;       // of its attempt
    struct str publish_id;  // that the journal has of it; "" none
};

struct doubt {
    struct program    *program;  // borrowed
    struct call        call;     // one step at a time
    struct redis_reply page;     // of doubt_due; job ids and epochs are read from it
    struct redis_reply reply;
    struct timer       timer;           // the next look
    struct kafka_read *read;            // owned while the journal is read
    struct replay     *replay;          // owned from then on; publish ids live in it
    struct asked       asked[AT_ONCE];  // by job id
    size_t             count;
    size_t             next;  // to be told to Redis
    bool               bad;   // the journal holds something that cannot be read
};

static void on_due(struct call *call, const struct error *err);     // 1. these: read the journal
static void on_read(struct call *call, const struct error *err);    // 2. known: the first answer
static void on_result(struct call *call, const struct error *err);  // 3. taken: the next one
static void on_looked(struct call *call, const struct error *err);  // 4. all were looked for

static struct doubt *doubt_of(struct call *call)
{
    return container_of(call, struct doubt, call);
}

static void doubt_drop(struct doubt *doubt)
{
    call_cancel(&doubt->call);
    redis_reply_fini(&doubt->page);
    redis_reply_fini(&doubt->reply);
    kafka_read_free(doubt->read);
    replay_free(doubt->replay);
    doubt->read   = NULL;
    doubt->replay = NULL;
    doubt->count  = 0;
}

static void doubt_later(struct doubt *doubt)
{
    const struct config *config = &doubt->program->config;
    doubt_drop(doubt);
    timer_start(&doubt->timer, config->unsure_look_ms < config->poller_idle_ms
                                   ? config->poller_idle_ms
                                   : config->unsure_look_ms);
}

static void on_looked(struct call *call, const struct error *err)
{
    (void)err;  // not told: they are looked for once more
    doubt_later(doubt_of(call));
}

static void tell_looked(struct doubt *doubt)
{
    struct str words[AT_ONCE * 2];
    for (size_t i = 0; i < doubt->count; i++) {
        words[i * 2]     = doubt->asked[i].job_id;
        words[i * 2 + 1] = doubt->asked[i].epoch;
    }
    struct doubt_looked_args args = { .looked = words, .looked_count = doubt->count * 2 };
    script_doubt_looked(doubt->program->store, &args, &doubt->reply, &doubt->call, on_looked);
}

static void tell_next(struct doubt *doubt)
{
    while (doubt->next < doubt->count && !doubt->asked[doubt->next].publish_id.len)
        doubt->next++;
    if (doubt->next == doubt->count) {
        tell_looked(doubt);
        return;
    }
    const struct asked *asked = &doubt->asked[doubt->next];
    struct result_args  args  = {
          .job_id     = asked->job_id,
          .epoch      = asked->epoch,
          .publish_id = asked->publish_id,
          .worker     = program_id(doubt->program),
    };
    script_result(doubt->program->store, &args, &doubt->reply, &doubt->call, on_result);
}

static void on_result(struct call *call, const struct error *err)
{
    struct doubt       *doubt = doubt_of(call);
    const struct asked *asked = &doubt->asked[doubt->next];
    enum store_word     word  = WORD_GATE;
    struct error        why;
    if (!store_word(err, &doubt->reply, &word, &why) || word == WORD_GATE) {
        doubt_later(doubt);
        return;
    }
    log_warn(word == WORD_OK
                 ? "in doubt, and the journal has TikTok's answer: it is followed"
                 : "the journal has TikTok's answer, and the job has gone on without it",
             F_STRN("job", asked->job_id), F_STRN("epoch", asked->epoch),
             F_STRN("publish_id", asked->publish_id));
    redis_reply_fini(&doubt->reply);
    doubt->next++;
    tell_next(doubt);
}

// ---- the journal

static int compare_asked(const void *left, const void *right)
{
    const struct asked *a = left, *b = right;
    return str_compare(a->job_id, b->job_id);
}

static struct asked *find(const struct doubt *doubt, struct str job_id)
{
    struct asked wanted = { .job_id = job_id };
    return job_id.len ? bsearch(&wanted, doubt->asked, doubt->count, sizeof wanted, compare_asked)
                      : NULL;
}

static bool is_asked(const void *owner, struct str job_id)
{
    return find(owner, job_id) != NULL;
}

static void on_record(void *owner, const struct kafka_message *message)
{
    struct doubt *doubt = owner;
    struct error  err;
    if (doubt->bad || replay_record(doubt->replay, message->key, message->value, &err))
        return;
    doubt->bad = true;
    log_error("doubts are not looked for in the journal, nor is on_unsure done",
              F_STR("why", err.message));
}

static void on_read(struct call *call, const struct error *err)
{
    struct doubt *doubt = doubt_of(call);
    if (err || doubt->bad) {
        if (err)
            log_warn("the journal cannot be read for doubts", F_STR("why", err->message));
        doubt_later(doubt);
        return;
    }
    for (size_t i = 0; i < replay_jobs(doubt->replay); i++) {
        struct replay_verdict verdict;
        replay_verdict(doubt->replay, i, &verdict);
        struct asked *asked = find(doubt, verdict.job_id);
        if (asked && verdict.says == REPLAY_PROCESSING && str_eq(verdict.epoch, asked->epoch))
            asked->publish_id = verdict.publish_id;
    }
    doubt->next = 0;
    tell_next(doubt);
}

// ---- the doubts

static void on_due(struct call *call, const struct error *err)
{
    struct doubt        *doubt = doubt_of(call);
    struct program      *p     = doubt->program;
    const struct answer *page  = &doubt->page.answer;
    enum store_word      word  = WORD_WAIT;
    struct error         why;
    if (!store_word(err, &doubt->page, &word, &why) || word != WORD_OK) {
        doubt_later(doubt);
        return;
    }
    for (size_t i = 1; i + 1 < page->count && doubt->count < AT_ONCE; i += 2)
        doubt->asked[doubt->count++] =
            (struct asked){ .job_id = answer_item(page, i), .epoch = answer_item(page, i + 1) };
    qsort(doubt->asked, doubt->count, sizeof doubt->asked[0], compare_asked);
    doubt->bad    = false;
    doubt->replay = replay_new(p->config.job_keep_ms);
    replay_only(doubt->replay, is_asked, doubt);
    doubt->read =
        kafka_read_start(p->loop, &p->kafka_settings, p->topics[TOPIC_JOURNAL], NULL, 0,
                         p->config.kafka_read_idle_ms, on_record, doubt, &doubt->call, on_read);
}

static void on_timer(struct timer *timer)
{
    struct doubt         *doubt = container_of(timer, struct doubt, timer);
    struct program       *p     = doubt->program;
    struct doubt_due_args args  = { .count = AT_ONCE };
    if (p->draining)
        return;
    if (p->first && p->gate_open && redis_connected(p->redis))
        script_doubt_due(p->store, &args, &doubt->page, &doubt->call, on_due);
    else
        doubt_later(doubt);
}

struct doubt *doubt_new(struct program *program)
{
    struct doubt *doubt = xcalloc(1, sizeof *doubt);
    doubt->program      = program;
    timer_init(&doubt->timer, program->loop, on_timer);
    doubt_later(doubt);
    return doubt;
}

void doubt_drain(struct doubt *doubt)
{
    timer_stop(&doubt->timer);
    doubt_drop(doubt);
}

void doubt_free(struct doubt *doubt)
{
    if (!doubt)
        return;
    doubt_drop(doubt);
    timer_fini(&doubt->timer);
    free(doubt);
}

// SPDX-License-Identifier: Apache-2.0
#include "poller/audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"

enum { KEEP_AT_MOST = 8, KEEP_FIELDS = 4, CURSOR_BYTES = 32 };

struct audit {
    struct program    *program;  // borrowed
    struct call        call;     // one step at a time
    struct redis_reply page;     // of the script; what is to be kept is read from it
    struct redis_reply reply;    // of `kept`
    struct timer       timer;    // the next page
    char               cursor[CURSOR_BYTES];
    size_t             keep;  // index in page of the next message to keep
    struct buf         key;   // its record
    struct buf         record;
};

static void keep_next(struct audit *audit);

static void audit_later(struct audit *audit)
{
    redis_reply_fini(&audit->page);
    timer_start(&audit->timer, audit->program->config.audit_interval_ms);
}

static void on_marked(struct call *call, const struct error *err)
{
    struct audit   *audit = container_of(call, struct audit, call);
    enum store_word word;
    struct error    why;
    if (!store_word(err, &audit->reply, &word, &why))
        log_debug("not marked as kept: it is kept again", F_STR("why", why.message));
    redis_reply_fini(&audit->reply);
    audit->keep += KEEP_FIELDS;
    keep_next(audit);
}

static void on_recorded(struct call *call, const struct error *err)
{
    struct audit *audit = container_of(call, struct audit, call);
    struct str    id    = answer_item(&audit->page.answer, audit->keep);
    if (err) {
        log_warn("a waiting job's message is not in the journal yet", F_STRN("job", id),
                 F_STR("why", err->message));
        audit_later(audit);
        return;
    }
    log_info("a waiting job's message is in the journal", F_STRN("job", id));
    struct kept_args args = { .job_id = id };
    script_kept(audit->program->store, &args, &audit->reply, &audit->call, on_marked);
}

static void keep_next(struct audit *audit)
{
    const struct answer *page = &audit->page.answer;
    struct program      *p    = audit->program;
    int64_t              at;
    if (audit->keep + KEEP_FIELDS > page->count || p->draining) {
        audit_later(audit);
        return;
    }
    if (!str_to_i64(answer_item(page, audit->keep + 2), &at))
        at = 0;
    buf_fini(&audit->key);
    buf_fini(&audit->record);
    journal_message_record(answer_item(page, audit->keep), answer_item(page, audit->keep + 1), at,
                           answer_item(page, audit->keep + 3), &audit->key, &audit->record);
    struct kafka_record record = {
        .topic     = p->topics[TOPIC_JOURNAL],
        .partition = -1,
        .key       = buf_str(&audit->key),
        .value     = buf_str(&audit->record),
    };
    kafka_send(p->kafka, &record, NULL, &audit->call, on_recorded);
}

static void on_page(struct call *call, const struct error *err)
{
    struct audit        *audit = container_of(call, struct audit, call);
    const struct answer *page  = &audit->page.answer;
    enum store_word      word  = WORD_GATE;
    struct error         why;
    if (!store_word(err, &audit->page, &word, &why) || word != WORD_OK || page->count < 3) {
        audit_later(audit);
        return;
    }
    size_t repairs = (size_t)page->items[2].number;
    snprintf(audit->cursor, sizeof audit->cursor, "%.*s", STR_ARG(answer_item(page, 1)));
    metric_add(audit->program->metrics, METRIC_REPAIRS, 0, page->items[2].number);
    for (size_t i = 0; i < repairs; i++)
        log_warn("audit repaired", F_STRN("what", answer_item(page, 3 + i)));
    audit->keep = 3 + repairs;
    keep_next(audit);
}

static void on_timer(struct timer *timer)
{
    struct audit   *audit = container_of(timer, struct audit, timer);
    struct program *p     = audit->program;
    if (p->draining)
        return;
    if (!p->first || !p->gate_open || !redis_connected(p->redis)) {
        timer_start(timer, p->config.audit_interval_ms);
        return;
    }
    struct audit_args args = {
        .poller       = program_id(p),
        .cursor       = str_of(audit->cursor),
        .count        = p->config.audit_page,
        .keep_at_most = KEEP_AT_MOST,
    };
    script_audit(p->store, &args, &audit->page, &audit->call, on_page);
}

struct audit *audit_new(struct program *program)
{
    struct audit *audit = xcalloc(1, sizeof *audit);
    audit->program      = program;
    snprintf(audit->cursor, sizeof audit->cursor, "0");
    timer_init(&audit->timer, program->loop, on_timer);
    timer_start(&audit->timer, program->config.audit_interval_ms);
    return audit;
}

void audit_drain(struct audit *audit)
{
    timer_stop(&audit->timer);
}

void audit_free(struct audit *audit)
{
    if (!audit)
        return;
    call_cancel(&audit->call);
    redis_reply_fini(&audit->page);
    redis_reply_fini(&audit->reply);
    buf_fini(&audit->key);
    buf_fini(&audit->record);
    timer_fini(&audit->timer);
    free(audit);
}

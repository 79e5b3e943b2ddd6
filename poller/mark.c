// SPDX-License-Identifier: Apache-2.0
#include "poller/mark.h"

#include <stdlib.h>

#include "base/memory.h"

enum { PARTITIONS_MAX = 4096, TEXT_MAX_BYTES = PARTITIONS_MAX * 32 };

struct mark {
    struct program     *program;  // borrowed
    struct call         call;
    struct redis_reply  reply;
    struct timer        timer;  // the next mark
    struct kafka_offset ends[PARTITIONS_MAX];
    size_t              count;
};

void mark_text(const struct kafka_offset *ends, size_t count, struct buf *text)
{
    buf_init(text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        buf_printf(text, "%s%d:%" PRIi64, i ? " " : "", (int)ends[i].partition, ends[i].offset);
}

bool mark_parse(struct str text, struct kafka_offset *ends, size_t max, size_t *count)
{
    struct str part, number;
    *count = 0;
    while (str_cut(&text, ' ', &part)) {
        int64_t partition, offset;
        if (*count == max || !str_cut(&part, ':', &number) || !str_to_i64(number, &partition) ||
            !str_to_i64(part, &offset) || partition < 0 || partition >= PARTITIONS_MAX ||
            offset < 0)
            return false;
        ends[(*count)++] = (struct kafka_offset){ (int32_t)partition, offset };
    }
    return true;
}

void mark_saw(struct mark *mark, const struct kafka_place *place)
{
    size_t i = 0;
    if (place->offset < 0 || place->partition < 0 || place->partition >= PARTITIONS_MAX)
        return;  // a second copy: where the first one stands is not told
    while (i < mark->count && mark->ends[i].partition != place->partition)
        i++;
    if (i == mark->count)
        mark->ends[mark->count++] = (struct kafka_offset){ place->partition, 0 };
    if (place->offset + 1 > mark->ends[i].offset)
        mark->ends[i].offset = place->offset + 1;
}

static int64_t span_ms(const struct mark *mark)
{
    return mark->program->config.lease_ms + mark->program->config.gate_tail_ms;
}

static void on_marked(struct call *call, const struct error *err)
{
    struct mark *mark = container_of(call, struct mark, call);
    (void)err;  // the one before stands: a gate reads a little more
    redis_reply_fini(&mark->reply);
    timer_start(&mark->timer, span_ms(mark));
}

static void on_timer(struct timer *timer)
{
    struct mark    *mark = container_of(timer, struct mark, timer);
    struct program *p    = mark->program;
    struct buf      ends;
    if (p->draining)
        return;
    if (!p->first || !p->gate_open || !redis_connected(p->redis)) {
        timer_start(timer, span_ms(mark));
        return;
    }
    mark_text(mark->ends, mark->count, &ends);
    struct gate_ends_args args = { .poller = program_id(p),
                                   .ends   = buf_str(&ends),
                                   .span   = span_ms(mark) };
    script_gate_ends(p->store, &args, &mark->reply, &mark->call, on_marked);
    buf_fini(&ends);
}

struct mark *mark_new(struct program *program)
{
    struct mark *mark = xcalloc(1, sizeof *mark);
    mark->program     = program;
    timer_init(&mark->timer, program->loop, on_timer);
    timer_start(&mark->timer, span_ms(mark));
    return mark;
}

void mark_drain(struct mark *mark)
{
    timer_stop(&mark->timer);
}

void mark_free(struct mark *mark)
{
    if (!mark)
        return;
    call_cancel(&mark->call);
    redis_reply_fini(&mark->reply);
    timer_fini(&mark->timer);
    free(mark);
}

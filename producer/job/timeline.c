// SPDX-License-Identifier: Apache-2.0
#include "producer/job/timeline.h"

#include "base/memory.h"
#include "job/state.h"
#include "loop/clock.h"
#include "producer/tool/words.h"

bool timeline_parse(struct str text, struct timeline_line *line)
{
    struct str  time;
    struct str *parts[] = { &time,     &line->epoch, &line->from, &line->event,
                            &line->to, &line->by,    &line->why };
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (!str_cut(&text, '\t', parts[i])) {
            // the last one is empty mostly
            if (i + 1 < COUNT_OF(parts))
                return false;
            *parts[i] = (struct str){ 0 };
        }
    return str_to_i64(time, &line->at_ms);
}

// lines that are no arrows
static void add_words(struct str event, struct buf *out)
{
    enum job_event arrow;
    if (words_event_parse(event, &arrow))
        buf_add_text(out, words_event(arrow));
    else if (str_is(event, "REFUSED"))
        buf_add_text(out, "a command was refused");
    else if (str_is(event, "RESCHEDULE"))
        buf_add_text(out, "given another moment");
    else
        buf_add_visible(out, event);
}

void timeline_print(const struct timeline_line *line, int64_t before_ms, struct out *out)
{
    char           time[CLOCK_TEXT_BYTES];
    enum job_state to;
    struct buf     words;
    buf_init(&words, 1024);
    clock_format(line->at_ms, time);
    add_words(line->event, &words);
    if (line->why.len && !str_eq(line->why, buf_str(&words))) {  // "cancelled: cancelled"
        buf_add_text(&words, ": ");
        buf_add_visible(&words, line->why);
    }
    if (line->epoch.len) {
        buf_add_text(&words, "  [");
        buf_add_visible(&words, line->epoch);
        buf_add_text(&words, "]");
    }
    out_printf(out, "  %.10s %.12s", time, time + 11);
    if (before_ms > 0)
        out_paint(out, FAINT, " %+9.3f s", (double)(line->at_ms - before_ms) / 1000);
    else
        out_printf(out, "%12s", "");
    out_printf(out, "  ");
    out_paint(out, job_state_parse(line->to, &to) ? words_paint(to) : PLAIN, "%-10.*s",
              STR_ARG(line->to));
    out_printf(out, "  %s", buf_text(&words));
    buf_clear(&words);
    buf_add_visible(&words, line->by);
    out_paint(out, FAINT, "  by %s", buf_text(&words));
    out_printf(out, "\n");
    buf_fini(&words);
}

struct json *timeline_json(const struct timeline_line *line)
{
    struct json *object = json_object();
    json_set_i64(object, "time", line->at_ms);
    json_set_text(object, "epoch", line->epoch);
    json_set_text(object, "from", line->from);
    json_set_text(object, "event", line->event);
    json_set_text(object, "to", line->to);
    json_set_text(object, "by", line->by);
    json_set_text(object, "why", line->why);
    return object;
}

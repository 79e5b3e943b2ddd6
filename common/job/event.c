// SPDX-License-Identifier: Apache-2.0
#include "job/event.h"

#include "io/json.h"
#include "job/state.h"

enum { EVENT_MAX_BYTES = 64 * 1024, EVENT_VERSION = 1, ID_MAX_BYTES = 512 };

static void copy_text(struct json *object, const struct answer *fields, const char *field)
{
    struct str text = answer_field(fields, field);
    if (text.len)
        json_set_text(object, field, text);
}

static void set_error(struct json *object, const struct answer *fields)
{
    if (!answer_field(fields, "error_code").len)
        return;
    struct json *error = json_object();
    json_set_text(error, "code", answer_field(fields, "error_code"));
    json_set_text(error, "cause", answer_field(fields, "error_cause"));
    json_set_text(error, "remedy", answer_field(fields, "error_remedy"));
    json_set(object, "error", &error);
}

static int64_t number_or_0(const struct answer *fields, const char *field)
{
    int64_t number;
    return str_to_i64(answer_field(fields, field), &number) ? number : 0;
}

static void set_id(struct json *object, const struct event *event)
{
    struct buf id;
    buf_init(&id, ID_MAX_BYTES);
    if (event->job_id.len)
        buf_printf(&id, "%.*s/%.*s/%.*s", STR_ARG(event->job_id), STR_ARG(event->epoch),
                   STR_ARG(event->name));
    else
        buf_printf(&id, "account/%.*s/%.*s/%.*s", STR_ARG(event->account), STR_ARG(event->epoch),
                   STR_ARG(event->name));
    json_set_text(object, "event_id", buf_str(&id));
    buf_fini(&id);
}

void event_of_outbox(const struct answer *fields, struct event *event, struct buf *json)
{
    enum job_state state = JOB_NONE;
    int64_t        attempt;
    *event         = (struct event){ 0 };
    event->job_id  = answer_field(fields, "job_id");
    event->epoch   = answer_field(fields, "epoch");
    event->name    = answer_field(fields, "name");
    event->account = answer_field(fields, "account");
    event->source  = answer_field(fields, "source");
    event->attempt = answer_field(fields, "attempt");
    event->by      = answer_field(fields, "by");
    if (!event->account.len)
        event->account = answer_field(fields, "account_text");
    event->code       = answer_field(fields, "error_code");
    event->from       = answer_field(fields, "from");
    event->spent_ms   = number_or_0(fields, "spent");
    event->message_ms = number_or_0(fields, "t_message");
    event->at_ms      = number_or_0(fields, "at");
    // an id that is too old to know may have a true end in the journal: this one must not take its
    // place
    bool too_old  = str_is(answer_field(fields, "event"), "TOO_OLD");
    event->is_end = job_state_parse(event->name, &state) && job_state_is_end(state) && !too_old;

    buf_init(json, EVENT_MAX_BYTES);
    struct json *object = json_object();
    json_set_i64(object, "v", EVENT_VERSION);
    set_id(object, event);
    if (event->job_id.len) {
        json_set_text(object, "job_id", event->job_id);
        json_set_text(object, "epoch", event->epoch);
    }
    json_set_i64(object, "time", event->at_ms);
    // PUBLIC_ID is no state: the job was and is PUBLISHED
    json_set_text(object, "state",
                  str_is(event->name, "PUBLIC_ID") ? STR("PUBLISHED") : event->name);
    json_set_text(object, "event", answer_field(fields, "event"));
    json_set_text(object, "account", event->account);
    if (str_to_i64(event->attempt, &attempt))
        json_set_i64(object, "attempt", attempt);
    copy_text(object, fields, "publish_id");
    copy_text(object, fields, "post_id");
    copy_text(object, fields, "post_url");
    copy_text(object, fields, "log_id");
    set_error(object, fields);
    if (answer_field(fields, "metadata").len)
        json_set_raw(object, "metadata", answer_field(fields, "metadata"));
    json_print(object, json);
    json_free(object);
}

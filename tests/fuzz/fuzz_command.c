// SPDX-License-Identifier: Apache-2.0
/* A message that is a command: what was decoded stands in its record, and is read from there as the
 * same; and any JSON at all may be taken for such a record. */
#include "fuzz.h"
#include "io/json.h"
#include "job/command.h"
#include "job/job.h"

enum { MAX_BYTES = 16 * 1024 };

static void check_same(const struct command *a, const struct command *b)
{
    assert(a->what == b->what && a->posted == b->posted);
    assert(a->publish_at_ms == b->publish_at_ms && a->expires_at_ms == b->expires_at_ms);
    assert(str_eq(a->id, b->id) && str_eq(a->job_id, b->job_id) && str_eq(a->account, b->account));
    assert(str_eq(a->epoch, b->epoch) && str_eq(a->publish_id, b->publish_id));
    assert(str_eq(a->post_id, b->post_id) && str_eq(a->post_url, b->post_url));
    assert(str_eq(a->by, b->by) && str_eq(a->reason, b->reason) && str_eq(a->state, b->state));
}

static void check_record(const struct command *command)
{
    struct command_record said  = { .source  = STR("f.jobs-1@7"),
                                    .at_ms   = 1796146200000,
                                    .refused = STR("too late") };
    struct command_record heard = { 0 };
    struct command        again;
    struct buf            key, value;
    struct error          err;
    command_journal_record(command, &said, &key, &value);
    assert(!key.full && !value.full);
    struct json *json = json_parse(buf_str(&value), value.max, 8, &err);
    assert(json);
    bool ok = command_of_record(json, &again, &heard, &err);
    assert(ok);
    check_same(command, &again);
    assert(heard.at_ms == said.at_ms && str_eq(heard.source, said.source) &&
           str_eq(heard.refused, said.refused));
    command_fini(&again);
    json_free(json);
    buf_fini(&key);
    buf_fini(&value);
}

static void read_as_record(struct str input)
{
    struct command        command;
    struct command_record record = { 0 };
    struct error          err;
    struct json          *json = json_parse(input, MAX_BYTES, 8, &err);
    if (!json)
        return;
    if (command_of_record(json, &command, &record, &err))
        assert(command.id.len && (command.job_id.len || command_is_pause(command.what)));
    command_fini(&command);
    json_free(json);
}

FUZZ(command)
{
    struct command command;
    struct error   err;
    if (command_decode(input, MAX_BYTES, &command, &err)) {
        assert(message_kind_of(input, MAX_BYTES) == MESSAGE_COMMAND);
        assert(job_id_valid(command.id) &&
               (command_is_pause(command.what) || job_id_valid(command.job_id)));
        check_record(&command);
    } else {
        fuzz_check_message(err.message);
    }
    command_fini(&command);
    read_as_record(input);
}

// SPDX-License-Identifier: Apache-2.0
#include "member.h"

static void on_assigned(void *owner, const int32_t *partitions, size_t count)
{
    struct member *member = owner;
    member->assignments++;
    member->count = count;
    for (size_t i = 0; i < count; i++) {
        member->has[i] = partitions[i];
        if (member->start_at != START_NOTHING) {
            member->next[partitions[i]] = member->start_at >= 0 ? member->start_at : -1;
            kafka_in_start(member->in, partitions[i], member->start_at);
        }
    }
}

static void on_revoked(void *owner)
{
    struct member *member = owner;
    member->revocations++;
    member->count = 0;
}

static void on_message(void *owner, const struct kafka_message *message)
{
    struct member *member = owner;
    int32_t        p      = message->partition;
    member->messages++;
    if (member->next[p] >= 0 && message->offset != member->next[p])
        member->wrong++;
    member->next[p] = message->offset + 1;
    member->last[p] = message->offset;
    if (member->on_message)
        member->on_message(member, message);
}

static void on_out_of_range(void *owner, int32_t partition)
{
    struct member *member = owner;
    member->out_of_range  = partition;
}

static void on_error(void *owner, const struct error *err)
{
    struct member *member = owner;
    (void)err;
    member->errors++;
}

static void on_closed(void *owner)
{
    struct member *member = owner;
    member->closed        = true;
    kafka_in_free(member->in);
    member->in = NULL;
}

static const struct kafka_in_events events = {
    .on_assigned     = on_assigned,
    .on_revoked      = on_revoked,
    .on_message      = on_message,
    .on_out_of_range = on_out_of_range,
    .on_error        = on_error,
};

void member_join(struct member *member, struct bed *bed, const char *brokers, const char *group,
                 const char *topic, int64_t start_at)
{
    struct error          err;
    struct kafka_settings settings = bed->settings;
    settings.brokers               = brokers;
    *member = (struct member){ .bed = bed, .out_of_range = -1, .start_at = start_at };
    for (int i = 0; i < PARTITIONS; i++)
        member->next[i] = member->last[i] = -1;
    member->in = kafka_in_new(bed->loop, &settings, group, topic, &events, member, &err);
    if (!member->in)
        fail_msg("%s", err.message);
}

void member_begin_leave(struct member *member)
{
    kafka_in_close(member->in, on_closed);
    assert_false(member->closed);
}

void member_leave(struct member *member)
{
    member_begin_leave(member);
    WAIT_FOR(member->bed, 6000, member->closed);
}

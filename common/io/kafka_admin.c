// SPDX-License-Identifier: Apache-2.0
/* 1. ask how many partitions each topic has; 2. create those that are missing; 3. read the configuration of the rest.
 * Each topic's line is said as soon as it is known, each exactly once. */
#include "io/kafka_admin.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/kafka_client.h"
#include "loop/clock.h"

enum { GRACE_MS = 2000, LEAST_MS = 100, DETAIL_BYTES = 1024 };

struct kafka_admin {
    struct kafka_client       client;  // client.rk NULL: after a cancelled call, until the next
    rd_kafka_conf_t          *conf;    // owned; each client gets a copy
    struct loop              *loop;    // borrowed
    struct call              *call;    // NULL: nothing under way
    const struct kafka_topic *topics;  // borrowed until the call is done
    size_t                    count;   // of them
    int32_t *partitions;  // owned; of each topic that is there; 0: there, number not known
    bool    *told;        // owned; of each topic
    kafka_topic_result *on_result;  // the owner's
    void               *owner;      // borrowed
    int64_t             until_ms;   // monotonic
    bool                stale;      // the client still does something for a cancelled call
};

// What is under way cannot be taken back: it goes with its client, or, from within on_result, is
// not listened to.
static void on_cancel(struct call *call)
{
    struct kafka_admin *admin = call->adapter;
    admin->call               = NULL;
    admin->stale              = true;
}

static void finish(struct kafka_admin *admin, const struct error *err)
{
    struct call *call = admin->call;
    admin->call       = NULL;
    if (call)
        call_finish(call, err);
}

static void say(struct kafka_admin *admin, size_t i, enum kafka_topic_state state,
                const char *detail)
{
    if (admin->told[i] || !admin->call)
        return;
    admin->told[i] = true;
    admin->on_result(admin->owner, &admin->topics[i], state, detail);
}

static size_t topic_find(const struct kafka_admin *admin, const char *name)
{
    size_t i = 0;
    while (i < admin->count && strcmp(admin->topics[i].name, name))
        i++;
    return i;
}

static bool all_told(const struct kafka_admin *admin)
{
    for (size_t i = 0; i < admin->count; i++)
        if (!admin->told[i])
            return false;
    return true;
}

static int left_ms(const struct kafka_admin *admin)
{
    int64_t left = admin->until_ms - clock_monotonic_ms();
    return (int)(left < LEAST_MS ? LEAST_MS : left);
}

static rd_kafka_AdminOptions_t *options_new(struct kafka_admin *admin, rd_kafka_admin_op_t what)
{
    char                     why[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->client.rk, what);
    rd_kafka_AdminOptions_set_request_timeout(options, left_ms(admin), why, sizeof why);
    return options;
}

// what a topic that is there differs in, as far as is known without its configuration
static void compare_partitions(const struct kafka_admin *admin, size_t i, struct buf *detail)
{
    if (admin->topics[i].partitions > 0 && admin->partitions[i] > 0 &&
        admin->partitions[i] != admin->topics[i].partitions)
        buf_printf(detail, "partitions: %d instead of %d", (int)admin->partitions[i],
                   (int)admin->topics[i].partitions);
}

static void compare_config(const struct kafka_topic_config *wanted,
                           const rd_kafka_ConfigEntry_t **entries, size_t entry_count,
                           struct buf *detail)
{
    const char *value = NULL;
    for (size_t i = 0; i < entry_count; i++)
        if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), wanted->name))
            value = rd_kafka_ConfigEntry_value(entries[i]);
    if (!value || strcmp(value, wanted->value))
        buf_printf(detail, "%s%s: %s instead of %s", detail->len ? "; " : "", wanted->name,
                   value ? value : "not set", wanted->value);
}

static void say_unread(struct kafka_admin *admin, size_t i, const char *why)
{
    struct buf detail;
    buf_init(&detail, DETAIL_BYTES);
    compare_partitions(admin, i, &detail);
    enum kafka_topic_state state = detail.len ? TOPIC_DRIFTED : TOPIC_THERE;
    buf_printf(&detail, "%sconfiguration could not be read: %s", detail.len ? "; " : "", why);
    say(admin, i, state, buf_text(&detail));
    buf_fini(&detail);
}

static void say_compared(struct kafka_admin *admin, size_t i,
                         const rd_kafka_ConfigResource_t *resource)
{
    struct buf                     detail;
    size_t                         entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resource, &entry_count);
    buf_init(&detail, DETAIL_BYTES);
    compare_partitions(admin, i, &detail);
    for (size_t j = 0; j < admin->topics[i].config_count; j++)
        compare_config(&admin->topics[i].configs[j], entries, entry_count, &detail);
    say(admin, i, detail.len ? TOPIC_DRIFTED : TOPIC_THERE, buf_text(&detail));
    buf_fini(&detail);
}

// 3. what there is, by name; the topics of step 2 that turned out to be there, too
static void describe(struct kafka_admin *admin)
{
    size_t                      n         = 0;
    rd_kafka_ConfigResource_t **resources = xcalloc(admin->count + 1, sizeof(void *));
    for (size_t i = 0; i < admin->count; i++)
        if (!admin->told[i])
            resources[n++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, admin->topics[i].name);
    if (n) {
        rd_kafka_AdminOptions_t *options = options_new(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
        rd_kafka_DescribeConfigs(admin->client.rk, resources, n, options, admin->client.queue);
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_ConfigResource_destroy_array(resources, n);
    } else {
        finish(admin, NULL);
    }
    free(resources);
}

static void on_described(struct kafka_admin *admin, rd_kafka_event_t *event)
{
    size_t                            n = 0;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &n);
    for (size_t j = 0; j < n; j++) {
        size_t      i   = topic_find(admin, rd_kafka_ConfigResource_name(resources[j]));
        const char *why = rd_kafka_ConfigResource_error_string(resources[j]);
        if (i == admin->count)
            continue;
        if (rd_kafka_ConfigResource_error(resources[j]))
            say_unread(admin, i,
                       why ? why : rd_kafka_err2str(rd_kafka_ConfigResource_error(resources[j])));
        else
            say_compared(admin, i, resources[j]);
    }
    const char *why = rd_kafka_event_error_string(event);
    for (size_t i = 0; i < admin->count; i++)
        if (!admin->told[i])
            say_unread(admin, i, why ? why : "no answer for this topic");
    finish(admin, NULL);
}

static rd_kafka_NewTopic_t *new_topic(const struct kafka_topic *topic, char *why, size_t why_bytes)
{
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, topic->replication, why, why_bytes);
    for (size_t i = 0; wanted && i < topic->config_count; i++)
        rd_kafka_NewTopic_set_config(wanted, topic->configs[i].name, topic->configs[i].value);
    return wanted;
}

// 2.
static void create(struct kafka_admin *admin)
{
    size_t                n = 0;
    char                  why[256];
    rd_kafka_NewTopic_t **wanted = xcalloc(admin->count + 1, sizeof(void *));
    for (size_t i = 0; i < admin->count; i++) {
        if (admin->partitions[i] != PARTITIONS_NO_TOPIC)
            continue;
        if (!admin->topics[i].partitions) {
            say(admin, i, TOPIC_FAILED, "no such topic");
            continue;
        }
        wanted[n] = new_topic(&admin->topics[i], why, sizeof why);
        if (wanted[n])
            n++;
        else
            say(admin, i, TOPIC_FAILED, why);
    }
    if (n) {
        rd_kafka_AdminOptions_t *options = options_new(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
        rd_kafka_CreateTopics(admin->client.rk, wanted, n, options, admin->client.queue);
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_NewTopic_destroy_array(wanted, n);
    } else {
        describe(admin);
    }
    free(wanted);
}

static void on_created(struct kafka_admin *admin, rd_kafka_event_t *event)
{
    size_t                          n = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    for (size_t j = 0; j < n; j++) {
        size_t              i    = topic_find(admin, rd_kafka_topic_result_name(results[j]));
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[j]);
        const char         *why  = rd_kafka_topic_result_error_string(results[j]);
        if (i == admin->count)
            continue;
        if (!code)
            say(admin, i, TOPIC_CREATED, "");
        else if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            admin->partitions[i] = 0;  // somebody else was faster: compare it
        else
            say(admin, i, TOPIC_FAILED, why ? why : rd_kafka_err2str(code));
    }
    const char *why = rd_kafka_event_error_string(event);
    for (size_t i = 0; i < admin->count; i++)
        if (admin->partitions[i] == PARTITIONS_NO_TOPIC)
            say(admin, i, TOPIC_FAILED, why && *why ? why : "no answer for this topic");
    if (all_told(admin))
        finish(admin, NULL);
    else
        describe(admin);
}

// 1.
static void on_partitions(void *owner, const int32_t *partitions, const struct error *err)
{
    struct kafka_admin *admin = owner;
    admin->client.lookup      = NULL;
    if (!admin->call)
        return;
    if (err) {
        struct error why = *err;
        kafka_client_explain(&admin->client, &why);
        for (size_t i = 0; i < admin->count; i++)
            say(admin, i, TOPIC_FAILED, why.message);
        finish(admin, &why);
        return;
    }
    memcpy(admin->partitions, partitions, admin->count * sizeof *partitions);
    create(admin);
}

static void on_event(void *owner, rd_kafka_event_t *event)
{
    struct kafka_admin *admin = owner;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
        if (admin->call && !admin->stale)
            on_created(admin, event);
        break;
    case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
        if (admin->call && !admin->stale)
            on_described(admin, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        kafka_client_trouble(&admin->client, event);
        break;
    default:
        break;
    }
}

static const struct kafka_client_events client_events = { .on_event = on_event };

static bool make(struct kafka_admin *admin, struct error *err)
{
    admin->stale = false;
    return kafka_client_init(&admin->client, admin->loop, "admin", RD_KAFKA_CONSUMER,
                             rd_kafka_conf_dup(admin->conf), &client_events, admin, err);
}

struct kafka_admin *kafka_admin_new(struct loop *loop, const struct kafka_settings *settings,
                                    struct error *err)
{
    // a consumer: a producer's question about a topic may create it
    static const struct kafka_property fixed[] = { { "allow.auto.create.topics", "false" } };
    struct kafka_admin                *admin   = xcalloc(1, sizeof *admin);
    admin->loop                                = loop;
    admin->conf = kafka_conf_new(settings, NULL, 0, fixed, COUNT_OF(fixed), err);
    if (!admin->conf || !make(admin, err)) {
        kafka_admin_free(admin);
        return NULL;
    }
    return admin;
}

static void ask_partitions(struct kafka_admin *admin, int64_t timeout_ms)
{
    const char **names = xcalloc(admin->count + 1, sizeof *names);
    for (size_t i = 0; i < admin->count; i++)
        names[i] = admin->topics[i].name;
    admin->client.lookup = kafka_lookup_start(admin->loop, admin->client.rk, names, admin->count,
                                              timeout_ms, on_partitions, admin);
    free(names);
}

void kafka_admin_ensure(struct kafka_admin *admin, const struct kafka_topic *topics, size_t count,
                        int64_t timeout_ms, kafka_topic_result *on_result, void *owner,
                        struct call *call, call_done *done)
{
    struct error err;
    assert(!admin->call);
    free(admin->partitions);
    free(admin->told);
    admin->partitions = xcalloc(count + 1, sizeof *admin->partitions);
    admin->told       = xcalloc(count + 1, sizeof *admin->told);
    admin->call       = call;
    admin->topics     = topics;
    admin->count      = count;
    admin->on_result  = on_result;
    admin->owner      = owner;
    admin->until_ms   = clock_monotonic_ms() + timeout_ms;
    call_begin(call, admin->loop, "kafka", timeout_ms + GRACE_MS, done, on_cancel, admin);
    if (admin->stale)
        kafka_client_fini(&admin->client, 0, true);
    if (admin->client.rk || make(admin, &err))
        ask_partitions(admin, timeout_ms);
    else
        finish(admin, &err);
}

void kafka_admin_free(struct kafka_admin *admin)
{
    if (!admin)
        return;
    assert(!admin->call);
    kafka_client_fini(&admin->client, 0, true);
    if (admin->conf)
        rd_kafka_conf_destroy(admin->conf);
    free(admin->partitions);
    free(admin->told);
    free(admin);
}

// SPDX-License-Identifier: Apache-2.0
// tokfleet topics ensure: the fleet's topics as they must be.
#include <stdio.h>

#include "base/memory.h"
#include "io/kafka_admin.h"
#include "producer/tool/verb.h"

#define DAY_MS_TEXT "86400000"
#define WEEK_MS_TEXT "604800000"
#define MONTH_MS_TEXT "2592000000"

enum { ENSURE_MS = 15000, CONFIGS_MAX = 6, NUMBER_BYTES = 24 };

struct topics_options {
    int64_t partitions;
    int64_t replication;
    bool    json;
};

#define AT(field) offsetof(struct topics_options, field)

static const struct flag flags[] = {
    { "partitions", FLAG_COUNT, "N", AT(partitions), "-2", 1, 1000,
      "of each topic (default TOKFLEET_TOPICS_PARTITIONS)" },
    { "replication", FLAG_COUNT, "N", AT(replication), "-2", -1, 10,
      "replicas of each, -1: as the brokers say (default TOKFLEET_TOPICS_REPLICATION)" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object a topic, one a line" },
};

static const struct kafka_topic_config configs[FLEET_TOPIC_COUNT][CONFIGS_MAX] = {
    [TOPIC_JOBS]     = { { "cleanup.policy", "delete" },
                         { "segment.ms", DAY_MS_TEXT },
                         { "message.timestamp.type", "LogAppendTime" },
                         { "retention.ms", NULL } },  // topics.jobs_retention_ms
    [TOPIC_JOURNAL]  = { { "cleanup.policy", "compact" },
                         { "min.compaction.lag.ms", DAY_MS_TEXT },
                         { "segment.ms", DAY_MS_TEXT },
                         { "delete.retention.ms", MONTH_MS_TEXT },
                         { "max.message.bytes", "2097152" } },
    [TOPIC_ACCOUNTS] = { { "cleanup.policy", "compact" } },
    [TOPIC_EVENTS]   = { { "cleanup.policy", "delete" }, { "retention.ms", WEEK_MS_TEXT } },
    [TOPIC_DLQ]      = { { "cleanup.policy", "delete" },
                         { "retention.ms", MONTH_MS_TEXT },
                         { "max.message.bytes", "2097152" } },
};

// the topics as they are asked for, with room for what is made here
struct plan {
    struct kafka_topic        topics[FLEET_TOPIC_COUNT];
    struct kafka_topic_config configs[FLEET_TOPIC_COUNT][CONFIGS_MAX];
    char                      names[FLEET_TOPIC_COUNT][TOPIC_NAME_BYTES];
    char                      retention[NUMBER_BYTES];
    struct tool              *tool;   // borrowed
    struct table              table;  // topic, state, what differs
    bool                      as_json;
    int                       drifted;
    int                       failed;
};

static void plan_topics(struct plan *plan, struct tool *tool, const struct topics_options *options)
{
    plan->tool    = tool;
    plan->as_json = options->json;
    snprintf(plan->retention, sizeof plan->retention, "%" PRIi64,
             tool->config.topics_jobs_retention_ms);
    for (int t = 0; t < FLEET_TOPIC_COUNT; t++) {
        size_t count = 0;
        tool_topic(tool, (enum fleet_topic)t, plan->names[t]);
        for (; count < CONFIGS_MAX && configs[t][count].name; count++) {
            plan->configs[t][count] = configs[t][count];
            if (!configs[t][count].value)
                plan->configs[t][count].value = plan->retention;
        }
        int64_t partitions =
            options->partitions > 0 ? options->partitions : tool->config.topics_partitions;
        int64_t replication =
            options->replication > -2 ? options->replication : tool->config.topics_replication;
        plan->topics[t] = (struct kafka_topic){
            .name         = plan->names[t],
            .partitions   = (int32_t)partitions,
            .replication  = replication == 0 ? -1 : (int32_t)replication,
            .configs      = plan->configs[t],
            .config_count = count,
        };
    }
}

static void on_result(void *owner, const struct kafka_topic *topic, enum kafka_topic_state state,
                      const char *detail)
{
    static const char *const words[] = { "created", "there", "DRIFTED", "FAILED" };
    struct plan             *plan    = owner;
    plan->drifted += state == TOPIC_DRIFTED;
    plan->failed += state == TOPIC_FAILED;
    if (plan->as_json) {
        struct json *object = json_object();
        json_set_text(object, "topic", str_of(topic->name));
        json_set_text(object, "state", str_of(words[state]));
        json_set_text(object, "detail", str_of(detail));
        out_json(&plan->tool->out, object);
        json_free(object);
        return;
    }
    table_add_text(&plan->table, topic->name);
    table_add_text(&plan->table, words[state]);
    table_add_text(&plan->table, detail ? detail : "");
}

static int tell_end(const struct plan *plan)
{
    struct tool *tool = plan->tool;
    if (plan->drifted)
        tool_note(
            tool,
            "existing topics are never changed from here. Mend the drift with Kafka's own tools, "
            "e.g.\n"
            "  kafka-configs.sh --bootstrap-server %.200s --alter --entity-type topics "
            "--entity-name TOPIC \\\n"
            "      --add-config NAME=VALUE\n"
            "  kafka-topics.sh --bootstrap-server %.200s --alter --topic TOPIC --partitions N",
            tool->config.kafka_brokers, tool->config.kafka_brokers);
    if (plan->failed)
        tool_note(tool, "not every topic could be created or read: the detail says why");
    return plan->drifted || plan->failed ? END_BAD : END_WELL;
}

static int run_topics_ensure(struct tool *tool, const void *options, char *const *operands,
                             int operand_count)
{
    static const char *const head[] = { "topic", "state", "detail" };
    (void)operands, (void)operand_count;
    struct plan           plan = { 0 };
    struct wait           wait = { 0 };
    struct kafka_settings settings;
    struct error          err;
    int                   code;
    plan_topics(&plan, tool, options);
    tool_kafka_settings(tool, &settings);
    struct kafka_admin *admin = kafka_admin_new(tool->loop, &settings, &err);
    if (!admin)
        return tool_fail(tool, &err);
    table_init(&plan.table, head, COUNT_OF(head));
    kafka_admin_ensure(admin, plan.topics, FLEET_TOPIC_COUNT, ENSURE_MS, on_result, &plan,
                       &wait.call, wait_done);
    if (tool_wait(tool, &wait, &err)) {
        if (!plan.as_json)
            table_print(&plan.table, &tool->out, "");
        code = tell_end(&plan);
    } else {
        tool_blame_kafka(tool, &err);
        code = tool_fail(tool, &err);
    }
    table_fini(&plan.table);
    kafka_admin_free(admin);
    return code;
}

static const char help[] =
    "Creates <fleet>.jobs, .journal, .accounts, .events and .dlq with the settings\n"
    "that the fleet relies on. A topic that is there is compared and never changed;\n"
    "the exit status is 1 when one differs.\n\n"
    "  tokfleet topics ensure\n"
    "  tokfleet topics ensure --partitions 24 --replication 3";

const struct verb verb_topics_ensure = {
    .name          = "topics ensure",
    .operands      = "",
    .summary       = "create the fleet's topics, or say where they differ",
    .flags         = flags,
    .flag_count    = COUNT_OF(flags),
    .options_bytes = sizeof(struct topics_options),
    .run           = run_topics_ensure,
    .text          = help,
    .json          = "one object a line: topic, state (created, there, DRIFTED, FAILED), detail",
};

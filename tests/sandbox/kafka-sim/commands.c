/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include "names.h"
#include "options.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

enum { COUNT_MAX = 10000, RTT_MS_MAX = 600000 };

static bool broker_parse(const struct commands *commands, const char *word, int *out,
                         struct sim_error *err)
{
    long id = 0;

    if (strcmp(word, "all") == 0) {
        *out = CLUSTER_ALL_BROKERS;
        return true;
    }
    if (!words_number(word, 1, cluster_brokers(commands->cluster), "broker", &id, err))
        return false;
    *out = (int)id;
    return true;
}

/* A broker's id, or `none`. */
static bool leader_parse(const struct commands *commands, const char *word, int *out,
                         struct sim_error *err)
{
    if (strcmp(word, "none") == 0) {
        *out = CLUSTER_NO_LEADER;
        return true;
    }
    if (strcmp(word, "all") == 0)
        return sim_error_set(err, "one broker, or none");
    return broker_parse(commands, word, out, err);
}

/* The watch would take errors of its own kind of request itself. */
static void stand_aside(struct commands *commands, int16_t api_key)
{
    if (api_key == API_LIST_OFFSETS && !watch_is_paused(commands->watch)) {
        fputs("kafka-sim: the watch is paused for the errors pushed (until `watch resume`)\n",
              stderr);
        watch_pause(commands->watch, true);
    }
}

static bool on_topic(struct commands *commands, char **words, size_t count, FILE *out,
                     struct sim_error *err)
{
    long partitions = 0;

    (void)count;
    (void)out;
    return names_check_topic(words[0], err) &&
           words_number(words[1], 1, OPTIONS_PARTITIONS_MAX, "partitions", &partitions, err) &&
           cluster_create_topic(commands->cluster, words[0], (int)partitions, err);
}

static bool on_topic_error(struct commands *commands, char **words, size_t count, FILE *out,
                           struct sim_error *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    (void)count;
    (void)out;
    if (!names_check_topic(words[0], err) || !names_error(words[1], &code, err))
        return false;
    cluster_set_topic_error(commands->cluster, words[0], code);
    return true;
}

/* "ERR", or "ERR:NUMBER" where a number may stand; `number` keeps its value without one. */
static bool error_parse(char *word, long low, long high, const char *what,
                        rd_kafka_resp_err_t *code, long *number, struct sim_error *err)
{
    char *after = words_after_colon(word);

    if (after && !words_number(after, low, high, what, number, err))
        return false;
    return names_error(word, code, err);
}

static bool on_push_errors(struct commands *commands, char **words, size_t count, FILE *out,
                           struct sim_error *err)
{
    int16_t             api_key = 0;
    rd_kafka_resp_err_t codes[WORDS_MAX];
    long                times[WORDS_MAX];

    (void)out;
    if (!names_api_key(words[0], &api_key, err))
        return false;
    for (size_t i = 1; i < count; i++) {
        times[i] = 1;
        if (!error_parse(words[i], 1, COUNT_MAX, "count", &codes[i], &times[i], err))
            return false;
    }
    stand_aside(commands, api_key);
    for (size_t i = 1; i < count; i++)
        cluster_push_error(commands->cluster, api_key, codes[i], (int)times[i]);
    return true;
}

static bool on_push_errors_rtt(struct commands *commands, char **words, size_t count, FILE *out,
                               struct sim_error *err)
{
    int                 broker  = 0;
    int16_t             api_key = 0;
    rd_kafka_resp_err_t codes[WORDS_MAX];
    long                rtts_ms[WORDS_MAX];

    (void)out;
    if (!broker_parse(commands, words[0], &broker, err) || !names_api_key(words[1], &api_key, err))
        return false;
    for (size_t i = 2; i < count; i++) {
        rtts_ms[i] = -1;
        if (!error_parse(words[i], 0, RTT_MS_MAX, "rtt", &codes[i], &rtts_ms[i], err))
            return false;
        if (rtts_ms[i] < 0)
            return sim_error_set(err, "'%.64s' needs :RTT_MS", words[i]);
    }
    stand_aside(commands, api_key);
    for (size_t i = 2; i < count; i++) {
        if (!cluster_push_rtt(commands->cluster, broker, api_key, codes[i], (int)rtts_ms[i], err))
            return false;
    }
    return true;
}

static bool on_pending(struct commands *commands, char **words, size_t count, FILE *out,
                       struct sim_error *err)
{
    int     broker  = 0;
    int16_t api_key = 0;
    size_t  pending = 0;

    (void)count;
    if (!broker_parse(commands, words[0], &broker, err) ||
        !names_api_key(words[1], &api_key, err) ||
        !cluster_count_pending(commands->cluster, broker, api_key, &pending, err))
        return false;
    fprintf(out, "%zu\n", pending);
    return true;
}

static bool on_clear_errors(struct commands *commands, char **words, size_t count, FILE *out,
                            struct sim_error *err)
{
    int16_t api_key = 0;

    (void)count;
    (void)out;
    if (!names_api_key(words[0], &api_key, err))
        return false;
    cluster_clear_errors(commands->cluster, api_key);
    return true;
}

static bool on_rtt(struct commands *commands, char **words, size_t count, FILE *out,
                   struct sim_error *err)
{
    int  broker = 0;
    long rtt_ms = 0;

    (void)count;
    (void)out;
    return broker_parse(commands, words[0], &broker, err) &&
           words_number(words[1], 0, RTT_MS_MAX, "rtt", &rtt_ms, err) &&
           cluster_set_rtt(commands->cluster, broker, (int)rtt_ms, err);
}

static bool on_down(struct commands *commands, char **words, size_t count, FILE *out,
                    struct sim_error *err)
{
    int broker = 0;

    (void)count;
    (void)out;
    return broker_parse(commands, words[0], &broker, err) &&
           cluster_set_up(commands->cluster, broker, false, err);
}

static bool on_up(struct commands *commands, char **words, size_t count, FILE *out,
                  struct sim_error *err)
{
    int broker = 0;

    (void)count;
    (void)out;
    return broker_parse(commands, words[0], &broker, err) &&
           cluster_set_up(commands->cluster, broker, true, err);
}

static bool on_coordinator(struct commands *commands, char **words, size_t count, FILE *out,
                           struct sim_error *err)
{
    int broker = 0;

    (void)count;
    (void)out;
    if (strcmp(words[0], "group") != 0 && strcmp(words[0], "transaction") != 0)
        return sim_error_set(err, "group or transaction, not '%.64s'", words[0]);
    return leader_parse(commands, words[2], &broker, err) &&
           cluster_set_coordinator(commands->cluster, words[0], words[1], broker, err);
}

static bool on_leader(struct commands *commands, char **words, size_t count, FILE *out,
                      struct sim_error *err)
{
    int  broker    = 0;
    long partition = 0;

    (void)count;
    (void)out;
    return names_check_topic(words[0], err) &&
           words_number(words[1], 0, OPTIONS_PARTITIONS_MAX - 1, "partition", &partition, err) &&
           leader_parse(commands, words[2], &broker, err) &&
           cluster_set_leader(commands->cluster, words[0], (int)partition, broker, err);
}

static bool print_marks(struct commands *commands, FILE *out, struct sim_error *err)
{
    struct mark_list list = { 0 };

    if (!watch_read(commands->watch, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++)
        fprintf(out, "%s %" PRId32 " %" PRId64 " %" PRId64 "\n", list.at[i].topic,
                list.at[i].partition, list.at[i].low, list.at[i].high);
    mark_list_fini(&list);
    return true;
}

static bool on_watch(struct commands *commands, char **words, size_t count, FILE *out,
                     struct sim_error *err)
{
    if (count == 0)
        return print_marks(commands, out, err);
    bool pause = strcmp(words[0], "pause") == 0;
    if (!pause && strcmp(words[0], "resume") != 0)
        return sim_error_set(err, "watch, watch pause or watch resume");
    watch_pause(commands->watch, pause);
    return true;
}

static bool on_topics(struct commands *commands, char **words, size_t count, FILE *out,
                      struct sim_error *err)
{
    struct mark_list list = { 0 };

    (void)words;
    (void)count;
    if (!watch_read(commands->watch, &list, err))
        return false;
    for (size_t i = 0, first = 0; i < list.count; i++) {
        if (i + 1 < list.count && strcmp(list.at[i].topic, list.at[i + 1].topic) == 0)
            continue;
        fprintf(out, "%s %zu\n", list.at[i].topic, i + 1 - first);
        first = i + 1;
    }
    mark_list_fini(&list);
    return true;
}

static bool on_quit(struct commands *commands, char **words, size_t count, FILE *out,
                    struct sim_error *err)
{
    (void)words;
    (void)count;
    (void)out;
    (void)err;
    commands->quit = true;
    return true;
}

static bool on_help(struct commands *commands, char **words, size_t count, FILE *out,
                    struct sim_error *err);

static const struct command {
    const char *name;
    size_t      least;  // words after the name
    size_t      most;
    bool (*run)(struct commands *, char **words, size_t count, FILE *out, struct sim_error *);
    const char *usage;  // what follows the name
} table[] = {
    { "topic", 2, 2, on_topic, "NAME PARTITIONS" },
    { "topic-error", 2, 2, on_topic_error, "NAME ERR" },
    { "push-errors", 2, WORDS_MAX, on_push_errors, "APIKEY ERR[:COUNT] ..." },
    { "push-errors-rtt", 3, WORDS_MAX, on_push_errors_rtt, "BROKER|all APIKEY ERR:RTT_MS ..." },
    { "pending", 2, 2, on_pending, "BROKER|all APIKEY" },
    { "clear-errors", 1, 1, on_clear_errors, "APIKEY" },
    { "rtt", 2, 2, on_rtt, "BROKER|all MS" },
    { "down", 1, 1, on_down, "BROKER|all" },
    { "up", 1, 1, on_up, "BROKER|all" },
    { "coordinator", 3, 3, on_coordinator, "group|transaction KEY BROKER|none" },
    { "leader", 3, 3, on_leader, "TOPIC PARTITION BROKER|none" },
    { "watch", 0, 1, on_watch, "[pause|resume]" },
    { "topics", 0, 0, on_topics, "" },
    { "help", 0, 0, on_help, "" },
    { "quit", 0, 0, on_quit, "" },
};

static bool on_help(struct commands *commands, char **words, size_t count, FILE *out,
                    struct sim_error *err)
{
    (void)commands;
    (void)words;
    (void)count;
    (void)err;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        fprintf(out, "%s%s%s\n", table[i].name, *table[i].usage ? " " : "", table[i].usage);
    return true;
}

static bool run(struct commands *commands, char *line, FILE *out, struct sim_error *err)
{
    struct words words;

    if (!words_cut(&words, line, err))
        return false;
    if (words.count == 0)
        return sim_error_set(err, "an empty line");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct command *command = &table[i];
        size_t                count   = words.count - 1;
        if (strcmp(words.at[0], command->name) != 0)
            continue;
        if (count < command->least || count > command->most)
            return sim_error_set(err, "usage: %s %s", command->name, command->usage);
        return command->run(commands, words.at + 1, count, out, err);
    }
    return sim_error_set(err, "unknown command '%.64s'; try help", words.at[0]);
}

void commands_run(struct commands *commands, char *line, FILE *out)
{
    struct sim_error err = { "" };

    if (run(commands, line, out, &err))
        fputs("ok\n", out);
    else
        fprintf(out, "error: %s\n", err.text);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "names.h"
#include "words.h"

#include <getopt.h>
#include <string.h>

enum { WATCH_MS = 1000, RTT_MS_MAX = 600000, WATCH_MS_MAX = 3600000, OPT_PARTITIONS = 256 };

/* A fleet's topics, in the order of `fleet_partitions`. */
static const struct fleet_topic {
    const char *suffix;      // after "<fleet>."
    int         partitions;  // unless told otherwise
} fleet_topics[] = {
    { "jobs", 32 }, { "journal", 32 }, { "accounts", 8 }, { "events", 32 }, { "dlq", 8 },
};

enum { FLEET_TOPICS = sizeof fleet_topics / sizeof fleet_topics[0] };

static const struct option longs[] = {
    { "bootstrap-file", required_argument, NULL, 'b' },
    { "control", required_argument, NULL, 'c' },
    { "brokers", required_argument, NULL, 'n' },
    { "topic", required_argument, NULL, 't' },
    { "fleet", required_argument, NULL, 'f' },
    { "jobs-partitions", required_argument, NULL, OPT_PARTITIONS + 0 },
    { "journal-partitions", required_argument, NULL, OPT_PARTITIONS + 1 },
    { "accounts-partitions", required_argument, NULL, OPT_PARTITIONS + 2 },
    { "events-partitions", required_argument, NULL, OPT_PARTITIONS + 3 },
    { "dlq-partitions", required_argument, NULL, OPT_PARTITIONS + 4 },
    { "rtt-ms", required_argument, NULL, 'r' },
    { "watch-ms", required_argument, NULL, 'w' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

void options_print_help(FILE *out)
{
    fputs("kafka-sim: librdkafka's mock cluster as a program, on 127.0.0.1, random ports.\n"
          "\n"
          "  kafka-sim --bootstrap-file FILE --control SOCKET [options]\n"
          "\n"
          "  --bootstrap-file FILE     write the bootstrap list here when all is ready\n"
          "  --control SOCKET          take commands on this Unix socket (send it `help`)\n"
          "  --brokers N               1 to 3 (1)\n"
          "  --topic NAME:PARTITIONS   create a topic; may be repeated\n"
          "  --fleet NAME              create NAME.jobs, .journal, .accounts, .events, .dlq\n"
          "  --jobs-partitions N       (32)    --journal-partitions N  (32)\n"
          "  --accounts-partitions N   (8)     --events-partitions N   (32)\n"
          "  --dlq-partitions N        (8)\n"
          "  --rtt-ms N                delay of every answer (0)\n"
          "  --watch-ms N              between two looks at the watermarks (1000); 0: never\n"
          "  --help\n"
          "\n"
          "Exit: 0 told to stop, 1 could not start or run, 2 bad options, 3 a partition has\n"
          "dropped records (the mock cluster keeps about 5 MiB of each).\n",
          out);
}

static bool topic_add(struct options *options, const char *name, int partitions,
                      struct sim_error *err)
{
    if (!names_check_topic(name, err))
        return false;
    if (options->topic_count == OPTIONS_TOPICS_MAX)
        return sim_error_set(err, "more than %d topics", OPTIONS_TOPICS_MAX);
    for (int i = 0; i < options->topic_count; i++) {
        if (strcmp(options->topics[i].name, name) == 0)
            return sim_error_set(err, "topic %s: given twice", name);
    }
    struct topic_option *topic = &options->topics[options->topic_count++];
    snprintf(topic->name, sizeof topic->name, "%s", name);
    topic->partitions = partitions;
    return true;
}

static bool topic_parse(struct options *options, char *arg, struct sim_error *err)
{
    char *count      = words_after_colon(arg);
    long  partitions = 0;

    if (!count)
        return sim_error_set(err, "--topic takes NAME:PARTITIONS");
    if (!words_number(count, 1, OPTIONS_PARTITIONS_MAX, "partitions", &partitions, err))
        return false;
    return topic_add(options, arg, (int)partitions, err);
}

static bool number_parse(const char *arg, long low, long high, const char *what, int *out,
                         struct sim_error *err)
{
    long value = 0;

    if (!words_number(arg, low, high, what, &value, err))
        return false;
    *out = (int)value;
    return true;
}

static bool option_take(struct options *options, int option, char *arg, struct sim_error *err)
{
    switch (option) {
    case 'b':
        options->bootstrap_file = arg;
        return true;
    case 'c':
        options->control_path = arg;
        return true;
    case 'f':
        options->fleet = arg;
        return true;
    case 'h':
        options->help = true;
        return true;
    case 't':
        return topic_parse(options, arg, err);
    case 'n':
        return number_parse(arg, 1, 3, "--brokers", &options->brokers, err);
    case 'r':
        return number_parse(arg, 0, RTT_MS_MAX, "--rtt-ms", &options->rtt_ms, err);
    case 'w':
        return number_parse(arg, 0, WATCH_MS_MAX, "--watch-ms", &options->watch_ms, err);
    case OPT_PARTITIONS + 0:
    case OPT_PARTITIONS + 1:
    case OPT_PARTITIONS + 2:
    case OPT_PARTITIONS + 3:
    case OPT_PARTITIONS + 4:
        return number_parse(arg, 1, OPTIONS_PARTITIONS_MAX, "partitions",
                            &options->fleet_partitions[option - OPT_PARTITIONS], err);
    default:
        return sim_error_set(err, "see --help");
    }
}

static bool fleet_add(struct options *options, struct sim_error *err)
{
    for (int i = 0; options->fleet && i < FLEET_TOPICS; i++) {
        char name[300];
        snprintf(name, sizeof name, "%.280s.%s", options->fleet, fleet_topics[i].suffix);
        if (!topic_add(options, name, options->fleet_partitions[i], err))
            return false;
    }
    return true;
}

bool options_parse(struct options *options, int argc, char **argv, struct sim_error *err)
{
    int option = 0;

    *options = (struct options){ .brokers = 1, .watch_ms = WATCH_MS };
    for (int i = 0; i < FLEET_TOPICS; i++)
        options->fleet_partitions[i] = fleet_topics[i].partitions;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (!option_take(options, option, optarg, err))
            return false;
    }
    if (options->help)
        return true;
    if (optind < argc)
        return sim_error_set(err, "what is '%.64s'? See --help", argv[optind]);
    if (!options->bootstrap_file || !options->control_path)
        return sim_error_set(err, "--bootstrap-file and --control are needed; see --help");
    return fleet_add(options, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka-sim: a Kafka for tests.
 *
 *     clients --TCP--> mock cluster (librdkafka's thread) <--asks-- watch (our thread)
 *                           ^                                         | dropped: exit 3
 *     tests --socket--> commands (this thread) -----------------------+
 *
 * This thread sleeps in poll() on the signals, the control socket and the watch. */
#include "cluster.h"
#include "commands.h"
#include "control.h"
#include "names.h"
#include "options.h"
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DROPPED = 3 };

static void on_line(void *arg, char *line, FILE *answer)
{
    commands_run(arg, line, answer);
}

/* Blocked in every thread to come, read here. */
static bool signals_open(int *out, struct sim_error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return sim_error_set(err, "sigprocmask: %s", strerror(errno));
    *out = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *out >= 0 || sim_error_set(err, "signalfd: %s", strerror(errno));
}

/* Whole or not at all: a reader that finds the file finds all of it. */
static bool bootstrap_write(const char *path, const char *bootstraps, struct sim_error *err)
{
    char temp[4096];

    if (snprintf(temp, sizeof temp, "%s.%ld", path, (long)getpid()) >= (int)sizeof temp)
        return sim_error_set(err, "--bootstrap-file: the path is too long");
    FILE *f = fopen(temp, "we");
    if (!f)
        return sim_error_set(err, "%s: %s", temp, strerror(errno));
    bool written = fprintf(f, "%s\n", bootstraps) > 0;
    if (fclose(f) != 0 || !written || rename(temp, path) != 0) {
        sim_error_set(err, "%s: %s", path, strerror(errno));
        unlink(temp);
        return false;
    }
    return true;
}

static bool topics_create(struct cluster *cluster, const struct options *options,
                          struct sim_error *err)
{
    for (int i = 0; i < options->topic_count; i++) {
        const struct topic_option *topic = &options->topics[i];
        if (!cluster_create_topic(cluster, topic->name, topic->partitions, err))
            return false;
    }
    return true;
}

static void run(struct commands *commands, struct control *control, int signal_fd)
{
    struct pollfd fds[] = {
        { .fd = signal_fd, .events = POLLIN },
        { .fd = watch_fd(commands->watch), .events = POLLIN },
        { .fd = control_fd(control), .events = POLLIN },
    };

    while (!commands->quit) {
        if (poll(fds, sizeof fds / sizeof fds[0], -1) < 0 && errno != EINTR)
            abort();
        if (fds[0].revents || fds[1].revents)
            return;
        if (fds[2].revents)
            control_serve(control);
    }
}

/* So that the last look sees something whatever faults a test has left behind. */
static void heal(struct cluster *cluster)
{
    struct sim_error err;

    cluster_clear_errors(cluster, API_LIST_OFFSETS);
    if (!cluster_set_rtt(cluster, CLUSTER_ALL_BROKERS, 0, &err) ||
        !cluster_set_up(cluster, CLUSTER_ALL_BROKERS, true, &err))
        fprintf(stderr, "kafka-sim: %s\n", err.text);
}

static int serve(const struct options *options, struct sim_error *err)
{
    int             status    = EXIT_FAILED;
    int             signal_fd = -1;
    struct cluster *cluster   = NULL;
    struct watch   *watch     = NULL;
    struct control *control   = NULL;
    struct commands commands  = { 0 };

    if (unlink(options->bootstrap_file) != 0 && errno != ENOENT) {
        sim_error_set(err, "%s: %s", options->bootstrap_file, strerror(errno));
        goto out;
    }
    if (!signals_open(&signal_fd, err) || !cluster_new(&cluster, options->brokers, err) ||
        !topics_create(cluster, options, err) ||
        !cluster_set_rtt(cluster, CLUSTER_ALL_BROKERS, options->rtt_ms, err) ||
        !watch_new(&watch, cluster_bootstraps(cluster), options->watch_ms, err))
        goto out;
    commands = (struct commands){ .cluster = cluster, .watch = watch };
    if (!control_new(&control, options->control_path, err, on_line, &commands) ||
        !bootstrap_write(options->bootstrap_file, cluster_bootstraps(cluster), err))
        goto out;
    puts(cluster_bootstraps(cluster));
    fflush(stdout);
    run(&commands, control, signal_fd);
    heal(cluster);
    watch_finish(watch);
    status = watch_has_dropped(watch) ? EXIT_DROPPED : EXIT_STOPPED;
    unlink(options->bootstrap_file);
    cluster = NULL;  // not freed: that waits for 1 s, and the process ends here
out:
    control_free(control);
    watch_free(watch);
    cluster_free(cluster);
    if (signal_fd >= 0)
        close(signal_fd);
    return status;
}

int main(int argc, char **argv)
{
    struct options   options;
    struct sim_error err = { "" };

    if (!options_parse(&options, argc, argv, &err)) {
        fprintf(stderr, "kafka-sim: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (options.help) {
        options_print_help(stdout);
        return EXIT_STOPPED;
    }
    int status = serve(&options, &err);
    if (status == EXIT_FAILED)
        fprintf(stderr, "kafka-sim: %s\n", err.text);
    fflush(NULL);
    _exit(status);  // the mock cluster's threads may still run
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 3000, REPORT_LINES_MAX = 5 };

struct watch {
    struct marks   *marks;     // owned; used only under `looking`
    int             every_ms;  // 0: never by itself
    int             fd;        // an eventfd, written once when something was dropped
    pthread_t       thread;    // valid while `running`
    bool            running;   // the thread was started and not joined
    pthread_mutex_t looking;   // held for a whole look; taken before `lock`
    pthread_mutex_t lock;      // guards what follows
    pthread_cond_t  changed;   // `stopping` was set
    bool            stopping;  // the thread shall end
    bool            paused;    // the thread shall not look
    bool            dropped;   // a low watermark above 0 was seen
    bool            blind;     // the last look failed
};

/* Reports the partitions that have lost records. */
static void judge(struct watch *watch, const struct mark_list *list)
{
    size_t bad = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct mark *mark = &list->at[i];
        if (mark->low > 0 && ++bad <= REPORT_LINES_MAX)
            fprintf(stderr,
                    "kafka-sim: records dropped: topic=%s partition=%" PRId32 " low=%" PRId64
                    ": the mock cluster keeps about 5 MiB a partition; spread the load or use a"
                    " new cluster\n",
                    mark->topic, mark->partition, mark->low);
    }
    pthread_mutex_lock(&watch->lock);
    bool first     = bad && !watch->dropped;
    watch->dropped = watch->dropped || bad;
    pthread_mutex_unlock(&watch->lock);
    if (first && eventfd_write(watch->fd, 1) != 0)
        abort();  // a fresh counter takes a 1
}

static void look(struct watch *watch)
{
    struct sim_error err  = { "" };
    struct mark_list list = { 0 };

    pthread_mutex_lock(&watch->looking);
    if (!watch_is_paused(watch)) {
        bool seen = marks_read(watch->marks, false, LOOK_MS, &list, &err);
        if (seen)
            judge(watch, &list);
        if (watch->blind == seen)
            fprintf(stderr, "kafka-sim: the watch %s%s\n",
                    seen ? "sees again" : "is blind: ", err.text);
        watch->blind = !seen;
        mark_list_fini(&list);
    }
    pthread_mutex_unlock(&watch->looking);
}

/* True when it is time for the next look, false when it is time to end. */
static bool wait_for_next(struct watch *watch)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nsec = until.tv_nsec + (int64_t)watch->every_ms * 1000000;
    until.tv_sec += nsec / 1000000000;
    until.tv_nsec = nsec % 1000000000;

    pthread_mutex_lock(&watch->lock);
    int rc = 0;
    while (!watch->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
    bool go_on = !watch->stopping;
    pthread_mutex_unlock(&watch->lock);
    return go_on;
}

static void *watch_main(void *arg)
{
    struct watch *watch = arg;

    while (wait_for_next(watch))
        look(watch);
    return NULL;
}

static void watch_init_locks(struct watch *watch)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_mutex_init(&watch->looking, NULL);
}

bool watch_new(struct watch **out, const char *bootstraps, int every_ms, struct sim_error *err)
{
    struct watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        abort();
    watch_init_locks(watch);
    watch->every_ms = every_ms;
    watch->fd       = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch->fd < 0) {
        sim_error_set(err, "eventfd: %s", strerror(errno));
        goto fail;
    }
    if (!marks_new(&watch->marks, bootstraps, err))
        goto fail;
    if (every_ms > 0) {
        int rc = pthread_create(&watch->thread, NULL, watch_main, watch);
        if (rc != 0) {
            sim_error_set(err, "thread: %s", strerror(rc));
            goto fail;
        }
        watch->running = true;
    }
    *out = watch;
    return true;
fail:
    watch_free(watch);
    return false;
}

int watch_fd(const struct watch *watch)
{
    return watch->fd;
}

bool watch_has_dropped(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool dropped = watch->dropped;
    pthread_mutex_unlock(&watch->lock);
    return dropped;
}

bool watch_is_paused(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool paused = watch->paused;
    pthread_mutex_unlock(&watch->lock);
    return paused;
}

void watch_pause(struct watch *watch, bool paused)
{
    pthread_mutex_lock(&watch->looking);
    pthread_mutex_lock(&watch->lock);
    watch->paused = paused;
    pthread_mutex_unlock(&watch->lock);
    pthread_mutex_unlock(&watch->looking);
}

bool watch_read(struct watch *watch, struct mark_list *out, struct sim_error *err)
{
    pthread_mutex_lock(&watch->looking);
    bool ok = marks_read(watch->marks, true, LOOK_MS, out, err);
    pthread_mutex_unlock(&watch->looking);
    if (ok && watch->every_ms > 0)
        judge(watch, out);
    return ok;
}

static void stop(struct watch *watch)
{
    if (!watch->running)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    watch->running = false;
}

void watch_finish(struct watch *watch)
{
    stop(watch);
    if (watch->every_ms > 0 && !watch_has_dropped(watch)) {
        watch_pause(watch, false);
        look(watch);
    }
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    stop(watch);
    marks_free(watch->marks);
    if (watch->fd >= 0)
        close(watch->fd);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    pthread_mutex_destroy(&watch->looking);
    free(watch);
}

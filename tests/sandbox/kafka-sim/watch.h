/* SPDX-License-Identifier: Apache-2.0
 *
 * The guard against silent loss: the mock cluster drops a partition's oldest records once they
 * take about 5 MiB and tells nobody, but the low watermark rises. A thread looks at all of them
 * again and again; the first that is above 0 is reported on standard error and makes watch_fd()
 * readable for good. A look that fails (brokers may be down on purpose) is logged and repeated. */
#ifndef WATCH_H
#define WATCH_H

#include "marks.h"
#include "sim_error.h"

struct watch;

/* Every `every_ms`; 0: no thread, only watch_read works. */
MUST_CHECK bool watch_new(struct watch **out, const char *bootstraps, int every_ms,
                          struct sim_error *err);

/* Readable once something was dropped. */
int  watch_fd(const struct watch *watch);
bool watch_has_dropped(struct watch *watch);

/* Pausing returns when no look is under way: nothing pushed from now on is taken by it. */
void watch_pause(struct watch *watch, bool paused);
bool watch_is_paused(struct watch *watch);

/* All marks, now, for the caller to own; judged like any other look. */
MUST_CHECK bool watch_read(struct watch *watch, struct mark_list *out, struct sim_error *err);

/* Stops the thread and looks a last time, if it ever was to look. */
void watch_finish(struct watch *watch);
void watch_free(struct watch *watch);

#endif

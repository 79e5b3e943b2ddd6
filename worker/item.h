// SPDX-License-Identifier: Apache-2.0
/* One message of a partition on its way into Redis: what it is, what Kafka has to have before the watermark passes it (a
 * dead letter, a journal record, a command's own), and the script that puts it there. The order of messages is the
 * partition's. Calls are made on item->call; `done` is the partition's. */
#pragma once

#include <sys/queue.h>

#include "io/kafka_in.h"
#include "job/job.h"
#include "job/program.h"
#include "worker/order.h"

enum {
    PARTITION_NAME_BYTES = TOPIC_NAME_BYTES + 12,
    SOURCE_BYTES         = PARTITION_NAME_BYTES + 24,
    OFFSET_BYTES         = 24,
    MARK_BYTES           = 96,
};

struct partition;

enum item_stage {
    ITEM_PREPARING,  // its dead letter or journal record is on its way to Kafka
    ITEM_BEHIND,     // a command: looked at when everything before it is in Redis
    ITEM_READY,      // the script may be asked, after those of the messages before it
    ITEM_ASKED,      // the script is on its way
};

struct item {                 // one message
    struct call        call;  // Kafka first, then the script
    struct redis_reply reply;
    struct partition  *partition;  // borrowed
    struct program    *program;    // borrowed
    const char        *name;       // of the partition, "topic-number"; borrowed
    enum item_stage    stage;
    TAILQ_ENTRY(item) entry;
    int64_t      offset;
    int64_t      timestamp_ms;
    struct buf   message;  // the whole
    struct buf   key;      // of the message
    bool         has_key;
    struct job   job;       // decoded, or what could be read of it
    bool         is_order;  // it is a command, which could be read
    struct order order;
    const char  *verdict;             // of the script: job, bad, skip
    struct error error;               // why it is bad
    const char  *code;                // of the dead letter; NULL: none is due
    char         shown[MARK_BYTES];   // what the watermark must show: "offset timestamp crc"
    char         next[OFFSET_BYTES];  // the offset that it shows afterwards
    char         crc[16];
    char         source[SOURCE_BYTES];
    struct buf   record_key;  // journal record
    struct buf   record;
};

// judged: its verdict is made. shown: the watermark before it
struct item *item_new(struct program *program, const char *name,
                      const struct kafka_message *message, const char *crc, const char *shown);
struct str   item_job_id(const struct item *item);
// what has to be in Kafka first is on its way; false: nothing has to be
bool item_prepare(struct item *item, call_done *done);
void item_dead_letter(struct item *item, call_done *done);
// STATE, its id is another job's, which the reply tells: what prepare wrote over that one's record
// in the journal is on its way to be put right; false: nothing was
bool item_put_back(struct item *item, call_done *done);
void item_look(struct item *item, call_done *done);  // a command: what would come of it
void item_ask(struct item *item, call_done *done);   // the script
void item_tell(const struct item *item);             // Redis took it: counted and logged
void item_free(struct item *item);                   // its call is cancelled

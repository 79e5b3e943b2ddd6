// SPDX-License-Identifier: Apache-2.0
/* Is the journal the one that Redis remembers? Redis knows where the record of its generation stands in it, which nothing
 * overwrites: if that is there, it is that journal, and a tail of it will do. Only the one record is read. */
#pragma once

#include "io/kafka_read.h"
#include "job/program.h"

struct anchor {
    struct program     *program;     // borrowed
    struct call         read_call;   // of the reading
    struct call        *call;        // the owner's; NULL: done or cancelled
    struct kafka_read  *read;        // owned while it is read
    struct kafka_offset place;       // where the record has to stand
    int64_t             generation;  // whose record it has to be
    bool                seen;        // what stands there has been read
    struct timer        decided;     // seen: not inside the reading's callback
    bool                ok;          // the result: it is that record
};

void anchor_init(struct anchor *anchor, struct program *program);
// ends: of what the journal held, as far as Redis knew: its partitions. err: it cannot be read
void anchor_look(struct anchor *anchor, struct kafka_offset place, int64_t generation,
                 const struct kafka_offset *ends, size_t end_count, struct call *call,
                 call_done *done);
void anchor_fini(struct anchor *anchor);  // the call was cancelled, or is done

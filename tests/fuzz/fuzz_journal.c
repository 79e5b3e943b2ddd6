// SPDX-License-Identifier: Apache-2.0
/* Records of a journal as anything may have put them there, a line each: key, tab, value (no tab: a
 * tombstone). One that is refused has changed nothing. The first byte says how long ends are kept.
 */
#include "fuzz.h"
#include "job/replay.h"
#include "verdicts.h"

enum { LINES_MAX = 24, SAID_MAX_BYTES = 2 * 1024 * 1024 };

static void read_line(struct replay *replay, struct str line)
{
    struct buf   before, after;
    struct error err;
    struct str   value = line, key;
    bool         whole = str_cut(&value, '\t', &key) && key.len;
    if (!whole)
        return;
    buf_init(&before, SAID_MAX_BYTES);
    verdicts_say(replay, &before);
    if (!replay_record(replay, key, value, &err)) {
        fuzz_check_message(err.message);
        buf_init(&after, SAID_MAX_BYTES);
        verdicts_say(replay, &after);
        assert(str_eq(buf_str(&before), buf_str(&after)));
        buf_fini(&after);
    }
    buf_fini(&before);
}

FUZZ(journal)
{
    struct replay *replay = replay_new(fuzz_byte(&input) % 2 ? 1000 : 0);
    struct str     rest   = input, line;
    for (int i = 0; input.len && i < LINES_MAX && str_cut(&rest, '\n', &line); i++)
        read_line(replay, line);
    replay_free(replay);
}

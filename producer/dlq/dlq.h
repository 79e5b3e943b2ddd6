// SPDX-License-Identifier: Apache-2.0
/* Dead letters by their name: where they stand on <fleet>.dlq, "3@17" (partition and offset). */
#pragma once

#include "producer/tool/newest.h"

enum { DLQ_ID_BYTES = 40 };

// "3@17", or with the topic in front; false: it is none
bool dlq_id_parse(const char *text, struct kafka_offset *place, struct error *err) MUST_CHECK;
void dlq_id_format(const struct newest_record *letter, char out[DLQ_ID_BYTES]);
// whether all of the original is in it: only the first 256 KiB are kept
bool dlq_is_whole(const struct newest_record *letter);
// what is the same in every verb's JSON
struct json *dlq_json(const struct newest_record *letter);
// the newest dead letter that was made of the message at `source`; record is zeroed before. false:
// there is none
bool dlq_find(struct tool *tool, const char *source, int64_t since_ms, struct newest_record *record,
              struct error *err) MUST_CHECK;

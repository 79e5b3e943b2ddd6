// SPDX-License-Identifier: Apache-2.0
/* upload: the bytes of a FILE_UPLOAD, in chunks by PUT, in order. Bytes are digested, not kept. */
#ifndef SIM_UPLOAD_H
#define SIM_UPLOAD_H

#include <stdint.h>

struct call;
struct cJSON;
struct publish;
struct upload;

// Gives the publish of this call an upload task and returns its URL, on the host that the client
// called (lives as long as the publish).
const char *upload_open(struct call *call, int64_t size, int64_t chunk, int64_t count);
void        upload_free(struct upload *upload);
void        upload_put(struct call *call);              // handler
int64_t     upload_bytes(const struct upload *upload);  // taken so far
void        upload_add_json(const struct upload *upload, struct cJSON *json);

struct publish *upload_find(struct call *call);  // by the call's query; NULL when unknown

#endif

// SPDX-License-Identifier: Apache-2.0
/* A byte stream to a host: plain or TLS (verified, host name checked), names resolved without
 * blocking the loop. The owner hears on_open once, then on_data, then on_close at most once, after
 * which only stream_free is left. No callback runs inside stream_open or stream_write, and none
 * after stream_free. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "loop/loop.h"

struct stream;

struct stream_address {
    const char *host;  // name or address
    int         port;
    bool        tls;
    const char *ca_file;     // PEM; NULL: the system's
    int64_t     connect_ms;  // to be open by then, else on_close with ERR_CONNECT
};

struct stream_events {
    void (*on_open)(void *owner);
    // as many bytes as are there; returns how many were taken (the rest comes again with more)
    size_t (*on_data)(void *owner, struct str bytes);
    // ERR_CONNECT before on_open, ERR_LOST after; the message does not repeat the address
    void (*on_close)(void *owner, const struct error *why);
};

// address, events and owner are borrowed: events and owner for the stream's life
struct stream *stream_open(struct loop *loop, const struct stream_address *address,
                           const struct stream_events *events, void *owner);
// between on_open and on_close; copied; the caller bounds what it has in flight
void   stream_write(struct stream *stream, struct str bytes);
size_t stream_unsent_bytes(const struct stream *stream);
void   stream_free(struct stream *stream);

// SPDX-License-Identifier: Apache-2.0
/* A scripted TCP peer on 127.0.0.1, plain or TLS, in threads of its own: it answers late, twice,
 * half, or not at all. Connection i plays script i, those after the last script play the last one;
 * the end of a script closes. */
#pragma once

enum peer_do {
    PEER_AWAIT,    // read until `text` was there (each byte counts once)
    PEER_REQUEST,  // read one HTTP request with its body
    PEER_SEND,     // send `text`
    PEER_DRIP,     // the same, byte by byte, one each `ms`
    PEER_FLOOD,    // the same again and again, until the other side closes
    PEER_SLEEP,    // for `ms`
    PEER_HANG,     // until the other side closes
    PEER_CUT,      // close without the farewell of TLS
    PEER_RESET,    // close with RST
    PEER_AGAIN,    // from the beginning
    PEER_END,      // close
};

struct peer_step {
    enum peer_do what;
    const char  *text;
    int          ms;
};

// clang-format off
#define AWAIT(t) { PEER_AWAIT, (t), 0 }
#define REQUEST  { PEER_REQUEST, NULL, 0 }
#define SEND(t)  { PEER_SEND, (t), 0 }
#define DRIP(t, n) { PEER_DRIP, (t), (n) }
#define FLOOD(t) { PEER_FLOOD, (t), 0 }
#define SLEEP(n) { PEER_SLEEP, NULL, (n) }
#define HANG     { PEER_HANG, NULL, 0 }
#define CUT      { PEER_CUT, NULL, 0 }
#define RESET    { PEER_RESET, NULL, 0 }
#define AGAIN    { PEER_AGAIN, NULL, 0 }
#define END      { PEER_END, NULL, 0 }
// clang-format on

struct peer;

// scripts end with NULL, each script with END (or what closes); both live longer than the peer.
// cert_file NULL: plain.
struct peer *peer_new(const struct peer_step *const *scripts, const char *cert_file,
                      const char *key_file);
int          peer_port(const struct peer *peer);
int          peer_accepted(struct peer *peer);         // connections so far
int  peer_count(struct peer *peer, const char *text);  // how often it was received, all connections
int  peer_resumed(struct peer *peer);                  // TLS sessions that were not begun anew
void peer_free(struct peer *peer);                     // ends every connection

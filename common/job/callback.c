// SPDX-License-Identifier: Apache-2.0
#include "job/callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { TICKET_BYTES = 33, SAYS_MAX_BYTES = 4096 };

struct seat {
    struct call       call;
    struct callbacks *callbacks;  // borrowed
    struct connected  connected;
    char              ticket[TICKET_BYTES];        // "": free
    char              state[CONSENT_STATE_BYTES];  // of the callback
    uint64_t          number;                      // of the order of arrival
    bool              ended;
    bool              ok;
    struct buf        says;  // HTML, when it has ended
};

struct callbacks {
    struct connector *connector;  // borrowed
    char             *path;
    callback_ended   *on_ended;  // may be NULL
    void             *owner;     // of on_ended
    uint64_t          arrivals;
    bool              stopped;
    struct seat       seats[CALLBACKS_MAX];
};

struct callbacks *callbacks_new(struct connector *connector, const char *path,
                                callback_ended *on_ended, void *owner)
{
    struct callbacks *callbacks = xcalloc(1, sizeof *callbacks);
    callbacks->connector        = connector;
    callbacks->path             = xstrdup(path);
    callbacks->on_ended         = on_ended;
    callbacks->owner            = owner;
    return callbacks;
}

static void leave(struct seat *seat)
{
    call_cancel(&seat->call);
    connected_fini(&seat->connected);
    buf_fini(&seat->says);
    memset(seat, 0, sizeof *seat);
}

void callbacks_free(struct callbacks *callbacks)
{
    if (!callbacks)
        return;
    for (size_t i = 0; i < CALLBACKS_MAX; i++)
        leave(&callbacks->seats[i]);
    free(callbacks->path);
    free(callbacks);
}

bool callbacks_busy(const struct callbacks *callbacks)
{
    for (size_t i = 0; i < CALLBACKS_MAX; i++)
        if (callbacks->seats[i].ticket[0] && !callbacks->seats[i].ended)
            return true;
    return false;
}

void callbacks_stop(struct callbacks *callbacks)
{
    callbacks->stopped = true;
}

// ---- pages

// what came from outside is text and nothing else
static void add_html(struct buf *page, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '<')
            buf_add_text(page, "&lt;");
        else if (c == '>')
            buf_add_text(page, "&gt;");
        else if (c == '&')
            buf_add_text(page, "&amp;");
        else if (c == '"')
            buf_add_text(page, "&quot;");
        else
            buf_add_char(page, (unsigned char)c < ' ' ? ' ' : c);
    }
}

static void print_page(struct server_reply *reply, int status, const char *next, const char *title,
                       struct str body)
{
    struct buf *page    = &reply->body;
    reply->status       = status;
    reply->content_type = "text/html; charset=utf-8";
    buf_add_text(page, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"referrer\" content=\"no-referrer\">"
                       "<meta name=\"viewport\" content=\"width=device-width\">");
    if (next)
        buf_printf(page, "<meta http-equiv=\"refresh\" content=\"%s\">", next);
    buf_printf(page,
               "<title>%s</title><style>body{font:18px/1.5 sans-serif;max-width:36em;margin:15vh "
               "auto;padding:0 1em}</style></head><body><h1>%s</h1>",
               title, title);
    buf_add(page, body);
    buf_add_text(page, "</body></html>\n");
}

static void say_connected(struct seat *seat)
{
    const struct account_record *record = &seat->connected.record;
    struct buf                  *says   = &seat->says;
    struct str                   name   = record->profile.display_name;
    buf_add_text(says, "<p>");
    add_html(says, name.len ? name : record->open_id);
    if (record->profile.username.len) {
        buf_add_text(says, " (@");
        add_html(says, record->profile.username);
        buf_add_text(says, ")");
    }
    buf_add_text(says, " is connected. You can close this page.</p>");
    if (seat->connected.alias_refused.len) {
        buf_add_text(says, "<p>The name ");
        add_html(says, seat->connected.alias_refused);
        buf_add_text(says, " was not given: ");
        add_html(says, seat->connected.alias_why);
        buf_add_text(says, ".</p>");
    }
}

static void say_failed(struct seat *seat, const struct error *err)
{
    buf_add_text(&seat->says, "<p>");
    add_html(&seat->says, str_of(err->message));
    buf_add_text(&seat->says, "</p>");
    if (seat->connected.remedy) {
        buf_add_text(&seat->says, "<p>");
        add_html(&seat->says, str_of(seat->connected.remedy));
        buf_add_text(&seat->says, "</p>");
    }
}

static void on_finished(struct call *call, const struct error *err)
{
    struct seat      *seat      = container_of(call, struct seat, call);
    struct callbacks *callbacks = seat->callbacks;
    seat->ended                 = true;
    seat->ok                    = err == NULL;
    if (err)
        say_failed(seat, err);
    else
        say_connected(seat);
    if (err)
        log_warn("an account was not connected", F_STR("why", err->message));
    if (callbacks->on_ended)
        callbacks->on_ended(callbacks->owner, &seat->connected, err);
    connected_fini(&seat->connected);
}

// ---- requests

// a free seat, else that of the oldest who has ended; NULL: all are under way
static struct seat *find_seat(struct callbacks *callbacks)
{
    struct seat *oldest = NULL;
    for (size_t i = 0; i < CALLBACKS_MAX; i++) {
        struct seat *seat = &callbacks->seats[i];
        if (!seat->ticket[0])
            return seat;
        if (seat->ended && (!oldest || seat->number < oldest->number))
            oldest = seat;
    }
    if (oldest)
        leave(oldest);
    return oldest;
}

static void print_seat(struct callbacks *callbacks, struct seat *seat, struct server_reply *reply,
                       int wait_s)
{
    struct buf next;
    buf_init(&next, 1024);
    buf_printf(&next, "%d;url=", wait_s);
    add_html(&next, str_of(callbacks->path));
    buf_printf(&next, "?wait=%s", seat->ticket);
    if (!seat->ended)
        print_page(reply, 200, buf_text(&next), "One moment",
                   STR("<p>The account is being connected.</p>"));
    else
        print_page(reply, 200, NULL, seat->ok ? "Connected" : "Not connected",
                   buf_str(&seat->says));
    buf_fini(&next);
}

// who has come with the state of this query, and is under way or was connected: browsers load a
// page twice
static struct seat *seat_with_state(struct callbacks *callbacks, const char *query)
{
    struct consent_callback callback;
    struct arena            arena = { 0 };
    struct seat            *found = NULL;
    struct error            ignored;
    bool ok = consent_callback_decode(str_of(query), &callback, &arena, &ignored);
    for (size_t i = 0; ok && callback.state.len && i < CALLBACKS_MAX; i++) {
        struct seat *seat = &callbacks->seats[i];
        if (seat->ticket[0] && (!seat->ended || seat->ok) && str_is(callback.state, seat->state))
            found = seat;
    }
    arena_wipe(&arena);
    return found;
}

static void take_callback(struct callbacks *callbacks, const char *query,
                          struct server_reply *reply)
{
    struct seat *seat = seat_with_state(callbacks, query);
    if (seat) {
        print_seat(callbacks, seat, reply, 0);
        return;
    }
    if (callbacks->stopped) {
        print_page(reply, 503, NULL, "Not connected",
                   STR("<p>Nobody waits for this consent any more.</p>"));
        return;
    }
    seat = find_seat(callbacks);
    if (!seat) {
        print_page(reply, 503, NULL, "Not connected",
                   STR("<p>Too many accounts are being connected. Load this page again in a "
                       "minute.</p>"));
        return;
    }
    seat->callbacks = callbacks;
    seat->number    = callbacks->arrivals++;
    buf_init(&seat->says, SAYS_MAX_BYTES);
    random_hex(seat->ticket, TICKET_BYTES - 1);
    connect_finish(callbacks->connector, str_of(query), &seat->connected, &seat->call, on_finished);
    memcpy(seat->state, seat->connected.state, sizeof seat->state);
    print_seat(callbacks, seat, reply, 0);
}

static struct seat *seat_of(struct callbacks *callbacks, struct str ticket)
{
    for (size_t i = 0; i < CALLBACKS_MAX; i++)
        if (callbacks->seats[i].ticket[0] && str_is(ticket, callbacks->seats[i].ticket))
            return &callbacks->seats[i];
    return NULL;
}

bool callback_answer(struct callbacks *callbacks, const struct server_request *request,
                     struct server_reply *reply)
{
    struct str query = str_of(request->query);
    if (strcmp(request->path, callbacks->path) != 0)
        return false;
    if (strcmp(request->method, "GET") != 0 || request->is_head) {
        print_page(reply, 405, NULL, "Not connected", STR("<p>This page is for browsers.</p>"));
    } else if (str_starts(query, "wait=")) {
        struct seat *seat = seat_of(callbacks, (struct str){ query.p + 5, query.len - 5 });
        if (seat)
            print_seat(callbacks, seat, reply, 1);
        else
            print_page(reply, 404, NULL, "Nothing here",
                       STR("<p>What came of this consent is not known any more.</p>"));
    } else if (!query.len) {
        print_page(reply, 200, NULL, "Nothing here",
                   STR("<p>TikTok sends browsers to this page after a consent.</p>"));
    } else {
        take_callback(callbacks, request->query, reply);
    }
    return true;
}

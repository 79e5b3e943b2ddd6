// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/http.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/server.h"
#include "tiktok/api.h"

enum { PATIENCE_MS = 5000 };

// TikTok, played by a server in the same loop
struct play {
    struct loop         *loop;
    struct http         *http;
    struct server       *server;
    struct tiktok       *tiktok;
    struct call          call;
    struct tiktok_answer answer;
    struct post          post;
    int                  status;      // the server's answer
    const char          *body;        // the server's answer
    int                  requests;    // that the server has seen
    char                 seen[1024];  // the last one: path and body
    int                  done;        // how often
    bool                 failed;      // done with an error
    struct error         err;         // that error
    int                  asked;       // may_send was
    bool                 may_send;    // its word
};

static void on_request(void *owner, const struct server_request *request,
                       struct server_reply *reply)
{
    struct play *play = owner;
    play->requests++;
    snprintf(play->seen, sizeof play->seen, "%s %s %.*s", request->method, request->path,
             STR_ARG(request->body));
    reply->status       = play->status;
    reply->content_type = "application/json";
    buf_add_text(&reply->body, play->body);
}

static void on_done(struct call *call, const struct error *err)
{
    struct play *play = container_of(call, struct play, call);
    play->done++;
    play->failed = err != NULL;
    if (err)
        play->err = *err;
}

static bool may_send(void *owner)
{
    struct play *play = owner;
    play->asked++;
    return play->may_send;
}

static void begin(struct play *play, int status, const char *body, const char *slash,
                  int64_t in_flight_max)
{
    *play = (struct play){ .status = status, .body = body, .may_send = true };
    struct error         err;
    struct http_settings settings = { .user_agent      = "test",
                                      .connect_ms      = PATIENCE_MS,
                                      .connections_max = 4,
                                      .in_flight_max   = in_flight_max,
                                      .http_allowed    = true };
    char                 url[64];
    play->loop = loop_new();
    play->http = http_new(play->loop, &settings, &err);
    play->server =
        server_open(play->loop, "127.0.0.1:0", 1 << 20, PATIENCE_MS, 8, on_request, play, &err);
    assert_true(play->http && play->server);
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server_port(play->server), slash);
    struct tiktok_settings tiktok = { .api_url           = url,
                                      .init_timeout_ms   = PATIENCE_MS,
                                      .status_timeout_ms = PATIENCE_MS };
    play->tiktok                  = tiktok_new(play->http, &tiktok, &err);
    assert_non_null(play->tiktok);
    play->post = (struct post){
        .mode = POST_DRAFT, .media = MEDIA_VIDEO, .url_count = 1, .caption = STR("hi")
    };
    play->post.urls[0] = STR("https://cdn.example.com/clip.mp4");
}

static void end(struct play *play)
{
    tiktok_free(play->tiktok);
    http_free(play->http);
    server_free(play->server);
    loop_free(play->loop);
}

static void wait_done(struct play *play)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    assert_int_equal(play->done, 0);  // never before the starter has returned
    while (!play->done && clock_monotonic_ms() < end_ms)
        loop_turn(play->loop, 50);
    loop_turn(play->loop, 1);
    assert_int_equal(play->done, 1);
    assert_false(call_busy(&play->call));
    assert_null(play->answer.http.body.p);  // the adapter's own is gone
}

static void init(struct play *play)
{
    tiktok_init(play->tiktok, &play->post, STR("act.secret"), may_send, play, &play->answer,
                &play->call, on_done);
    wait_done(play);
}

static void assert_init(int status, const char *body, const char *outcome, bool failed)
{
    struct play play;
    begin(&play, status, body, "", 8);
    init(&play);
    assert_string_equal(play.answer.outcome->code, outcome);
    assert_int_equal(play.answer.http_status, status);
    assert_int_equal(play.failed, failed);
    if (failed)
        assert_int_equal(play.err.code, ERR_BROKEN);
    end(&play);
}

#define ACCEPTED                                                                                   \
    "{\"data\":{\"publish_id\":\"v_inbox_url~v2.1\"},\"error\":{\"code\":\"ok\",\"log_id\":\"L\"}" \
    "}"

TEST(an_init_sends_the_post_once_and_reads_the_publish_id)
{
    struct play play;
    begin(&play, 200, ACCEPTED, "/", 8);
    init(&play);
    assert_false(play.failed);
    assert_string_equal(play.answer.publish_id, "v_inbox_url~v2.1");
    assert_string_equal(play.answer.outcome->code, "ok");
    assert_true(play.answer.took_us > 0);
    assert_int_equal(play.asked, 1);
    assert_int_equal(play.requests, 1);
    assert_string_equal(
        play.seen,
        "POST /v2/post/publish/inbox/video/init/ {\"post_info\":{\"title\":\"hi\"},\"source_info\":"
        "{\"source\":\"PULL_FROM_URL\",\"video_url\":\"https://cdn.example.com/clip.mp4\"}}");
    end(&play);
}

TEST(a_refusal_is_no_error_of_the_call)
{
    assert_init(401, "{\"error\":{\"code\":\"access_token_invalid\"}}", "access_token_invalid",
                false);
    assert_init(403, "{\"error\":{\"code\":\"spam_risk_too_many_posts\"}}",
                "spam_risk_too_many_posts", false);
    assert_init(500, "<html>", "http_5xx", false);
    assert_init(429, "", "http_429", false);
}

TEST(a_success_without_a_publish_id_is_a_broken_answer)
{
    assert_init(200, "{\"data\":{},\"error\":{\"code\":\"ok\"}}", "broken_answer", true);
    assert_init(200, "{\"error\":{\"code\":\"ok\"}}", "broken_answer", true);
    assert_init(200, "{\"data\":{\"status\":\"FAILED\"}}", "broken_answer", true);
    assert_init(200, "{\"data\":{\"publish_id\":\"\"},\"error\":{\"code\":\"ok\"}}",
                "broken_answer", true);
    assert_init(200, "", "broken_answer", true);
    assert_init(200, "{\"data\":{\"publish_id\":\"v_pub", "broken_answer", true);
}

TEST(an_answer_that_is_too_long_leaves_a_doubt)
{
    struct play play;
    struct buf  body;
    buf_init(&body, 300000);
    while (buf_add_text(&body, "          "))
        continue;
    begin(&play, 200, buf_text(&body), "", 8);
    init(&play);
    assert_true(play.failed);
    assert_string_equal(play.answer.outcome->code, "broken_answer");
    end(&play);
    buf_fini(&body);
}

TEST(a_request_that_is_held_back_was_not_sent)
{
    struct play play;
    begin(&play, 200, ACCEPTED, "", 8);
    play.may_send = false;
    init(&play);
    assert_true(play.failed);
    assert_string_equal(play.answer.outcome->code, "not_sent");
    assert_int_equal(play.answer.http_status, 0);
    assert_int_equal(play.requests, 0);
    end(&play);
}

TEST(without_a_connection_nothing_was_sent)
{
    struct play play;
    begin(&play, 200, ACCEPTED, "", 8);
    server_free(play.server);
    play.server = NULL;
    init(&play);
    assert_true(play.failed);
    assert_string_equal(play.answer.outcome->code, "no_connection");
    assert_int_equal(play.answer.outcome->effect, EFFECT_NO);
    end(&play);
}

TEST(a_full_adapter_is_busy)
{
    struct play play;
    begin(&play, 200, ACCEPTED, "", 0);
    init(&play);
    assert_true(play.failed);
    assert_string_equal(play.answer.outcome->code, "busy");
    end(&play);
}

TEST(after_a_cancel_done_is_never_run)
{
    for (int turns = 0; turns < 8; turns++) {
        struct play play;
        begin(&play, 200, ACCEPTED, "", 8);
        tiktok_init(play.tiktok, &play.post, STR("act.secret"), may_send, &play, &play.answer,
                    &play.call, on_done);
        for (int i = 0; i < turns && !play.done; i++)
            loop_turn(play.loop, 1);
        int done = play.done;
        call_cancel(&play.call);
        for (int i = 0; i < 5; i++)
            loop_turn(play.loop, 1);
        assert_int_equal(play.done, done);
        assert_int_equal(http_in_flight(play.http), 0);
        end(&play);
    }
}

TEST(a_status_is_asked_by_publish_id)
{
    struct play play;
    begin(&play, 200,
          "{\"data\":{\"status\":\"PUBLISH_COMPLETE\",\"publicaly_available_post_id\":["
          "7678907398077074696]},"
          "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}",
          "//", 8);
    tiktok_status(play.tiktok, STR("v_pub_url~v2.1"), STR("act.secret"), &play.answer, &play.call,
                  on_done);
    wait_done(&play);
    assert_false(play.failed);
    assert_string_equal(play.seen,
                        "POST /v2/post/publish/status/fetch/ {\"publish_id\":\"v_pub_url~v2.1\"}");
    assert_string_equal(play.answer.status, "PUBLISH_COMPLETE");
    assert_string_equal(play.answer.post_ids[0], "7678907398077074696");
    end(&play);
}

TEST(a_status_answer_without_a_status_is_broken)
{
    struct play play;
    begin(&play, 200, "{\"data\":{},\"error\":{\"code\":\"ok\"}}", "", 8);
    tiktok_status(play.tiktok, STR("v_pub_url~v2.1"), STR("act.secret"), &play.answer, &play.call,
                  on_done);
    wait_done(&play);
    assert_true(play.failed);
    assert_int_equal(play.answer.outcome->next, NEXT_LOOK_UP);
    end(&play);
}

TEST(a_cancel_needs_no_data)
{
    struct play play;
    begin(&play, 200, "{\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}", "", 8);
    tiktok_cancel(play.tiktok, STR("v_pub_url~v2.1"), STR("act.secret"), &play.answer, &play.call,
                  on_done);
    wait_done(&play);
    assert_false(play.failed);
    assert_string_equal(play.seen,
                        "POST /v2/post/publish/cancel/ {\"publish_id\":\"v_pub_url~v2.1\"}");
    assert_int_equal(play.answer.outcome->next, NEXT_OK);
    end(&play);
}

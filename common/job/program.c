// SPDX-License-Identifier: Apache-2.0
#include "job/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "job/telemetry.h"
#include "loop/clock.h"

enum {
    LOG_FLUSH_MS     = 100,
    DRAIN_LOOK_MS    = 20,
    STOP_TIMEOUT_MS  = 1000,
    ANSWER_MAX_BYTES = 64 * 1024 * 1024,
    GATE_KEY_BYTES   = 80
};

struct running {
    struct program             program;
    const struct program_kind *kind;    // borrowed
    void                      *owner;   // what kind->open made
    struct server             *server;  // health and metrics
    struct telemetry          *telemetry;
    struct signal_watch        term;
    struct signal_watch        interrupt;
    struct timer               flush;  // of the log
    struct timer               beat;   // next heartbeat
    struct timer               drain;  // next look whether everything is done
    int64_t                    drain_until_ms;
    struct call                beat_call;
    struct redis_reply         beat_reply;
    char                       host[64];
    char                       pid[24];
    char                       port[24];
    char                       generation[24];  // of the gate, as the last heartbeat told
    bool                       clock_told;      // that it is wrong
    char refused[256];  // what Redis answered the last heartbeat; empty: it took it, or is away
};

void program_saw_gate(struct program *program, bool open)
{
    if (program->gate_open == open)
        return;
    program->gate_open = open;
    if (open)
        log_info("gate is open", F_STR("redis", redis_address(program->redis)));
    else
        log_warn("gate is closed: nothing is claimed, ingested or followed until it opens",
                 F_STR("redis", redis_address(program->redis)));
}

struct str program_id(const struct program *program)
{
    return str_of(program->id);
}

static void on_flush(struct timer *timer)
{
    log_flush();
    timer_start(timer, LOG_FLUSH_MS);
}

// ---- heartbeat

static void see_generation(struct running *r, struct str generation)
{
    bool changed = r->generation[0] && !str_is(generation, r->generation);
    snprintf(r->generation, sizeof r->generation, "%.*s", STR_ARG(generation));
    if (changed && r->kind->on_generation && !r->program.draining)
        r->kind->on_generation(r->owner);
}

// A connection is there and its scripts are refused (no replicas, an ACL that was changed): nothing
// moves, so people hear it.
static void see_refusal(struct running *r, const char *why)
{
    if (*why && !r->refused[0])
        log_error("nothing can be written to Redis",
                  F_STR("redis", redis_address(r->program.redis)), F_STR("why", why));
    if (!*why && r->refused[0])
        log_info("Redis takes scripts again", F_STR("redis", redis_address(r->program.redis)));
    snprintf(r->refused, sizeof r->refused, "%s", why);
}

/* Records of attempts and commands carry this machine's time, and which end is of which life of a job is told by that
 * (replay.h): with a clock that is ahead by job.keep_ms ends of today would count as long forgotten. */
static void see_clock(struct running *r, int64_t redis_ms)
{
    int64_t apart_ms = clock_wall_ms() - redis_ms;
    int64_t most_ms  = r->program.config.job_keep_ms / 2;
    bool    wrong    = apart_ms > most_ms || apart_ms < -most_ms;
    if (wrong && !r->clock_told)
        log_error("this machine's clock is not Redis': nothing is claimed here until it is right",
                  F_INT("apart_ms", apart_ms));
    r->clock_told       = wrong;
    r->program.clock_ok = !wrong;
}

static void on_beat(struct call *call, const struct error *err)
{
    struct running *r = container_of(call, struct running, beat_call);
    enum store_word word;
    struct error    why;
    bool            told = store_word(err, &r->beat_reply, &word, &why);
    see_refusal(r, told || err ? "" : why.message);
    if (!told) {
        log_debug("no heartbeat", F_STR("why", why.message));
    } else {
        program_saw_gate(&r->program, word != WORD_GATE);
        if (word == WORD_OK && r->beat_reply.answer.count > 3)
            see_clock(r, r->beat_reply.answer.items[3].number);
        r->program.first = word == WORD_OK && r->beat_reply.answer.count > 1 &&
                           r->beat_reply.answer.items[1].number == 1 && r->program.clock_ok;
        if (word == WORD_OK)
            see_generation(r, answer_item(&r->beat_reply.answer, 2));
        if (word == WORD_GATE && r->kind->on_gate && !r->program.draining)
            r->kind->on_gate(r->owner);
    }
    redis_reply_fini(&r->beat_reply);
    // while the gate is closed its opening is noticed sooner
    timer_start(&r->beat, r->program.gate_open ? r->program.config.heartbeat_ms : 200);
}

static void beat(struct running *r, const char *state, call_done *done)
{
    struct heartbeat_args args = {
        .program      = program_id(&r->program),
        .kind         = str_of(r->kind->name),
        .host         = str_of(r->host),
        .pid          = str_of(r->pid),
        .port         = str_of(r->port),
        .version      = str_of(TOKFLEET_VERSION),
        .state        = str_of(state),
        .heartbeat_ms = r->program.config.heartbeat_ms,
    };
    script_heartbeat(r->program.store, &args, &r->beat_reply, &r->beat_call, done);
}

static void on_beat_timer(struct timer *timer)
{
    struct running *r = container_of(timer, struct running, beat);
    beat(r, r->program.draining ? "draining" : "running", on_beat);
}

// ---- health

static const char *not_ready(const struct running *r)
{
    if (r->program.draining)
        return "draining";
    if (!redis_connected(r->program.redis))
        return "Redis is not connected";
    if (r->refused[0])
        return r->refused;
    if (!kafka_out_healthy(r->program.kafka))
        return "Kafka is not reachable";
    if (!r->program.gate_open)
        return "the gate is closed";
    if (r->clock_told)
        return "this machine's clock is not Redis'";
    return NULL;
}

static void print_ready(const struct running *r, const char *why, struct buf *body)
{
    const struct redis *redis = r->program.redis;
    buf_add_text(body, why ? why : "ok");
    if (why && !redis_connected(redis) && *redis_why(redis))
        buf_printf(body, ": %s", redis_why(redis));
    buf_add_text(body, "\n");
}

static void on_request(void *owner, const struct server_request *request,
                       struct server_reply *reply)
{
    const struct running *r = owner;
    if (strcmp(request->path, "/livez") == 0) {
        buf_add_text(&reply->body, "ok\n");
    } else if (strcmp(request->path, "/readyz") == 0) {
        const char *why = not_ready(r);
        reply->status   = why ? 503 : 200;
        print_ready(r, why, &reply->body);
    } else if (strcmp(request->path, "/metrics") == 0) {
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
        if (r->owner && r->kind->on_scrape)
            r->kind->on_scrape(r->owner);
        telemetry_print(r->telemetry, !not_ready(r), &reply->body);
    } else {
        reply->status = 404;
        buf_add_text(&reply->body, "here are /livez, /readyz and /metrics\n");
    }
}

// ---- the end

static void on_drain_look(struct timer *timer)
{
    struct running *r = container_of(timer, struct running, drain);
    if (r->kind->idle(r->owner)) {
        log_info("drained");
        loop_stop(r->program.loop);
    } else if (clock_monotonic_ms() >= r->drain_until_ms) {
        log_warn("not everything ended in time: others take it over",
                 F_INT("drain_ms", r->program.config.drain_ms));
        loop_stop(r->program.loop);
    } else {
        timer_start(timer, DRAIN_LOOK_MS);
    }
}

static void on_stop_signal(struct signal_watch *watch, int number)
{
    struct running *r = number == SIGTERM ? container_of(watch, struct running, term)
                                          : container_of(watch, struct running, interrupt);
    if (r->program.draining) {
        loop_stop(r->program.loop);
        return;
    }
    log_info("draining", F_STR("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
    r->program.draining = true;
    r->drain_until_ms   = clock_monotonic_ms() + r->program.config.drain_ms;
    r->kind->drain(r->owner);
    timer_start(&r->drain, 0);
}

static void on_said_goodbye(struct call *call, const struct error *err)
{
    (void)err;
    loop_stop(container_of(call, struct running, beat_call)->program.loop);
}

static void on_goodbye_late(struct timer *timer)
{
    loop_stop(container_of(timer, struct running, drain)->program.loop);
}

// its program:<id> says that it stopped by itself; nobody waits long for that
static void say_goodbye(struct running *r)
{
    timer_stop(&r->beat);
    call_cancel(&r->beat_call);
    redis_reply_fini(&r->beat_reply);
    if (!redis_connected(r->program.redis))
        return;
    timer_fini(&r->drain);
    timer_init(&r->drain, r->program.loop, on_goodbye_late);
    timer_start(&r->drain, STOP_TIMEOUT_MS);
    beat(r, "stopped", on_said_goodbye);
    loop_run(r->program.loop);
    call_cancel(&r->beat_call);
    redis_reply_fini(&r->beat_reply);
}

// ---- opening and closing

static bool open_connections(struct program *p, struct error *err)
{
    struct config *c = &p->config;
    char           gate_key[GATE_KEY_BYTES];
    snprintf(gate_key, sizeof gate_key, "{%s}:gate", c->fleet);
    struct redis_settings redis_settings = {
        .url               = c->redis_url,
        .ca_file           = c->redis_ca[0] ? c->redis_ca : NULL,
        .sentinel_user     = c->redis_sentinel_user[0] ? c->redis_sentinel_user : NULL,
        .sentinel_password = c->redis_sentinel_password[0] ? c->redis_sentinel_password : NULL,
        .permit            = &permit_script,
        .permit_key        = gate_key,
        .connect_ms        = c->redis_timeout_ms,
        .backoff_min_ms    = 50,
        .backoff_max_ms    = c->redis_backoff_max_ms,
        .in_flight_max     = c->redis_in_flight,
        .answer_max_bytes  = ANSWER_MAX_BYTES,
        .on_timed          = telemetry_on_script,
        .owner             = p,
    };
    struct http_settings http_settings = {
        .user_agent      = "tokfleet/" TOKFLEET_VERSION,
        .ca_file         = c->tiktok_ca[0] ? c->tiktok_ca : NULL,
        .connect_ms      = c->tiktok_connect_ms,
        .connections_max = c->tiktok_connections,
        .in_flight_max   = c->worker_jobs + c->poller_looks + c->refresh_at_once,
        .http_allowed    = str_starts(str_of(c->tiktok_api_url), "http://"),
    };
    struct tiktok_settings tiktok_settings = {
        .api_url           = c->tiktok_api_url,
        .init_timeout_ms   = c->tiktok_timeout_ms,
        .status_timeout_ms = c->tiktok_timeout_ms,
        .on_ended          = telemetry_on_request,
        .owner             = p,
    };
    p->kafka_settings = (struct kafka_settings){
        .brokers            = c->kafka_brokers,
        .properties_file    = c->kafka_properties[0] ? c->kafka_properties : NULL,
        .client_id          = p->id,
        .send_timeout_ms    = c->kafka_send_timeout_ms,
        .queue_max_messages = c->kafka_queue_messages,
        .queue_max_bytes    = c->kafka_queue_bytes,
        .fetch_max_bytes    = c->kafka_fetch_bytes,
        .session_timeout_ms = c->kafka_session_ms,
        .small_batches      = true,
    };
    if (!c->token_keys[0])
        return error_set(
            err, ERR_SETTING,
            "TOKFLEET_TOKEN_KEYS is not set: it opens the accounts' tokens. "
            "Make one: echo \"k1:$(openssl rand -base64 32)\", and give the same to every program");
    return (p->seal = seal_new(c->token_keys, err)) &&
           (p->redis = redis_new(p->loop, &redis_settings, err)) &&
           (p->store = store_new(p->loop, p->redis, c)) &&
           (p->kafka = kafka_out_new(p->loop, &p->kafka_settings, err)) &&
           (p->http = http_new(p->loop, &http_settings, err)) &&
           (p->tiktok = tiktok_new(p->http, &tiktok_settings, err));
}

static bool running_open(struct running *r, struct error *err)
{
    struct program *p = &r->program;
    if (gethostname(r->host, sizeof r->host - 1) != 0)
        snprintf(r->host, sizeof r->host, "unknown");
    snprintf(r->pid, sizeof r->pid, "%ld", (long)getpid());
    snprintf(p->id, sizeof p->id, "%s-%s-%s", r->kind->name, r->host, r->pid);
    for (int topic = 0; topic < FLEET_TOPIC_COUNT; topic++)
        fleet_topic_name(p->config.fleet, (enum fleet_topic)topic, p->topics[topic],
                         TOPIC_NAME_BYTES);
    p->gate_open = true;  // until a script tells otherwise, so that a closed one is said once
    p->loop      = loop_new();
    timer_init(&r->flush, p->loop, on_flush);
    timer_init(&r->beat, p->loop, on_beat_timer);
    timer_init(&r->drain, p->loop, on_drain_look);
    signal_watch_init(&r->term, p->loop, SIGTERM, on_stop_signal);
    signal_watch_init(&r->interrupt, p->loop, SIGINT, on_stop_signal);
    r->telemetry = telemetry_new(p, r->kind->name);
    if (!open_connections(p, err))
        return false;
    r->server =
        server_open(p->loop, p->config.http_listen, p->config.http_body_bytes,
                    p->config.http_timeout_ms, p->config.http_connections, on_request, r, err);
    if (!r->server)
        return false;
    snprintf(r->port, sizeof r->port, "%d", server_port(r->server));
    r->owner = r->kind->open(p, err);
    return r->owner != NULL;
}

static void running_close(struct running *r)
{
    struct program *p = &r->program;
    call_cancel(&r->beat_call);
    redis_reply_fini(&r->beat_reply);
    if (r->owner)
        r->kind->close(r->owner);
    tiktok_free(p->tiktok);
    http_free(p->http);
    kafka_out_free(p->kafka);
    store_free(p->store);
    redis_free(p->redis);
    seal_free(p->seal);
    server_free(r->server);
    telemetry_free(r->telemetry);
    timer_fini(&r->flush);
    timer_fini(&r->beat);
    timer_fini(&r->drain);
    signal_watch_fini(&r->term);
    signal_watch_fini(&r->interrupt);
    loop_free(p->loop);
}

static void print_help(const struct program_kind *kind)
{
    printf(
        "usage: tokfleet-%s [--help | --version | --settings | --reference | --metrics]\n\n%s\n\n"
        "It is set up by its environment alone; every program of a fleet takes the same one.\n"
        "  --settings   print every setting, its value and where it comes from (secrets hidden), "
        "and stop\n"
        "  --reference  print the settings as a Markdown table, and stop\n"
        "  --metrics    print what /metrics shows as a Markdown table, and stop\n\n"
        "SIGTERM drains: no new work is taken, what is under way ends (TOKFLEET_DRAIN_MS at "
        "most).\n"
        "GET /livez, /readyz and /metrics on TOKFLEET_HTTP_LISTEN; the port is in the log and in "
        "program:<id> in Redis.\n\n"
        "Settings:\n",
        kind->name, kind->purpose);
    setting_print_help(config_rows, config_row_count, stdout);
}

// -1: go on and start; else the exit code
static int handle_flags(int argc, char **argv, const struct program_kind *kind,
                        struct config *config)
{
    const char *flag = argc > 1 ? argv[1] : "";
    if (argc > 2 ||
        (argc == 2 && strcmp(flag, "--help") && strcmp(flag, "--version") &&
         strcmp(flag, "--settings") && strcmp(flag, "--reference") && strcmp(flag, "--metrics"))) {
        fprintf(stderr, "tokfleet-%s: unknown argument %s; see --help\n", kind->name,
                argc > 2 ? argv[2] : flag);
        return 2;
    }
    if (strcmp(flag, "--help") == 0) {
        print_help(kind);
        return 0;
    }
    if (strcmp(flag, "--version") == 0) {
        printf("tokfleet-%s %s\n", kind->name, TOKFLEET_VERSION);
        return 0;
    }
    if (strcmp(flag, "--reference") == 0) {
        setting_print_reference(config_rows, config_row_count, stdout);
        return 0;
    }
    if (strcmp(flag, "--metrics") == 0) {
        metric_print_reference(metric_rows, METRIC_COUNT, stdout);
        return 0;
    }
    struct error err;
    if (!config_read(environ, config, &err)) {
        fprintf(stderr, "tokfleet-%s: %s\n", kind->name, err.message);
        return 2;
    }
    if (strcmp(flag, "--settings") == 0) {
        setting_print_values(config_rows, config_row_count, environ, config, stdout);
        config_free(config);
        return 0;
    }
    return -1;
}

int program_main(int argc, char **argv, const struct program_kind *kind)
{
    memory_give_back();
    struct running *r = xcalloc(1, sizeof *r);
    r->kind           = kind;
    int code          = handle_flags(argc, argv, kind, &r->program.config);
    if (code >= 0) {
        free(r);
        return code;
    }
    signal(SIGPIPE, SIG_IGN);
    char name[64];
    snprintf(name, sizeof name, "tokfleet-%s", kind->name);
    enum log_level level = LOG_INFO;
    if (!log_level_parse(str_of(r->program.config.log_level), &level))
        level = LOG_INFO;
    log_open(STDOUT_FILENO, name, level);
    log_set_buffer_bytes((size_t)r->program.config.log_buffer_bytes);

    struct error err;
    code = 1;
    if (running_open(r, &err)) {
        log_info("started", F_STR("id", r->program.id), F_STR("version", TOKFLEET_VERSION),
                 F_STR("fleet", r->program.config.fleet), F_STR("http_port", r->port),
                 F_STR("redis", redis_address(r->program.redis)),
                 F_STR("kafka", r->program.config.kafka_brokers));
        timer_start(&r->flush, LOG_FLUSH_MS);
        timer_start(&r->beat, 0);
        loop_run(r->program.loop);
        say_goodbye(r);
        log_info("stopped", F_STR("id", r->program.id));
        code = 0;
    } else {
        log_error("cannot start", F_STR("why", err.message));
    }
    running_close(r);
    log_drain(500);
    config_free(&r->program.config);
    free(r);
    return code;
}

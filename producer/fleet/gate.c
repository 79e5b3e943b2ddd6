// SPDX-License-Identifier: Apache-2.0
// tokfleet gate: is Redis told what happened, and may it be acted on?
// tokfleet rebuild: tell it anew.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "job/replay.h"
#include "loop/clock.h"
#include "producer/tool/records.h"
#include "producer/tool/verb.h"

enum { LOOK_MS = 200, REPLAY_SAYS_COUNT = REPLAY_END + 1 };

struct gate_options {
    bool    json;
    bool    dry_run;
    int64_t timeout_ms;
};

#define AT(field) offsetof(struct gate_options, field)

static const struct flag gate_flags[] = {
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object" },
};

static const struct flag rebuild_flags[] = {
    { "dry-run", FLAG_YES, NULL, AT(dry_run),
      .help = "read the journal and say what it holds; change nothing" },
    { "json", FLAG_YES, NULL, AT(json), .help = "print one JSON object, at the end" },
    { "timeout", FLAG_MS, "TIME", AT(timeout_ms), "1h", 0, 86400000, "stop watching after" },
};

// ---- the gate as it stands

struct gate_look {
    struct ask asks[2];  // the hash, the server's identity
    struct str server;   // master_replid of this Redis
};

// of the hash; "" when absent
static struct str field_of(const struct gate_look *look, const char *name)
{
    return answer_field(&look->asks[0].reply.answer, name);
}

static struct str info_line(struct str info, const char *name)
{
    struct str line, field;
    while (str_cut(&info, '\n', &line)) {
        line = str_trim(line);
        if (str_cut(&line, ':', &field) && str_is(field, name))
            return line;
    }
    return (struct str){ 0 };
}

static bool gate_read(struct tool *tool, struct gate_look *look, struct error *err)
{
    memset(look, 0, sizeof *look);
    if (!tool_store(tool, err))
        return false;
    ask_begin(tool, &look->asks[0], "HGETALL", "gate", STR(""));
    ask_begin(tool, &look->asks[1], "INFO", NULL, STR(""));
    ask_add(&look->asks[1], "replication");
    if (!tool_ask(tool, look->asks, COUNT_OF(look->asks), err))
        return false;
    look->server = info_line(look->asks[1].reply.answer.text, "master_replid");
    return true;
}

static void gate_look_fini(struct gate_look *look)
{
    asks_fini(look->asks, COUNT_OF(look->asks));
}

static bool is_open(const struct gate_look *look)
{
    return str_is(field_of(look, "state"), "open") &&
           str_eq(field_of(look, "identity"), look->server);
}

static const char *words_of(const struct gate_look *look)
{
    if (is_open(look))
        return "open: Redis has been told what happened, and is acted on";
    if (!field_of(look, "state").len)
        return "never opened on this Redis: a poller opens it once it has looked at the journal";
    if (str_is(field_of(look, "state"), "open"))
        return "closed: this Redis is another one than the gate was opened on (restarted, failed "
               "over); a poller takes it";
    return field_of(look, "taker").len ? "closed: a poller is telling Redis what happened"
                                       : "closed: a poller takes it soon";
}

static void print_field(struct tool *tool, const char *label, struct str value)
{
    out_printf(&tool->out, "%-11s %.*s\n", label, STR_ARG(value.len ? value : STR("-")));
}

static void print_swept(struct tool *tool, const struct gate_look *look)
{
    char    when[CLOCK_TEXT_BYTES];
    int64_t at_ms;
    if (!str_to_i64(field_of(look, "t_swept"), &at_ms))
        return;
    clock_format(at_ms, when);
    out_printf(
        &tool->out, "%-11s %s, %.*s jobs, %.*s records of the journal deleted\n", "swept", when,
        STR_ARG(field_of(look, "swept_jobs").len ? field_of(look, "swept_jobs") : STR("0")),
        STR_ARG(field_of(look, "swept_records").len ? field_of(look, "swept_records") : STR("0")));
}

static void print_look(struct tool *tool, const struct gate_look *look)
{
    print_field(tool, "gate", str_of(words_of(look)));
    print_field(tool, "generation", field_of(look, "generation"));
    print_field(tool, "identity", field_of(look, "identity"));
    print_field(tool, "server", look->server);
    if (field_of(look, "step").len)
        out_printf(&tool->out, "step        %.*s, %.*s of %.*s, by %.*s\n",
                   STR_ARG(field_of(look, "step")), STR_ARG(field_of(look, "done")),
                   STR_ARG(field_of(look, "of")), STR_ARG(field_of(look, "taker")));
    if (field_of(look, "read").len)
        print_field(tool, "journal",
                    str_is(field_of(look, "read"), "tail")
                        ? STR("read from where Redis knew it last")
                        : STR("read from the beginning"));
    print_swept(tool, look);
}

static void print_json(struct tool *tool, const struct gate_look *look)
{
    static const char *const fields[] = { "state",   "generation", "identity",     "step",
                                          "taker",   "done",       "of",           "read",
                                          "t_swept", "swept_jobs", "swept_records" };
    struct json             *object   = json_object();
    json_set_bool(object, "open", is_open(look));
    json_set_text(object, "server", look->server);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        json_set_text(object, fields[i], field_of(look, fields[i]));
    out_json(&tool->out, object);
    json_free(object);
}

static int run_gate(struct tool *tool, const void *options, char *const *operands,
                    int operand_count)
{
    (void)operands, (void)operand_count;
    const struct gate_options *o = options;
    struct gate_look           look;
    struct error               err;
    if (!gate_read(tool, &look, &err)) {
        gate_look_fini(&look);
        return tool_fail(tool, &err);
    }
    if (o->json)
        print_json(tool, &look);
    else
        print_look(tool, &look);
    int code = is_open(&look) ? END_WELL : END_BAD;
    gate_look_fini(&look);
    return code;
}

// ---- what the journal holds

struct journal_look {
    struct tool   *tool;
    struct replay *replay;
    bool           bad;
    struct error   error;
};

static void on_record(void *owner, const struct kafka_message *message)
{
    struct journal_look *look = owner;
    struct error         err;
    if (look->bad || replay_record(look->replay, message->key, message->value, &err))
        return;
    look->bad   = true;
    look->error = err;
}

static const struct {
    const char *field;  // of --json
    const char *words;
} replay_says_rows[REPLAY_SAYS_COUNT] = {
    { "queued", "nothing was sent: it is queued from its message" },
    { "unsure", "an attempt without an answer: UNSURE, unless Redis knows more" },
    { "followed", "TikTok has it: followed again" },
    { "ended", "it has its end" },
};

static void print_journal(struct tool *tool, struct replay *replay, int64_t records, bool as_json)
{
    size_t counts[REPLAY_SAYS_COUNT] = { 0 };
    for (size_t i = 0; i < replay_jobs(replay); i++) {
        struct replay_verdict verdict;
        replay_verdict(replay, i, &verdict);
        counts[verdict.says]++;
    }
    if (as_json) {
        struct json *object = json_object();
        json_set_i64(object, "records", records);
        json_set_i64(object, "jobs", (int64_t)replay_jobs(replay));
        json_set_i64(object, "generation", replay_generation(replay));
        for (int says = 0; says < REPLAY_SAYS_COUNT; says++)
            json_set_i64(object, replay_says_rows[says].field, (int64_t)counts[says]);
        out_json(&tool->out, object);
        json_free(object);
        return;
    }
    out_printf(&tool->out, "journal     %" PRIi64 " records, %zu jobs, generation %" PRIi64 "\n",
               records, replay_jobs(replay), replay_generation(replay));
    for (int says = 0; says < REPLAY_SAYS_COUNT; says++)
        out_printf(&tool->out, "%10zu  %s\n", counts[says], replay_says_rows[says].words);
    out_printf(&tool->out, "Nothing was changed. Without --dry-run a poller puts this into Redis; "
                           "the gate is closed until "
                           "it has.\n");
}

static int run_dry(struct tool *tool, bool as_json)
{
    struct journal_look look = { .tool = tool, .replay = replay_new(tool->config.job_keep_ms) };
    struct error        err;
    int64_t             count = 0;
    int                 code  = END_WELL;
    if (!records_read(tool, TOPIC_JOURNAL, on_record, &look, &count, &err))
        code = tool_fail(tool, &err);
    else if (look.bad)
        code = tool_fail(tool, &look.error);
    else
        print_journal(tool, look.replay, count, as_json);
    replay_free(look.replay);
    return code;
}

// ---- rebuild

static bool close_gate(struct tool *tool, int64_t *generation, struct error *err)
{
    struct redis_reply     reply = { 0 };
    struct wait            wait  = { 0 };
    struct gate_close_args args  = { .by = STR("tokfleet rebuild") };
    enum store_word        word  = WORD_OK;
    script_gate_close(tool->store, &args, &reply, &wait.call, wait_done);
    bool ok = tool_wait(tool, &wait, err) && store_word(NULL, &reply, &word, err);
    if (!ok)
        tool_blame_redis(tool, err);
    if (ok && word == WORD_OK && !str_to_i64(answer_item(&reply.answer, 1), generation))
        *generation = 0;
    redis_reply_fini(&reply);
    if (ok && word == WORD_GATE)
        tool_note(tool, "the gate is closed already: watching");
    return ok;
}

// Until the gate is open with a later generation than `before`.
static int watch_gate(struct tool *tool, int64_t before, int64_t until_ms, bool as_json)
{
    char said[256] = "";
    for (;;) {
        struct gate_look look;
        struct error     err;
        int64_t          generation = 0;
        char             line[256];
        if (!gate_read(tool, &look, &err)) {
            gate_look_fini(&look);
            return tool_fail(tool, &err);
        }
        bool done = is_open(&look) && str_to_i64(field_of(&look, "generation"), &generation) &&
                    generation > before;
        snprintf(line, sizeof line, "%.*s, %.*s of %.*s",
                 STR_ARG(field_of(&look, "step").len ? field_of(&look, "step")
                                                     : STR("waiting for a poller")),
                 STR_ARG(field_of(&look, "done")), STR_ARG(field_of(&look, "of")));
        if (!done && !as_json && strcmp(line, said) != 0)
            out_printf(&tool->out, "%s\n", line);
        if (done && as_json)
            print_json(tool, &look);
        memcpy(said, line, sizeof said);
        gate_look_fini(&look);
        if (done) {
            if (!as_json)
                out_printf(&tool->out, "the gate is open, generation %" PRIi64 "\n", generation);
            return END_WELL;
        }
        if (clock_monotonic_ms() > until_ms) {
            tool_note(tool, "not open yet; a poller must be running (tokfleet status), and its log "
                            "says why it is not");
            return END_GOING;
        }
        if (!tool_idle(tool, LOOK_MS))
            return END_INTERRUPTED;
    }
}

static int run_rebuild(struct tool *tool, const void *options, char *const *operands,
                       int operand_count)
{
    (void)operands, (void)operand_count;
    const struct gate_options *o = options;
    struct error               err;
    int64_t                    generation = 0;
    if (o->dry_run)
        return run_dry(tool, o->json);
    if (!tool_store(tool, &err) || !close_gate(tool, &generation, &err))
        return tool_fail(tool, &err);
    return watch_gate(tool, generation, clock_monotonic_ms() + o->timeout_ms, o->json);
}

const struct verb verb_gate = {
    .name     = "gate",
    .operands = "",
    .summary  = "show whether Redis has been told what happened",
    .text =
        "The gate keeps a Redis that forgot (restarted, failed over, emptied) from being acted\n"
        "on. While it is closed nothing is claimed, sent or followed; a poller tells Redis what\n"
        "Kafka's journal knows, and opens it. The exit status is 0 when it is open, else 1.\n\n"
        "  tokfleet gate\n"
        "  tokfleet gate --json",
    .flags         = gate_flags,
    .flag_count    = COUNT_OF(gate_flags),
    .options_bytes = sizeof(struct gate_options),
    .run           = run_gate,
    .json          = "one object: open, state, generation, identity, server, step, "
                     "taker, done, of, read, t_swept, swept_jobs, swept_records",
};

const struct verb verb_rebuild = {
    .name     = "rebuild",
    .operands = "",
    .summary  = "tell Redis anew what Kafka's journal knows",
    .text =
        "Closes the gate; a poller then reads the whole journal, puts every job into Redis as the\n"
        "journal has it, and opens the gate again. Nothing is lost or posted again by it; while "
        "it\n"
        "runs (gate.wait and the time to read the journal) nothing new is sent.\n\n"
        "  tokfleet rebuild --dry-run    what the journal holds; changes nothing\n"
        "  tokfleet rebuild              do it, and watch",
    .flags         = rebuild_flags,
    .flag_count    = COUNT_OF(rebuild_flags),
    .options_bytes = sizeof(struct gate_options),
    .json          = "one object: the gate, as in tokfleet gate; with --dry-run records, jobs, "
                     "generation, and the jobs that would be queued, unsure, followed, ended",
    .run           = run_rebuild,
};

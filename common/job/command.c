// SPDX-License-Identifier: Apache-2.0
#include "job/command.h"

#include <stdio.h>

#include "job/job.h"
#include "job/job_read.h"
#include "job/journal.h"
#include "job/state.h"

enum { DEPTH_MAX = 8, KEY_MAX_BYTES = 512, EPOCH_DIGITS = 18 };

static const char *const texts[] = {
    "cancel", "reschedule", "retry", "resolve", "pause", "resume"
};

const char *command_text(enum command_what what)
{
    return texts[what];
}

bool command_is_pause(enum command_what what)
{
    return what == COMMAND_PAUSE || what == COMMAND_RESUME;
}

// '~' is in no id of a message
#define POLICY_PREFIX "policy~"

void command_policy_id(struct str job_id, struct str epoch, struct buf *id)
{
    buf_init(id, KEY_MAX_BYTES);
    buf_printf(id, POLICY_PREFIX "%.*s~%.*s", STR_ARG(job_id), STR_ARG(epoch));
}

bool command_is_policy(const struct command *command)
{
    return str_starts(command->id, POLICY_PREFIX);
}

// ---- fields

static void command_begin(struct command *command)
{
    struct str empty = { "", 0 };
    *command         = (struct command){ .id         = empty,
                                         .job_id     = empty,
                                         .account    = empty,
                                         .epoch      = empty,
                                         .state      = empty,
                                         .publish_id = empty,
                                         .post_id    = empty,
                                         .post_url   = empty,
                                         .by         = empty,
                                         .reason     = empty };
}

// no control characters, and no spaces where no_space: it goes into keys and lists
static bool is_plain(struct str text, size_t max, bool no_space)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] < (no_space ? '!' : ' ') || text.p[i] == 0x7f)
            return false;
    return text.len >= 1 && text.len <= max;
}

static bool read_text(struct command *command, const struct json *root, const char *key, size_t max,
                      bool no_space, struct str *out, struct error *err)
{
    struct field field = field_of(root, "", key);
    char         allowed[96];
    if (!field_text(&field, &command->arena, out, err))
        return false;
    snprintf(allowed, sizeof allowed, "a text of 1 to %zu characters without control characters%s",
             max, no_space ? " or spaces" : "");
    return !field.value || is_plain(*out, max, no_space) || field_bad(&field, allowed, err);
}

static bool read_id(struct command *command, const struct json *root, const char *key,
                    struct str *out, struct error *err)
{
    struct field field = field_of(root, "", key);
    if (!json_is_text(field.value) || !job_id_valid(json_text(field.value)))
        return field_bad(&field, "a text of 1 to 128 characters of A-Z a-z 0-9 . _ : -", err);
    *out = arena_copy(&command->arena, json_text(field.value));
    return true;
}

static bool is_number(struct str digits)
{
    for (size_t i = 0; i < digits.len; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
    return digits.len >= 1 && digits.len <= EPOCH_DIGITS;
}

// <generation>-<n>
static bool epoch_valid(struct str epoch)
{
    struct str rest = epoch, generation;
    return str_cut(&rest, '-', &generation) && is_number(generation) && is_number(rest);
}

static bool read_epoch(struct command *command, const struct json *root, struct error *err)
{
    struct field field = field_of(root, "", "epoch");
    if (!json_is_text(field.value) || !epoch_valid(json_text(field.value)))
        return field_bad(
            &field, "the attempt's epoch, a text like \"1-42\" (attempt_epoch in the job's hash)",
            err);
    command->epoch = arena_copy(&command->arena, json_text(field.value));
    return read_text(command, root, "publish_id", COMMAND_TEXT_MAX, true, &command->publish_id,
                     err);
}

static bool read_outcome(struct command *command, const struct json *root, struct error *err)
{
    struct field field  = field_of(root, "", "outcome");
    int          choice = 0;
    if (!field.value)
        return field_bad(&field, "\"posted\" or \"failed\"", err);
    if (!field_choice(&field, "posted|failed", &choice, err) ||
        !read_text(command, root, "post_id", COMMAND_TEXT_MAX, true, &command->post_id, err) ||
        !read_text(command, root, "post_url", COMMAND_TEXT_MAX, true, &command->post_url, err))
        return false;
    command->posted = choice == 0;
    if (!command->posted && (command->post_id.len || command->post_url.len))
        return error_set(err, ERR_INPUT, "post_id, post_url: what failed has none");
    return true;
}

static bool read_times(struct command *command, const struct json *root, struct error *err)
{
    struct field publish_at = field_of(root, "", "publish_at");
    struct field expires_at = field_of(root, "", "expires_at");
    if (!publish_at.value)
        return field_bad(&publish_at, "a time like 2026-12-01T18:30:00+01:00", err);
    if (!field_time(&publish_at, &command->publish_at_ms, err) ||
        !field_time(&expires_at, &command->expires_at_ms, err))
        return false;
    if (command->expires_at_ms && command->expires_at_ms <= command->publish_at_ms)
        return error_set(err, ERR_INPUT, "expires_at: it must be later than publish_at");
    return true;
}

// ---- messages

static bool is_word_of(const char *words, const char *word)
{
    struct str rest = str_of(words), part;
    while (str_cut(&rest, '|', &part))
        if (str_is(part, word))
            return true;
    return false;
}

// every member that is there must mean something in this command
static bool check_members(enum command_what what, const struct json *root, struct error *err)
{
    static const char *const members[] = {
        [COMMAND_CANCEL]     = "job_id",
        [COMMAND_RESCHEDULE] = "job_id|publish_at|expires_at",
        [COMMAND_RETRY]      = "job_id|epoch|publish_id",
        [COMMAND_RESOLVE]    = "job_id|epoch|publish_id|outcome|post_id|post_url",
        [COMMAND_PAUSE]      = "account",
        [COMMAND_RESUME]     = "account",
    };
    for (const struct json *member = json_at(root, 0); member; member = json_next(member))
        if (!json_is_null(member) && !is_word_of("command|id|by|reason", json_key(member)) &&
            !is_word_of(members[what], json_key(member)))
            return error_set(
                err, ERR_INPUT,
                "%.64s: it has no meaning in the command %s, which takes id|by|reason|%s",
                json_key(member), texts[what], members[what]);
    return true;
}

static bool read_rest(struct command *command, const struct json *root, struct error *err)
{
    switch (command->what) {
    case COMMAND_CANCEL:
        return true;
    case COMMAND_RESCHEDULE:
        return read_times(command, root, err);
    case COMMAND_RETRY:
        return read_epoch(command, root, err);
    case COMMAND_RESOLVE:
        return read_epoch(command, root, err) && read_outcome(command, root, err);
    case COMMAND_PAUSE:
    case COMMAND_RESUME:
        return read_text(command, root, "account", ACCOUNT_TEXT_MAX, true, &command->account, err);
    }
    return false;
}

static bool decode_tree(struct command *command, const struct json *root, struct error *err)
{
    struct field word   = field_of(root, "", "command");
    int          choice = 0;
    struct error ignored;
    if (!json_is_object(root))
        return error_set(err, ERR_INPUT, "the message is not a JSON object");
    bool id_ok = read_id(command, root, "id", &command->id, err);
    // for the dead letter, whatever else is wrong
    bool job_ok = read_id(command, root, "job_id", &command->job_id, &ignored);
    if (!id_ok)
        return false;
    if (!word.value)
        return field_bad(&word, "one of cancel|reschedule|retry|resolve|pause|resume", err);
    if (!field_choice(&word, "cancel|reschedule|retry|resolve|pause|resume", &choice, err))
        return false;
    command->what = (enum command_what)choice;
    if (!check_members(command->what, root, err))
        return false;
    if (!command_is_pause(command->what) && !job_ok)
        return read_id(command, root, "job_id", &command->job_id, err);
    return read_text(command, root, "by", COMMAND_BY_MAX, false, &command->by, err) &&
           read_text(command, root, "reason", COMMAND_REASON_MAX, false, &command->reason, err) &&
           read_rest(command, root, err);
}

bool command_decode(struct str message, int64_t max_bytes, struct command *command,
                    struct error *err)
{
    command_begin(command);
    struct json *root = json_parse(message, (size_t)max_bytes, DEPTH_MAX, err);
    if (!root)
        return error_wrap(err, "the command");
    bool ok = decode_tree(command, root, err);
    json_free(root);
    return ok;
}

void command_fini(struct command *command)
{
    arena_fini(&command->arena);
    *command = (struct command){ 0 };
}

void command_args_of(const struct command *command, const char *mode, struct command_args *args)
{
    args->mode       = str_of(mode);
    args->id         = command->id;
    args->what       = str_of(texts[command->what]);
    args->job_id     = command->job_id;
    args->account    = command->account;
    args->state      = command->state;
    args->epoch      = command->epoch;
    args->publish_id = command->publish_id;
    args->due        = command->publish_at_ms;
    args->expires    = command->expires_at_ms;
    args->outcome    = command->what != COMMAND_RESOLVE ? STR("")
                       : command->posted                ? STR("posted")
                                                        : STR("failed");
    args->post_id    = command->post_id;
    args->post_url   = command->post_url;
    args->reason     = command->reason;
    args->commander  = command->by.len ? command->by : STR("somebody");
}

// ---- records

static struct json *args_json(const struct command *command)
{
    struct json *args = json_object();
    if (command->what == COMMAND_RESCHEDULE) {
        json_set_i64(args, "publish_at", command->publish_at_ms);
        json_set_i64(args, "expires_at", command->expires_at_ms);
    } else if (command->what == COMMAND_RESOLVE) {
        json_set_text(args, "outcome", command->posted ? STR("posted") : STR("failed"));
        json_set_text_or_null(args, "post_id", command->post_id);
        json_set_text_or_null(args, "post_url", command->post_url);
    }
    json_set_text_or_null(args, "state", command->state);
    json_set_text_or_null(args, "reason", command->reason);
    return args;
}

void command_journal_record(const struct command *command, const struct command_record *record,
                            struct buf *key, struct buf *value)
{
    struct json *object = json_object();
    struct json *args   = args_json(command);
    buf_init(key, KEY_MAX_BYTES);
    buf_init(value, JOURNAL_RECORD_MAX_BYTES);
    buf_printf(key, "command/%.*s%s", STR_ARG(command->id), record->refused.len ? "/refused" : "");
    json_set_i64(object, "v", JOURNAL_VERSION);
    json_set_text(object, "id", command->id);
    json_set_text(object, "what", str_of(texts[command->what]));
    json_set_text_or_null(object, "job_id", command->job_id);
    json_set_text_or_null(object, "account", command->account);
    json_set_text_or_null(object, "epoch", command->epoch);
    json_set_text_or_null(object, "publish_id", command->publish_id);
    json_set(object, "args", &args);
    json_set_text_or_null(object, "by", command->by);
    json_set_i64(object, "at", record->at_ms);
    json_set_text(object, "source", record->source);
    json_set_text_or_null(object, "refused", record->refused);
    json_print(object, value);
    json_free(object);
}

static struct str text_of(struct command *command, const struct json *json, const char *key)
{
    return arena_copy(&command->arena, json_text(json_get(json, key)));
}

static int64_t number_of(const struct json *json, const char *key)
{
    int64_t number;
    return json_i64(json_get(json, key), &number) ? number : 0;
}

bool command_of_record(const struct json *json, struct command *command,
                       struct command_record *record, struct error *err)
{
    struct str         what = json_text(json_get(json, "what"));
    const struct json *args = json_get(json, "args");
    size_t             i    = 0;
    command_begin(command);
    while (i < COUNT_OF(texts) && !str_is(what, texts[i]))
        i++;
    if (i == COUNT_OF(texts))
        return error_set(err, ERR_INPUT, "command \"%.*s\" is not known", STR_ARG(what));
    command->what          = (enum command_what)i;
    command->id            = text_of(command, json, "id");
    command->job_id        = text_of(command, json, "job_id");
    command->account       = text_of(command, json, "account");
    command->epoch         = text_of(command, json, "epoch");
    command->publish_id    = text_of(command, json, "publish_id");
    command->state         = text_of(command, args, "state");
    command->publish_at_ms = number_of(args, "publish_at");
    command->expires_at_ms = number_of(args, "expires_at");
    command->posted        = str_is(json_text(json_get(args, "outcome")), "posted");
    command->post_id       = text_of(command, args, "post_id");
    command->post_url      = text_of(command, args, "post_url");
    command->reason        = text_of(command, args, "reason");
    command->by            = text_of(command, json, "by");
    record->at_ms          = number_of(json, "at");
    record->source         = text_of(command, json, "source");
    record->refused        = text_of(command, json, "refused");
    if (!command->id.len || (!command_is_pause(command->what) && !command->job_id.len))
        return error_set(err, ERR_INPUT, "a command without id or job_id");
    return true;
}

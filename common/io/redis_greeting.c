// SPDX-License-Identifier: Apache-2.0
#include "io/redis_greeting.h"

#include <stdio.h>

#include "base/memory.h"
#include "io/redis_codec.h"

static const char *const names[GREETING_COUNT] = { "AUTH", "SELECT", "ROLE", "EVAL", "PING" };

static struct str auth(const struct redis_url *url)
{
    struct str argv[] = { STR("AUTH"), str_of(url->user), str_of(url->password) };
    if (url->user)
        return codec_command(argv, 3);
    argv[1] = argv[2];
    return codec_command(argv, 2);
}

static struct str select_db(int db)
{
    char number[16];
    snprintf(number, sizeof number, "%d", db);
    return codec_command((struct str[]){ STR("SELECT"), str_of(number) }, 2);
}

static struct str permit(const struct redis_settings *settings)
{
    const struct redis_script *script = settings->permit;
    struct str argv[] = { STR("EVAL"), { script->text, script->text_len }, STR("1"), STR("") };
    argv[3]           = str_of(settings->permit_key);
    return codec_command(argv, COUNT_OF(argv));
}

struct str greeting_bytes(enum greeting word, const struct redis_url *url,
                          const struct redis_settings *settings)
{
    const struct str nothing = { NULL, 0 };
    switch (word) {
    case GREETING_AUTH:
        return url->password ? auth(url) : nothing;
    case GREETING_SELECT:
        return url->db ? select_db(url->db) : nothing;
    case GREETING_ROLE:
        return url->service ? codec_command((struct str[]){ STR("ROLE") }, 1) : nothing;
    case GREETING_PERMIT:
        return settings->permit ? permit(settings) : nothing;
    case GREETING_PING:
        return codec_command((struct str[]){ STR("PING") }, 1);
    case GREETING_COUNT:
        break;
    }
    return nothing;
}

static enum greeted judge_error(enum greeting word, struct str text, char *why, size_t why_bytes)
{
    bool forbidden = str_starts(text, "NOPERM");
    if (word == GREETING_PING && forbidden)
        return GREETED_WELL;  // it is there, and that is all that was asked
    bool cluster = str_starts(text, "MOVED");
    snprintf(why, why_bytes, "%s refused: %.*s%s", names[word], STR_ARG(text),
             cluster ? " (a Redis Cluster: a fleet needs the one primary that has all of its keys)"
                     : "");
    return word == GREETING_AUTH || forbidden || str_starts(text, "NOAUTH") ? GREETED_REFUSED
                                                                            : GREETED_BADLY;
}

enum greeted greeting_judge(enum greeting word, const struct answer *answer, char *why,
                            size_t why_bytes)
{
    struct str role = answer_item(answer, 0);
    if (answer->kind == ANSWER_ERROR)
        return judge_error(word, answer->text, why, why_bytes);
    if (word == GREETING_ROLE && !str_is(role, "master")) {
        snprintf(why, why_bytes, "a sentinel names it as primary, but its role is %.*s",
                 STR_ARG(role));
        return GREETED_REPLICA;
    }
    if (word == GREETING_PERMIT && !str_is(answer->text, "OK")) {
        snprintf(why, why_bytes, "%.*s", STR_ARG(answer->text));
        return GREETED_REFUSED;
    }
    return GREETED_WELL;
}

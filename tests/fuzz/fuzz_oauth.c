// SPDX-License-Identifier: Apache-2.0
/* What TikTok's token endpoints answer: an HTTP status (the first two bytes) and a body. It is a
 * success if and only if there is an access token, and none of the tokens is in what is told to
 * people. */
#include <string.h>

#include "fuzz.h"
#include "tiktok/oauth.h"

static void check_line(const char *text, size_t bytes)
{
    size_t units;
    assert(memchr(text, '\0', bytes));
    assert(str_utf16_units(str_of(text), &units));
    for (; *text; text++)
        assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_answer(const struct oauth_answer *answer)
{
    assert(answer->outcome && (answer->outcome->next == OAUTH_OK || *answer->outcome->cause));
    check_line(answer->error, sizeof answer->error);
    check_line(answer->description, sizeof answer->description);
    check_line(answer->log_id, sizeof answer->log_id);
}

static void check_tokens(const struct oauth_tokens *tokens)
{
    const char *secrets[] = { tokens->access_token, tokens->refresh_token };
    check_answer(&tokens->answer);
    check_line(tokens->access_token, sizeof tokens->access_token);
    check_line(tokens->refresh_token, sizeof tokens->refresh_token);
    check_line(tokens->open_id, sizeof tokens->open_id);
    check_line(tokens->scopes, sizeof tokens->scopes);
    assert(!strchr(tokens->scopes, ' ') && !strchr(tokens->open_id, ' '));
    assert(tokens->expires_in_s >= -1 && tokens->refresh_expires_in_s >= -1);
    assert((tokens->answer.outcome->next == OAUTH_OK) == (*tokens->access_token != '\0'));
    for (size_t i = 0; i < 2; i++)
        if (strlen(secrets[i]) >= 16)
            assert(!strstr(tokens->answer.error, secrets[i]) &&
                   !strstr(tokens->answer.description, secrets[i]));
}

FUZZ(oauth)
{
    static struct oauth_tokens tokens;
    struct oauth_answer        answer;
    unsigned                   high   = fuzz_byte(&input);
    int                        status = (int)(high << 8 | fuzz_byte(&input)) % 600;
    memset(&tokens, 0x5A, sizeof tokens);
    memset(&answer, 0x5A, sizeof answer);
    oauth_tokens_decode(input, status, &tokens);
    check_tokens(&tokens);
    oauth_tokens_wipe(&tokens);
    oauth_revoke_decode(input, status, &answer);
    check_answer(&answer);
}

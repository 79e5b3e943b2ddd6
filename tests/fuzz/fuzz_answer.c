// SPDX-License-Identifier: Apache-2.0
/* What TikTok answers to inits, status, cancel and creator and user info: an HTTP status (the first
 * two bytes) and a body. Nothing of it may break a log line or a key, and the upload URL, a secret,
 * is nowhere but in its own place. */
#include <string.h>

#include "fuzz.h"
#include "tiktok/answer.h"
#include "tiktok/creator.h"
#include "tiktok/user.h"

// as long as it says, UTF-8, without control characters
static void check_line(const char *text, size_t bytes)
{
    size_t units;
    assert(memchr(text, '\0', bytes));
    assert(str_utf16_units(str_of(text), &units));
    for (; *text; text++)
        assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_digits(const char *text)
{
    assert(*text >= '1' && *text <= '9');
    assert(strspn(text, "0123456789") == strlen(text) && strlen(text) <= 19);
}

static void check_answer(const struct tiktok_answer *answer)
{
    check_line(answer->code, sizeof answer->code);
    check_line(answer->message, sizeof answer->message);
    check_line(answer->log_id, sizeof answer->log_id);
    check_line(answer->publish_id, sizeof answer->publish_id);
    check_line(answer->upload_url, sizeof answer->upload_url);
    check_line(answer->status, sizeof answer->status);
    check_line(answer->fail_reason, sizeof answer->fail_reason);
    assert(!strchr(answer->publish_id, ' ') && !strchr(answer->upload_url, ' '));
    assert(answer->downloaded_bytes >= -1 && answer->uploaded_bytes >= -1);
    assert(answer->post_id_count >= 0 && answer->post_id_count <= TIKTOK_POST_IDS_MAX);
    for (int i = 0; i < answer->post_id_count; i++)
        check_digits(answer->post_ids[i]);
    assert(answer->outcome && *answer->outcome->cause);
    // only a success has data, and an error at a commit point never passes for one
    if (answer->outcome->next != NEXT_OK)
        assert(!*answer->publish_id && !*answer->upload_url && !answer->post_id_count);
}

static void check_creator(struct str body)
{
    struct tiktok_creator creator;
    memset(&creator, 0x5A, sizeof creator);
    tiktok_creator_decode(body, &creator);
    check_line(creator.username, sizeof creator.username);
    check_line(creator.nickname, sizeof creator.nickname);
    check_line(creator.privacy_options, sizeof creator.privacy_options);
    assert(creator.max_duration_s >= -1);
}

static void check_user(struct str body)
{
    struct tiktok_user user;
    memset(&user, 0x5A, sizeof user);
    if (!tiktok_user_decode(body, &user))
        return;
    check_line(user.open_id, sizeof user.open_id);
    check_line(user.display_name, sizeof user.display_name);
    check_line(user.avatar_url, sizeof user.avatar_url);
    check_line(user.username, sizeof user.username);
    assert(user.verified >= -1 && user.verified <= 1);
    assert(user.followers >= -1 && user.following >= -1 && user.likes >= -1 && user.videos >= -1);
}

FUZZ(answer)
{
    struct tiktok_answer answer;
    unsigned             high   = fuzz_byte(&input);
    int                  status = (int)(high << 8 | fuzz_byte(&input)) % 600;
    memset(&answer, 0x5A, sizeof answer);
    tiktok_answer_decode(input, status, &answer);
    check_answer(&answer);
    if (status >= 400)
        assert(answer.outcome->next != NEXT_OK);
    check_creator(input);
    check_user(input);
}

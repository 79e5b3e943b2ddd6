// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tiktok/api.h"

// Dirty before, so that what decoding leaves alone would be seen.
static struct tiktok_answer decode(const char *body, int http_status)
{
    struct tiktok_answer answer;
    memset(&answer, 'z', sizeof answer);
    tiktok_answer_decode(str_of(body), http_status, &answer);
    return answer;
}

static void assert_empty(const struct tiktok_answer *answer)
{
    assert_string_equal(answer->publish_id, "");
    assert_string_equal(answer->upload_url, "");
    assert_string_equal(answer->status, "");
    assert_string_equal(answer->fail_reason, "");
    assert_int_equal(answer->post_id_count, 0);
    assert_int_equal(answer->downloaded_bytes, -1);
    assert_int_equal(answer->uploaded_bytes, -1);
}

TEST(an_init_of_a_pull_has_a_publish_id)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"publish_id\":\"v_pub_url~v2-1.7602997070760331285\"},"
               "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"20220210112233\"}}",
               200);
    assert_string_equal(a.outcome->code, "ok");
    assert_int_equal(a.outcome->next, NEXT_OK);
    assert_int_equal(a.http_status, 200);
    assert_string_equal(a.publish_id, "v_pub_url~v2-1.7602997070760331285");
    assert_string_equal(a.log_id, "20220210112233");
    assert_string_equal(a.code, "ok");
    assert_string_equal(a.message, "");
    assert_string_equal(a.upload_url, "");
}

TEST(an_init_of_an_upload_has_an_upload_url)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"publish_id\":\"v_inbox_file~v2.123456789\","
               "\"upload_url\":\"https://open-upload.tiktokapis.com/video/"
               "?upload_id=67890&upload_token=Xza123\"},"
               "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"2022\"}}",
               200);
    assert_string_equal(a.publish_id, "v_inbox_file~v2.123456789");
    assert_string_equal(
        a.upload_url,
        "https://open-upload.tiktokapis.com/video/?upload_id=67890&upload_token=Xza123");
}

TEST(both_spellings_of_the_log_id_are_read)
{
    struct tiktok_answer a =
        decode("{\"data\":{},\"error\":{\"code\":\"ok\",\"message\":\"\",\"logid\":\"L1\"}}", 200);
    assert_string_equal(a.log_id, "L1");
}

TEST(a_post_id_of_19_digits_keeps_all_of_them)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"status\":\"PUBLISH_COMPLETE\",\"publicaly_available_post_id\":"
               "[7678907398077074696],\"uploaded_bytes\":0,\"downloaded_bytes\":50000123},"
               "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}",
               200);
    assert_string_equal(a.status, "PUBLISH_COMPLETE");
    assert_int_equal(a.post_id_count, 1);
    assert_string_equal(a.post_ids[0], "7678907398077074696");
    assert_int_equal(a.downloaded_bytes, 50000123);
    assert_int_equal(a.uploaded_bytes, 0);
}

TEST(post_ids_may_be_text_and_several)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"status\":\"PUBLISH_COMPLETE\",\"publicaly_available_post_id\":"
               "[\"7678907398077074696\",7678907398077074697,12,\"x\",null,-5,0]},"
               "\"error\":{\"code\":\"ok\"}}",
               200);
    assert_int_equal(a.post_id_count, 3);
    assert_string_equal(a.post_ids[0], "7678907398077074696");
    assert_string_equal(a.post_ids[1], "7678907398077074697");
    assert_string_equal(a.post_ids[2], "12");
}

TEST(more_post_ids_than_fit_are_left_out)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"status\":\"PUBLISH_COMPLETE\",\"publicaly_available_post_id\":"
               "[1,2,3,4,5,6,7,8,9,10]},\"error\":{\"code\":\"ok\"}}",
               200);
    assert_int_equal(a.post_id_count, TIKTOK_POST_IDS_MAX);
    assert_string_equal(a.post_ids[7], "8");
}

TEST(an_empty_list_of_post_ids_is_normal)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"status\":\"PUBLISH_COMPLETE\",\"publicaly_available_post_id\":[]},"
               "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}",
               200);
    assert_int_equal(a.post_id_count, 0);
    assert_string_equal(a.status, "PUBLISH_COMPLETE");
}

TEST(a_failed_status_may_hold_two_fields_only)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"fail_reason\":\"file_format_check_failed\",\"status\":\"FAILED\"},"
               "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}",
               200);
    assert_int_equal(a.outcome->next, NEXT_OK);
    assert_string_equal(a.status, "FAILED");
    assert_string_equal(a.fail_reason, "file_format_check_failed");
    assert_int_equal(a.downloaded_bytes, -1);
}

TEST(a_status_that_is_not_known_is_kept)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"status\":\"PROCESSING_AUDIT\"},\"error\":{\"code\":\"ok\"}}", 200);
    assert_string_equal(a.status, "PROCESSING_AUDIT");
}

TEST(a_cancel_succeeds_without_data)
{
    struct tiktok_answer a =
        decode("{\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}}", 200);
    assert_int_equal(a.outcome->next, NEXT_OK);
    assert_empty(&a);
}

TEST(a_refusal_is_an_answer_with_code_message_and_log_id)
{
    struct tiktok_answer a =
        decode("{\"data\":{},\"error\":{\"code\":\"access_token_invalid\",\"message\":\"The access "
               "token is invalid or not found in the request.\",\"log_id\":\"2022080903\"}}",
               401);
    assert_string_equal(a.outcome->code, "access_token_invalid");
    assert_string_equal(a.code, "access_token_invalid");
    assert_string_equal(a.message, "The access token is invalid or not found in the request.");
    assert_string_equal(a.log_id, "2022080903");
    assert_int_equal(a.http_status, 401);
    assert_empty(&a);
}

TEST(a_refusal_may_come_with_http_200_and_without_data)
{
    struct tiktok_answer a =
        decode("{\"error\":{\"code\":\"spam_risk_too_many_posts\",\"message\":\"m\"}}", 200);
    assert_string_equal(a.outcome->code, "spam_risk_too_many_posts");
    assert_int_equal(a.outcome->next, NEXT_DAY);
}

TEST(the_live_spelling_of_invalid_params_is_known)
{
    struct tiktok_answer a = decode(
        "{\"error\":{\"code\":\"invalid_params\",\"message\":\"The request post info is empty "
        "or incorrect\",\"log_id\":\"L\"}}",
        400);
    assert_string_equal(a.outcome->code, "invalid_params");
    assert_int_equal(a.outcome->next, NEXT_FAIL);
}

TEST(a_publish_id_beside_an_error_is_not_taken)
{
    struct tiktok_answer a = decode(
        "{\"data\":{\"publish_id\":\"v_pub_url~1\"},\"error\":{\"code\":\"internal_error\"}}", 500);
    assert_string_equal(a.publish_id, "");
    assert_int_equal(a.outcome->effect, EFFECT_MAYBE);
}

TEST(the_flat_error_of_the_token_endpoint_is_read_too)
{
    struct tiktok_answer a =
        decode("{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token is invalid or "
               "expired.\",\"log_id\":\"2022\"}",
               200);
    assert_string_equal(a.outcome->code, "invalid_grant");
    assert_string_equal(a.message, "Refresh token is invalid or expired.");
    assert_string_equal(a.log_id, "2022");
}

TEST(what_is_not_an_answer_is_broken_when_the_status_is_good)
{
    static const char *const bodies[] = {
        "",
        "<html><head><title>502 Bad Gateway</title></head></html>",
        "{\"data\":{\"publish_id\":\"v_pub_url~v2-1.76029970707603",
        "{\"data\":{\"publish_id\":\"v_pub_url~1\"},\"error\":{\"code\":7}}",
        "{\"data\":{\"publish_id\":\"v_pub_url~1\"},\"error\":[]}",
        "{\"data\":{}}",
        "{\"data\":null}",
        "{\"data\":{},\"error\":null}",
        "{\"data\":{},\"error\":{}}",
        "{\"data\":{},\"error\":{\"code\":0}}",
        "{\"data\":{},\"error\":{\"code\":\"\"}}",
        "{\"data\":{},\"error\":[]}",
        "{\"error\":{\"code\":\"ok\"},\"error\":{\"code\":\"internal_error\"}}",
        "[]",
        "null",
        "\"ok\"",
        "{\"error\":{\"code\":\"ok\"}}x",
        "\xFF\xFE",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct tiktok_answer a = decode(bodies[i], 200);
        if (strcmp(a.outcome->code, "broken_answer") != 0)
            fail_msg("%s: %s", bodies[i], a.outcome->code);
        assert_int_equal(a.outcome->effect, EFFECT_MAYBE);
        assert_empty(&a);
    }
}

TEST(an_answer_that_says_something_and_no_error_is_good)
{
    static const char *const errors[] = {
        "",
        ",\"error\":null",
        ",\"error\":\"\"",
        ",\"error\":{}",
        ",\"error\":{\"code\":\"\",\"message\":\"\"}",
        ",\"error\":{\"code\":null}",
        ",\"error\":{\"code\":0}",
    };
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"data\":{\"publish_id\":\"v_pub_url~1\"}%s}", errors[i]);
        assert_string_equal(decode(body, 200).outcome->code, "ok");
        assert_string_equal(decode(body, 200).publish_id, "v_pub_url~1");
        assert_string_equal(decode(body, 403).outcome->code, "http_4xx");
        assert_string_equal(decode(body, 500).outcome->code, "http_5xx");
    }
}

TEST(without_a_readable_answer_the_status_decides)
{
    assert_string_equal(decode("<html>", 502).outcome->code, "http_5xx");
    assert_string_equal(decode("", 504).outcome->code, "http_5xx");
    assert_string_equal(decode("<html>", 403).outcome->code, "http_4xx");
    assert_string_equal(decode("", 429).outcome->code, "http_429");
    assert_string_equal(decode("{\"data\":{}}", 400).outcome->code, "http_4xx");
    assert_string_equal(decode("", 301).outcome->code, "http_3xx");
    assert_string_equal(decode("{\"error\":{\"code\":\"ok\"}}", 500).outcome->code, "http_5xx");
}

TEST(a_code_that_is_not_known_is_kept_for_people)
{
    struct tiktok_answer a =
        decode("{\"error\":{\"code\":\"new_rule_broken\",\"message\":\"m\"}}", 403);
    assert_string_equal(a.outcome->code, "unknown_code");
    assert_string_equal(a.code, "new_rule_broken");
    assert_string_equal(decode("{\"error\":{\"code\":\"new_rule_broken\"}}", 200).outcome->code,
                        "unknown_answer");
}

TEST(public_ids_are_read_under_the_mended_name_too)
{
    struct tiktok_answer a = decode("{\"data\":{\"status\":\"PUBLISH_COMPLETE\","
                                    "\"publicly_available_post_id\":[7678907398077074696]},"
                                    "\"error\":{\"code\":\"ok\"}}",
                                    200);
    assert_int_equal(a.post_id_count, 1);
    assert_string_equal(a.post_ids[0], "7678907398077074696");
}

TEST(fields_of_a_wrong_kind_count_as_absent)
{
    struct tiktok_answer a =
        decode("{\"data\":{\"publish_id\":7,\"upload_url\":null,\"status\":[],\"fail_reason\":{},"
               "\"publicaly_available_post_id\":7678907398077074696,\"downloaded_bytes\":\"x\","
               "\"uploaded_bytes\":-3},\"error\":{\"code\":\"ok\"}}",
               200);
    assert_int_equal(a.outcome->next, NEXT_OK);
    assert_empty(&a);
    a = decode("{\"data\":[],\"error\":{\"code\":\"ok\",\"message\":3,\"log_id\":4}}", 200);
    assert_empty(&a);
    assert_string_equal(a.message, "");
}

TEST(texts_for_people_are_cut_between_characters_and_stay_one_line)
{
    struct buf body;
    buf_init(&body, 1200);
    buf_add_text(&body, "{\"error\":{\"code\":\"invalid_params\",\"message\":\"a\\nb ");
    for (int i = 0; i < 100; i++)
        buf_add_text(&body, "\xF0\x9F\x8E\xAC");
    buf_add_text(&body, "\"}}");
    struct tiktok_answer a = decode(buf_text(&body), 400);
    buf_fini(&body);
    size_t units = 0;
    assert_true(strlen(a.message) >= 252 && strlen(a.message) <= 255);
    assert_true(str_utf16_units(str_of(a.message), &units));
    assert_memory_equal(a.message, "a b ", 4);
}

TEST(a_publish_id_is_taken_whole_or_not_at_all)
{
    char body[300];
    for (int length = 71; length <= 72; length++) {
        char id[80];
        memset(id, 'v', sizeof id);
        id[length] = '\0';
        snprintf(body, sizeof body,
                 "{\"data\":{\"publish_id\":\"%s\"},\"error\":{\"code\":\"ok\"}}", id);
        assert_string_equal(decode(body, 200).publish_id, length == 71 ? id : "");
    }
    assert_string_equal(
        decode("{\"data\":{\"publish_id\":\"a b\"},\"error\":{\"code\":\"ok\"}}", 200).publish_id,
        "");
    assert_string_equal(
        decode("{\"data\":{\"publish_id\":\"a\\nb\"},\"error\":{\"code\":\"ok\"}}", 200).publish_id,
        "");
}

TEST(an_answer_cut_anywhere_is_never_good)
{
    static const char whole[] =
        "{\"data\":{\"publish_id\":\"v_pub_url~v2-1.7\"},\"error\":{\"code\":\"ok\",\"message\":"
        "\"\",\"log_id\":\"L\"}}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct tiktok_answer answer = { 0 };
        char                *copy   = xmalloc(len);
        memcpy(copy, whole, len);
        tiktok_answer_decode((struct str){ copy, len }, 200, &answer);
        assert_string_equal(answer.outcome->code, "broken_answer");
        free(copy);
    }
}

TEST(a_base_url_without_a_scheme_is_refused)
{
    struct error             err;
    struct tiktok_settings   settings = { .init_timeout_ms = 1, .status_timeout_ms = 1 };
    static const char *const bad[]    = { "", "open.tiktokapis.com", "ftp://open.tiktokapis.com",
                                          "https://", "http:///" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        settings.api_url = bad[i];
        assert_null(tiktok_new(NULL, &settings, &err));
        assert_int_equal(err.code, ERR_SETTING);
    }
    settings.api_url      = "https://open.tiktokapis.com//";
    struct tiktok *tiktok = tiktok_new(NULL, &settings, &err);
    assert_non_null(tiktok);
    tiktok_free(tiktok);
    tiktok_free(NULL);
}

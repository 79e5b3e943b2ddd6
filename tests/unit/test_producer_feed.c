// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/send/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/job.h"
#include "unit.h"

enum { MESSAGE_MAX = 4096 };

static const struct job_rules rules = { MESSAGE_MAX, "PUBLIC_TO_EVERYONE" };

static struct feed *open_bytes(struct str bytes, const char *offset, struct error *err)
{
    char path[] = "feed-XXXXXX";
    int  fd     = mkstemp(path);
    assert_true(fd >= 0 && write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
    close(fd);
    struct feed *feed = feed_open(path, FEED_AUTO, offset, MESSAGE_MAX, err);
    unlink(path);
    return feed;
}

static struct feed *open_text(const char *text)
{
    struct error err;
    struct feed *feed = open_bytes(str_of(text), NULL, &err);
    assert_non_null(feed);
    return feed;
}

#define HEAD "job_id,account,video,caption,publish_at,priority,duet\n"
#define ROW(id) id ",@a,https://a.example.com/1.mp4,"

static void expect(struct feed *feed, uint64_t line, const char *message)
{
    struct str   found;
    struct error err;
    assert_int_equal(feed_next(feed, &found, &err), FEED_MESSAGE);
    assert_int_equal(feed_line(feed), line);
    assert_str(found, message);
}

static void expect_bad(struct feed *feed, uint64_t line, const char *words)
{
    struct str   found;
    struct error err;
    assert_int_equal(feed_next(feed, &found, &err), FEED_BAD);
    assert_int_equal(feed_line(feed), line);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
}

static void expect_end(struct feed *feed)
{
    struct str   found;
    struct error err;
    assert_int_equal(feed_next(feed, &found, &err), FEED_END);
    feed_free(feed);
}

// the first thing that is wrong with the whole file
static void expect_broken(const char *text, const char *words)
{
    struct str      found;
    struct error    err  = { 0 };
    struct feed    *feed = open_bytes(str_of(text), NULL, &err);
    enum feed_found what = FEED_MESSAGE;
    while (feed && what != FEED_FAILED && what != FEED_END)
        what = feed_next(feed, &found, &err);
    assert_true(!feed || what == FEED_FAILED);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
    feed_free(feed);
}

#define MESSAGE(id, more)                                                                          \
    "{\"job_id\":\"" id "\",\"account\":\"@a\"" more                                               \
    ",\"media\":[{\"url\":\"https://a.example.com/1.mp4\",\"type\":\"video\"}]}"

TEST(a_row_becomes_the_message_that_says_the_same_in_both_passes)
{
    struct feed *feed = open_text(HEAD ROW("a") "Hi,2026-12-01T18:30:00Z,7,yes\n" ROW("b") ",,,\n");
    for (int pass = 0; pass < 2; pass++) {
        feed_rewind(feed);
        expect(feed, 2,
               "{\"job_id\":\"a\",\"account\":\"@a\",\"caption\":\"Hi\",\"publish_at\":\"2026-12-"
               "01T18:30:00Z\","
               "\"priority\":7,\"media\":[{\"url\":\"https://a.example.com/"
               "1.mp4\",\"type\":\"video\"}],"
               "\"settings\":{\"duet\":true}}");
        expect(feed, 3, MESSAGE("b", ""));
    }
    expect_end(feed);
}

TEST(what_a_european_spreadsheet_writes_is_understood)
{
    struct feed *feed =
        open_text("\xef\xbb\xbfJob ID;Account;Video;Caption\r\n"
                  "a;@a;https://a.example.com/1.mp4;\"one; \"\"two\"\"\r\nthree\"\r\n"
                  ";;;\r\n\r\nb;@a;https://a.example.com/1.mp4;\r\n");
    expect(feed, 2, MESSAGE("a", ",\"caption\":\"one; \\\"two\\\"\\nthree\""));
    expect(feed, 6, MESSAGE("b", ""));
    expect_end(feed);
}

TEST(tabs_and_a_named_separator_are_understood_too)
{
    struct feed *feed = open_text("job_id\taccount\tvideo\na\t@a\thttps://a.example.com/1.mp4");
    expect(feed, 2, MESSAGE("a", ""));
    expect_end(feed);
    feed = open_text("sep=|\njob_id|account|video\na|@a|https://a.example.com/1.mp4\n");
    expect(feed, 3, MESSAGE("a", ""));
    expect_end(feed);
}

TEST(media_stand_in_several_columns_or_in_one_with_white_space_between)
{
    struct feed *feed =
        open_text("job_id,account,photo_1,photo "
                  "2,cover_index\nm,@a,https://a.example.com/1,https://a.example.com/2,1\n");
    expect(feed, 2,
           "{\"job_id\":\"m\",\"account\":\"@a\",\"cover_index\":1,\"media\":["
           "{\"url\":\"https://a.example.com/1\",\"type\":\"photo\"},{\"url\":\"https://"
           "a.example.com/2\",\"type\":\"photo\"}]}");
    expect_end(feed);
    feed = open_text("job_id,account,media,cover_timestamp_ms\nm,@a,\"https://a.example.com/"
                     "1.jpg\nhttps://a.example.com/2.jpg\",5\n");
    expect(feed, 2,
           "{\"job_id\":\"m\",\"account\":\"@a\",\"media\":[{\"url\":\"https://a.example.com/"
           "1.jpg\",\"cover_timestamp_ms\":5},"
           "{\"url\":\"https://a.example.com/2.jpg\"}]}");
    expect_end(feed);
}

TEST(notes_and_metadata_have_columns_of_their_own)
{
    struct feed *feed = open_text("#who,job_id,account,video,metadata.order,metadata.team\nann,n,@"
                                  "a,https://a.example.com/1.mp4,991,\n");
    expect(feed, 2,
           "{\"job_id\":\"n\",\"account\":\"@a\",\"media\":[{\"url\":\"https://a.example.com/"
           "1.mp4\",\"type\":\"video\"}],"
           "\"metadata\":{\"order\":\"991\"}}");
    expect_end(feed);
}

TEST(a_bad_cell_names_its_column_and_the_next_row_is_read)
{
    struct feed *feed = open_text(HEAD ROW("a") "x,2026-12-01,5,\n" ROW("b") "x,,five,\n" ROW(
        "c") "x,,,perhaps\n" ROW("d") "x,,,,more\n" ROW("e") "caf\xe9,,,\n" ROW("f") ",,,\n");
    expect_bad(feed, 2, "column E (publish_at): \"2026-12-01\" has no time of day");
    expect_bad(feed, 3, "column F (priority): \"five\" is no whole number");
    expect_bad(feed, 4, "column G (duet): \"perhaps\" is neither true nor false");
    expect_bad(feed, 5, "column H: there is something in it");
    expect_bad(feed, 6, "column D (caption): this is not UTF-8");
    expect(feed, 7, MESSAGE("f", ""));
    expect_end(feed);
}

TEST(a_zero_byte_in_a_cell_is_refused_and_the_next_row_is_read)
{
    static const char bytes[] =
        "job_id,account,media,caption\na,@a,x\0y,\nb,@a,https://a.example.com/b.mp4,c\0\n"
        "c,@a,https://a.example.com/c.mp4,\n";
    struct error err;
    struct feed *feed = open_bytes((struct str){ bytes, sizeof bytes - 1 }, NULL, &err);
    assert_non_null(feed);
    expect_bad(feed, 2, "column C (media): this is not UTF-8");
    expect_bad(feed, 3, "column D (caption): this is not UTF-8");
    expect(feed, 4,
           "{\"job_id\":\"c\",\"account\":\"@a\",\"media\":[{\"url\":\"https://a.example.com/"
           "c.mp4\"}]}");
    expect_end(feed);
}

TEST(what_the_decoder_refuses_is_told_with_the_column)
{
    struct feed *feed = open_text(HEAD ROW("a") ",,11,\n");
    struct str   message;
    struct error err;
    struct job   job = { 0 };
    assert_int_equal(feed_next(feed, &message, &err), FEED_MESSAGE);
    assert_false(job_decode(message, &rules, &job, &err));
    feed_blame(feed, &err);
    assert_string_equal(
        err.message,
        "column F (priority): 11 is not allowed; it must be a whole number from 0 to 9");
    job_fini(&job);
    expect_end(feed);
}

TEST(times_without_an_offset_get_the_one_that_is_given)
{
    struct error err;
    struct feed *feed = open_bytes(
        STR(HEAD "a,@a,https://a.example.com/1.mp4,,2026-12-01 18:30,,\n"), "+01:00", &err);
    expect(feed, 2, MESSAGE("a", ",\"publish_at\":\"2026-12-01T18:30:00+01:00\""));
    expect_end(feed);
    feed = open_text(HEAD "a,@a,https://a.example.com/1.mp4,,2026-12-01 18:30:05,,\n");
    expect_bad(feed, 2, "--utc-offset");
    expect_end(feed);
}

TEST(a_head_that_cannot_be_used_says_what_to_do)
{
    expect_broken("job_id,account,video,metadata.gr\xf6\xdf"
                  "e\na,@a,https://a.example.com/1.mp4,x\n",
                  "line 1: column D: this is not UTF-8");
    expect_broken("job_id,acount,video\n",
                  "column B: there is no field \"acount\": did you mean account?");
    expect_broken("job_id,account\n", "there is none of the name media");
    expect_broken("account,video\n", "there is none of the name job_id");
    expect_broken("job_id,account,video,Video\n", "columns C and D are both");
    expect_broken("job_id,account,video,metadata,metadata.a\n", "not both");
}

TEST(a_quote_out_of_place_is_told_with_line_and_column)
{
    expect_broken(HEAD ROW("a") "it is \"quoted\" here,,,\n", "line 2, column D: a quote");
    expect_broken(HEAD ROW("a") "\"open\n" ROW("b") "\n",
                  "line 3 (of the row that begins on line 2), column D: a quote");
}

TEST(a_row_that_is_too_long_suspects_a_quote)
{
    char text[MESSAGE_MAX + 600];
    int  len = snprintf(text, sizeof text, "%s%s\"", HEAD, ROW("a"));
    for (int i = 0; i < 60; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%070d\n", i);
    expect_broken(text, "is a quote (\") that opens in it never closed?");
}

TEST(what_is_no_such_file_at_all_is_told)
{
    struct error err;
    assert_null(open_bytes(STR("\xff\xfe{\0"), NULL, &err));
    assert_non_null(strstr(err.message, "UTF-16"));
    assert_null(open_bytes(STR("[{}]"), NULL, &err));
    assert_non_null(strstr(err.message, "jq -c"));
}

TEST(lines_of_json_may_begin_with_a_byte_order_mark)
{
    struct feed *feed = open_text("\n\xef\xbb\xbf{}\n");
    struct str   message;
    struct error err;
    assert_int_equal(feed_next(feed, &message, &err), FEED_MESSAGE);
    feed_free(feed);
    feed = open_text("\xef\xbb\xbf{\"a\":1}\r\n\r\n{}");
    expect(feed, 1, "{\"a\":1}");
    expect(feed, 3, "{}");
    expect_end(feed);
}

// SPDX-License-Identifier: Apache-2.0 Brokers that are none, and every error that one may answer:
// what is known about a record afterwards, and who was it.
#include "bed.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "dns.h"
#include "io/kafka_admin.h"
#include "io/kafka_read.h"
#include "peer.h"
#include "tls.h"

enum { SEND_MS = 800, SEND_MOCK_MS = 2500, READ_MS = 700 };

static struct kafka_out *out_to(struct bed *bed, const char *brokers, int64_t timeout_ms)
{
    struct error          err;
    struct kafka_settings settings = bed->settings;
    settings.brokers               = brokers;
    settings.send_timeout_ms       = timeout_ms;
    struct kafka_out *out          = kafka_out_new(bed->loop, &settings, &err);
    if (!out)
        fail_msg("%s", err.message);
    return out;
}

static void send_to(struct bed *bed, struct kafka_out *out, const char *topic,
                    struct answer *answer)
{
    struct kafka_record record = {
        .topic = topic, .partition = 0, .key = STR("k"), .value = STR("v")
    };
    *answer = (struct answer){ 0 };
    kafka_send(out, &record, NULL, &answer->call, on_answer);
    WAIT_FOR(bed, 20000, answer->done);
}

static void assert_line(const struct error *err, enum err_code code, const char *words)
{
    if (err->code != code || !strstr(err->message, words) || strchr(err->message, '\n'))
        fail_msg("not \"%s\" as %s: %s", words, err_words(code), err->message);
}

static void on_read(void *owner, const struct kafka_message *message)
{
    (void)owner, (void)message;
    fail_msg("something was read");
}

static void on_topic(void *owner, const struct kafka_topic *topic, enum kafka_topic_state state,
                     const char *detail)
{
    (void)owner, (void)topic, (void)detail;
    assert_int_equal(state, TOPIC_FAILED);
}

// A record, a reading and a look at topics meet a peer that does this; `words` say why no broker
// was reached.
static void meet(struct bed *bed, const struct peer_step *script, const char *words)
{
    const struct peer_step *const   scripts[] = { script, NULL };
    static const struct kafka_topic topic     = { .name = "nowhere", .partitions = 1 };
    struct peer                    *peer      = peer_new(scripts, NULL, NULL);
    struct answer                   answer    = { 0 };
    struct error                    err;
    char                            where[32];
    snprintf(where, sizeof where, "127.0.0.1:%d", peer_port(peer));
    struct kafka_settings settings = bed->settings;
    settings.brokers               = where;
    struct kafka_out *out          = out_to(bed, where, SEND_MS);
    send_to(bed, out, "nowhere", &answer);
    assert_true(answer.failed && err_effect(answer.err.code) == EFFECT_MAYBE);
    assert_line(&answer.err, ERR_TIMEOUT, words);
    assert_line(&answer.err, ERR_TIMEOUT, where);
    assert_false(kafka_out_healthy(out));
    kafka_out_free(out);

    answer                  = (struct answer){ 0 };
    struct kafka_read *read = kafka_read_start(bed->loop, &settings, "nowhere", NULL, 0, READ_MS,
                                               on_read, NULL, &answer.call, on_answer);
    WAIT_FOR(bed, 20000, answer.done);
    assert_true(answer.failed && strstr(answer.err.message, where));
    kafka_read_free(read);

    answer                    = (struct answer){ 0 };
    struct kafka_admin *admin = kafka_admin_new(bed->loop, &settings, &err);
    assert_non_null(admin);
    kafka_admin_ensure(admin, &topic, 1, READ_MS, on_topic, NULL, &answer.call, on_answer);
    WAIT_FOR(bed, 20000, answer.done);
    assert_true(answer.failed && strstr(answer.err.message, where));
    kafka_admin_free(admin);
    peer_free(peer);
}

static void a_peer_that_closes_at_once_is_named(void **state)
{
    static const struct peer_step closes[] = { END };
    meet(*state, closes, "");
}

static void a_peer_that_closes_after_the_request_is_named(void **state)
{
    static const struct peer_step closes[] = { AWAIT("rdkafka"), END };
    meet(*state, closes, "");
}

static void a_peer_that_speaks_something_else_is_named(void **state)
{
    static const struct peer_step web[] = {
        AWAIT("rdkafka"), SEND("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), HANG
    };
    meet(*state, web, "Invalid response size");
}

static void half_an_answer_and_a_close_is_named(void **state)
{
    static const struct peer_step half[] = { AWAIT("rdkafka"), SEND("\x01"), END };
    meet(*state, half, "");
}

static void a_name_that_does_not_exist_is_named(void **state)
{
    struct bed     *bed = *state;
    struct answer   answer;
    struct hung_dns dns;
    if (!hung_dns_begin(&dns))
        skip();
    hung_dns_know_nothing(&dns);
    struct kafka_out *out = out_to(bed, "nobody.example:9092", SEND_MS);
    send_to(bed, out, "nowhere", &answer);
    assert_line(&answer.err, ERR_TIMEOUT, "nobody.example:9092");
    kafka_out_free(out);
    hung_dns_end(&dns);
}

static void expire(struct tls_files *files)
{
    tls_files_date(files, -3, -1);
}

// The words are OpenSSL's and librdkafka's.
static void meet_certificate(struct bed *bed, const char *names, void (*spoil)(struct tls_files *),
                             const char *words)
{
    static const struct peer_step        hangs[]   = { HANG };
    static const struct peer_step *const scripts[] = { hangs, NULL };
    struct tls_files                     files;
    struct answer                        answer;
    struct error                         err;
    char                                 path[TLS_PATH_BYTES + 32];
    char                                 where[32];
    tls_files_init(&files, names);
    if (spoil)
        spoil(&files);
    snprintf(path, sizeof path, "%s/kafka.properties", files.dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "security.protocol=ssl\nbroker.address.family=v4\nssl.ca.location=%s\n", files.ca);
    fclose(f);
    struct peer *peer = peer_new(scripts, files.cert, files.key);
    snprintf(where, sizeof where, "localhost:%d", peer_port(peer));
    struct kafka_settings settings = bed->settings;
    settings.brokers               = where;
    settings.properties_file       = path;
    settings.send_timeout_ms       = SEND_MS;
    struct kafka_out *out          = kafka_out_new(bed->loop, &settings, &err);
    assert_non_null(out);
    send_to(bed, out, "nowhere", &answer);
    assert_line(&answer.err, ERR_TIMEOUT, words);
    assert_line(&answer.err, ERR_TIMEOUT, where);
    kafka_out_free(out);
    peer_free(peer);
    remove(path);
    tls_files_fini(&files);
}

static void a_certificate_that_is_wrong_is_told(void **state)
{
    meet_certificate(*state, "DNS:elsewhere.example", NULL, "certificate verify failed");
    meet_certificate(*state, "DNS:localhost", expire, "certificate verify failed");
    meet_certificate(*state, "DNS:localhost", tls_files_self_sign, "certificate verify failed");
}

// The mock answers it for good; what is worth a repeat has been repeated until the time was over.
static void an_error_of_the_broker_says_what_it_means(void **state)
{
    static const struct {
        rd_kafka_resp_err_t code;
        int                 times;
        enum err_code       as;  // ERR_COUNT: it was coped with
    } rows[] = {
        { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1, ERR_REFUSED },
        { RD_KAFKA_RESP_ERR_POLICY_VIOLATION, 1, ERR_REFUSED },
        { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1, ERR_INPUT },
        { RD_KAFKA_RESP_ERR_INVALID_RECORD, 1, ERR_INPUT },
        { RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2, ERR_COUNT },
        { RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 2, ERR_COUNT },
        { RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, 1000, ERR_TIMEOUT },
        { RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 2, ERR_COUNT },
    };
    struct bed *bed = *state;
    bed_need_mock(bed);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char          topic[NAME_BYTES];
        struct answer answer;
        bed_topic(bed, 1, topic);
        rd_kafka_resp_err_t codes[8];
        for (size_t j = 0; j < COUNT_OF(codes); j++)
            codes[j] = rows[i].code;
        struct kafka_out *out = out_to(bed, bed->brokers, SEND_MOCK_MS);
        bed_spend(bed, 100);
        for (int left = rows[i].times; left > 0; left -= 8)
            rd_kafka_mock_push_request_errors_array(bed->mock, API_PRODUCE,
                                                    (size_t)(left < 8 ? left : 8), codes);
        send_to(bed, out, topic, &answer);
        if (rows[i].as == ERR_COUNT && answer.failed)
            fail_msg("%s was not coped with: %s", rd_kafka_err2name(rows[i].code),
                     answer.err.message);
        if (rows[i].as != ERR_COUNT)
            assert_line(&answer.err, rows[i].as, topic);
        rd_kafka_mock_clear_request_errors(bed->mock, API_PRODUCE);
        kafka_out_free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_closes_at_once_is_named),
        cmocka_unit_test(a_peer_that_closes_after_the_request_is_named),
        cmocka_unit_test(a_peer_that_speaks_something_else_is_named),
        cmocka_unit_test(half_an_answer_and_a_close_is_named),
        cmocka_unit_test(a_name_that_does_not_exist_is_named),
        cmocka_unit_test(a_certificate_that_is_wrong_is_told),
        cmocka_unit_test(an_error_of_the_broker_says_what_it_means),
    };
    signal(SIGPIPE, SIG_IGN);  // a peer writes to who has left
    return cmocka_run_group_tests(tests, bed_make, bed_break);
}

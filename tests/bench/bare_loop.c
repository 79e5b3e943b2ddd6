// SPDX-License-Identifier: Apache-2.0
/* The floor: what the same requests cost when nobody keeps anything. Each job is an init on a fresh connection, then status
 * calls on kept ones until the simulator says that it has ended; libcurl's multi interface on libevent, a fixed number of
 * jobs at a time, no Kafka, no Redis, no retry. Any answer that is not the expected one ends the program.
 *
 *     bare-loop URL ACCOUNTS.ndjson JOBS AT_A_TIME STATUS_AFTER_MS
 *
 * Prints one line of JSON: jobs, status calls, wall and CPU seconds. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { TOKENS_MAX = 100000, BODY_BYTES = 4096, ANSWER_BYTES = 4096, AT_A_TIME_MAX = 1024 };

struct socket_event {
    struct event *event;  // owned
};

struct loop {
    struct event_base *base;
    struct event      *timer;  // libcurl's
    CURLM             *multi;
    CURL              *spare[AT_A_TIME_MAX];
    int                spares;
    const char        *url;
    char              *tokens[TOKENS_MAX];  // owned: "Authorization: Bearer ..."
    int                token_count;
    int                jobs;  // in all
    int                begun;
    int                ended;
    int                status_calls;
    int                status_after_ms;
};

struct job {
    struct loop       *loop;
    CURL              *easy;
    struct curl_slist *headers;
    struct event      *wait;  // before a status call
    int                number;
    char               publish_id[72];
    char               body[BODY_BYTES];
    char               answer[ANSWER_BYTES];
    size_t             answer_bytes;
};

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "bare-loop: %s: %s\n", what, detail);
    exit(1);
}

#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        CURLcode set_code = curl_easy_setopt((easy), (option), (value));                           \
        if (set_code != CURLE_OK)                                                                  \
            fail(#option, curl_easy_strerror(set_code));                                           \
    } while (0)

// ---- libcurl on libevent

static void read_completions(struct loop *loop);

static void on_socket_ready(evutil_socket_t fd, short what, void *owner)
{
    struct loop *loop = owner;
    int          running;
    curl_multi_socket_action(loop->multi, fd,
                             (what & EV_READ ? CURL_CSELECT_IN : 0) |
                                 (what & EV_WRITE ? CURL_CSELECT_OUT : 0),
                             &running);
    read_completions(loop);
}

static void on_timer(evutil_socket_t fd, short what, void *owner)
{
    struct loop *loop = owner;
    int          running;
    (void)fd, (void)what;
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_completions(loop);
}

static int on_want_timer(CURLM *multi, long delay_ms, void *owner)
{
    struct loop   *loop = owner;
    struct timeval tv   = { .tv_sec = delay_ms / 1000, .tv_usec = (delay_ms % 1000) * 1000 };
    (void)multi;
    if (delay_ms < 0)
        evtimer_del(loop->timer);
    else
        evtimer_add(loop->timer, &tv);
    return 0;
}

static int on_want_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *of_socket)
{
    struct loop         *loop = owner;
    struct socket_event *s    = of_socket;
    (void)easy;
    if (s) {
        event_free(s->event);
        if (what == CURL_POLL_REMOVE) {
            free(s);
            curl_multi_assign(loop->multi, fd, NULL);
            return 0;
        }
    } else {
        s = calloc(1, sizeof *s);
        if (!s)
            fail("calloc", "no memory");
        curl_multi_assign(loop->multi, fd, s);
    }
    s->event = event_new(loop->base, fd,
                         (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
                                 (what & CURL_POLL_OUT ? EV_WRITE : 0)),
                         on_socket_ready, loop);
    event_add(s->event, NULL);
    return 0;
}

// ---- one job

static size_t on_body(char *p, size_t size, size_t count, void *owner)
{
    struct job *job = owner;
    if (job->answer_bytes + size * count >= ANSWER_BYTES)
        return 0;
    memcpy(job->answer + job->answer_bytes, p, size * count);
    job->answer_bytes += size * count;
    job->answer[job->answer_bytes] = '\0';
    return size * count;
}

static void send_request(struct job *job, const char *path, bool fresh)
{
    struct loop *loop = job->loop;
    char         url[512];
    snprintf(url, sizeof url, "%s%s", loop->url, path);
    job->easy = loop->spares ? loop->spare[--loop->spares] : curl_easy_init();
    if (!job->easy)
        fail("curl_easy_init", "no memory");
    curl_slist_free_all(job->headers);
    job->headers = curl_slist_append(NULL, "Content-Type: application/json; charset=UTF-8");
    job->headers = curl_slist_append(job->headers, "Expect:");
    job->headers = curl_slist_append(job->headers, loop->tokens[job->number % loop->token_count]);
    job->answer_bytes = 0;
    curl_easy_reset(job->easy);
    SET(job->easy, CURLOPT_URL, url);
    SET(job->easy, CURLOPT_POSTFIELDS, job->body);
    SET(job->easy, CURLOPT_HTTPHEADER, job->headers);
    SET(job->easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(job->easy, CURLOPT_WRITEDATA, job);
    SET(job->easy, CURLOPT_PRIVATE, job);
    SET(job->easy, CURLOPT_NOSIGNAL, 1L);
    SET(job->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(job->easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    SET(job->easy, CURLOPT_FORBID_REUSE, fresh ? 1L : 0L);
    curl_multi_add_handle(loop->multi, job->easy);
}

static void job_begin(struct job *job)
{
    job->number        = job->loop->begun++;
    job->publish_id[0] = '\0';
    snprintf(job->body, sizeof job->body,
             "{\"post_info\":{\"privacy_level\":\"PUBLIC_TO_EVERYONE\",\"title\":\"clip "
             "bare-%d\",\"disable_duet\":true,"
             "\"disable_comment\":true,\"disable_stitch\":true,\"brand_content_toggle\":false,"
             "\"brand_organic_toggle\":"
             "false},\"source_info\":{\"source\":\"PULL_FROM_URL\",\"video_url\":\"https://"
             "cdn.example.com/bare-%d.mp4\"}}",
             job->number, job->number);
    send_request(job, "/v2/post/publish/video/init/", true);
}

static void on_wait_over(evutil_socket_t fd, short what, void *owner)
{
    struct job *job = owner;
    (void)fd, (void)what;
    snprintf(job->body, sizeof job->body, "{\"publish_id\":\"%s\"}", job->publish_id);
    job->loop->status_calls++;
    send_request(job, "/v2/post/publish/status/fetch/", false);
}

static void job_wait(struct job *job)
{
    struct timeval tv = { .tv_sec  = job->loop->status_after_ms / 1000,
                          .tv_usec = job->loop->status_after_ms % 1000 * 1000 };
    evtimer_add(job->wait, &tv);
}

static void job_answered(struct job *job)
{
    struct loop *loop   = job->loop;
    cJSON       *root   = cJSON_Parse(job->answer);
    cJSON       *data   = cJSON_GetObjectItemCaseSensitive(root, "data");
    cJSON       *id     = cJSON_GetObjectItemCaseSensitive(data, "publish_id");
    cJSON       *status = cJSON_GetObjectItemCaseSensitive(data, "status");
    if (job->publish_id[0] == '\0') {
        if (!cJSON_IsString(id))
            fail("init", job->answer);
        snprintf(job->publish_id, sizeof job->publish_id, "%s", id->valuestring);
        job_wait(job);
    } else if (cJSON_IsString(status) && strcmp(status->valuestring, "PUBLISH_COMPLETE") == 0) {
        loop->ended++;
        if (loop->begun < loop->jobs)
            job_begin(job);
        else if (loop->ended == loop->jobs)
            event_base_loopbreak(loop->base);
    } else if (cJSON_IsString(status) && strncmp(status->valuestring, "PROCESSING", 10) == 0) {
        job_wait(job);
    } else {
        fail("status", job->answer);
    }
    cJSON_Delete(root);
}

static void read_completions(struct loop *loop)
{
    CURLMsg *message;
    int      left;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL       *easy = message->easy_handle;
        CURLcode    code = message->data.result;
        struct job *job  = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &job);
        curl_multi_remove_handle(loop->multi, easy);
        loop->spare[loop->spares++] = easy;
        if (code != CURLE_OK)
            fail("request", curl_easy_strerror(code));
        job_answered(job);
    }
}

// ---- the whole

static void read_tokens(struct loop *loop, const char *path)
{
    FILE *f = fopen(path, "r");
    char  line[8192], header[4096];
    if (!f)
        fail(path, "cannot be read");
    while (loop->token_count < TOKENS_MAX && fgets(line, sizeof line, f)) {
        cJSON *root  = cJSON_Parse(line);
        cJSON *token = cJSON_GetObjectItemCaseSensitive(root, "access_token");
        if (!cJSON_IsString(token))
            fail(path, "a line without access_token");
        snprintf(header, sizeof header, "Authorization: Bearer %s", token->valuestring);
        loop->tokens[loop->token_count++] = strdup(header);
        cJSON_Delete(root);
    }
    fclose(f);
    if (!loop->token_count)
        fail(path, "no account");
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct loop loop;
    static struct job  jobs[AT_A_TIME_MAX];
    if (argc != 6)
        fail("usage", "bare-loop URL ACCOUNTS.ndjson JOBS AT_A_TIME STATUS_AFTER_MS");
    int at_a_time        = (int)strtol(argv[4], NULL, 10);
    loop.url             = argv[1];
    loop.jobs            = (int)strtol(argv[3], NULL, 10);
    loop.status_after_ms = (int)strtol(argv[5], NULL, 10);
    if (loop.jobs < 1 || at_a_time < 1 || at_a_time > AT_A_TIME_MAX || loop.status_after_ms < 0)
        fail("usage", "JOBS from 1, AT_A_TIME from 1 to 1024");
    read_tokens(&loop, argv[2]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    loop.base  = event_base_new();
    loop.multi = curl_multi_init();
    loop.timer = evtimer_new(loop.base, on_timer, &loop);
    curl_multi_setopt(loop.multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
    curl_multi_setopt(loop.multi, CURLMOPT_SOCKETDATA, &loop);
    curl_multi_setopt(loop.multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
    curl_multi_setopt(loop.multi, CURLMOPT_TIMERDATA, &loop);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < at_a_time && i < loop.jobs; i++) {
        jobs[i].loop = &loop;
        jobs[i].wait = evtimer_new(loop.base, on_wait_over, &jobs[i]);
        job_begin(&jobs[i]);
    }
    event_base_dispatch(loop.base);
    printf("{\"jobs\": %d, \"status_calls\": %d, \"wall_s\": %.6f, \"cpu_s\": %.6f}\n", loop.ended,
           loop.status_calls, seconds(CLOCK_MONOTONIC) - wall,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return loop.ended == loop.jobs ? 0 : 1;
}

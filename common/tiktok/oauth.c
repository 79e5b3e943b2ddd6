// SPDX-License-Identifier: Apache-2.0
/*     starter ── call (outer) ─────────────────────────────────────► done
 *        └─ struct request: inner call ── http, once ── on_answer ──┘ decoded, outcome set, what was secret wiped
 */
#include "tiktok/oauth.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/json.h"
#include "tiktok/answer.h"
#include "tiktok/api_url.h"
#include "tiktok/oauth_outcome.h"
#include "tiktok/scope.h"

enum {
    FORM_MAX_BYTES = 32 * 1024,  // a code or token of 4 KiB, all of it in %XX, twice
    URL_MAX_BYTES  = 2 * API_URL_MAX_BYTES,
    SECRETS_MAX    = 4 * 2,  // of one form, each as it is and as the form has it
    SECRET_SHORT   = 4,      // a text so short says nothing about a secret
};

// nothing may stand behind it: with a charset TikTok refuses the request
static const char content_type[] = "application/x-www-form-urlencoded";

struct oauth {
    struct http *http;     // borrowed
    char        *api_url;  // without a slash at its end
    char        *client_key;
    char        *client_secret;  // secret
    int64_t      timeout_ms;
};

struct request {
    struct call          inner;                 // the HTTP request
    struct call         *outer;                 // the caller's; borrowed
    struct oauth_answer *answer;                // the caller's; borrowed
    struct oauth_tokens *tokens;                // the caller's; NULL for a revoke
    const char          *name;                  // a literal, for the log
    struct buf           url;                   // copied by http, kept for its buffer only
    struct buf           form;                  // borrowed by http until done; secret
    struct buf           secrets[SECRETS_MAX];  // what must not come back in a message
    size_t               secret_count;
};

struct oauth *oauth_new(struct http *http, const struct oauth_settings *settings, struct error *err)
{
    if (!settings->client_key[0] || !settings->client_secret[0]) {
        error_set(err, ERR_SETTING,
                  "TOKFLEET_TIKTOK_CLIENT_KEY and TOKFLEET_TIKTOK_CLIENT_SECRET are not both set: "
                  "they are in TikTok's developer portal, on the app's page");
        return NULL;
    }
    char *api_url = api_url_read(settings->api_url, err);
    if (!api_url)
        return NULL;
    struct oauth *oauth  = xcalloc(1, sizeof *oauth);
    oauth->http          = http;
    oauth->api_url       = api_url;
    oauth->client_key    = xstrdup(settings->client_key);
    oauth->client_secret = xstrdup(settings->client_secret);
    oauth->timeout_ms    = settings->timeout_ms;
    return oauth;
}

void oauth_free(struct oauth *oauth)
{
    if (!oauth)
        return;
    explicit_bzero(oauth->client_secret, strlen(oauth->client_secret));
    free(oauth->client_secret);
    free(oauth->client_key);
    free(oauth->api_url);
    free(oauth);
}

void oauth_tokens_wipe(struct oauth_tokens *tokens)
{
    explicit_bzero(tokens, sizeof *tokens);
}

// ---- reading

static void answer_begin(struct oauth_answer *answer)
{
    answer->outcome        = oauth_outcome_named("broken_answer");
    answer->http_status    = 0;
    answer->maybe          = false;
    answer->error[0]       = '\0';
    answer->description[0] = '\0';
    answer->log_id[0]      = '\0';
}

static void tokens_begin(struct oauth_tokens *tokens)
{
    tokens->access_token[0]      = '\0';
    tokens->refresh_token[0]     = '\0';
    tokens->open_id[0]           = '\0';
    tokens->scopes[0]            = '\0';
    tokens->expires_in_s         = -1;
    tokens->refresh_expires_in_s = -1;
}

// For people, unless the server quotes what it was sent: that must not come into a log or onto a
// screen. The whole text is looked at, since what is cut may end within a secret.
static void copy_told(char *out, size_t out_bytes, struct str text, const struct request *request)
{
    for (size_t i = 0; request && i < request->secret_count; i++)
        if (text.len && strcasestr(text.p, buf_text(&request->secrets[i])))
            text = (struct str){ 0 };
    answer_copy_cut(out, out_bytes, text);
}

// TikTok's flat form; the posting API's envelope, as a gateway before it may answer, is read as
// well
static void read_refusal(const struct json *root, int http_status, const struct request *request,
                         struct oauth_answer *answer)
{
    const struct json *error = json_get(root, "error");
    struct str         code  = json_text(error);
    struct str         words = json_text(json_get(root, "error_description"));
    struct str         log   = json_text(json_get(root, "log_id"));
    if (json_is_object(error)) {
        code  = json_text(json_get(error, "code"));
        words = json_text(json_get(error, "message"));
        log   = json_text(json_get(error, "log_id"));
    }
    copy_told(answer->error, sizeof answer->error, code, request);
    copy_told(answer->description, sizeof answer->description, words, request);
    copy_told(answer->log_id, sizeof answer->log_id, log, request);
    answer->outcome = code.len ? oauth_outcome_of(code) : oauth_outcome_of_status(http_status);
    // whatever the body says, a server that failed may have acted half
    if (answer->outcome->next == OAUTH_BUG && http_status >= 500)
        answer->outcome = oauth_outcome_named("http_5xx");
    answer->maybe = answer->outcome->next == OAUTH_LATER && http_status != 429;
}

static int64_t read_seconds(const struct json *root, const char *key)
{
    int64_t       seconds = -1;
    const int64_t most    = INT64_C(100) * 366 * 86400;
    return json_i64(json_get(root, key), &seconds) && seconds >= 0 && seconds <= most ? seconds
                                                                                      : -1;
}

static void read_scopes(struct str scopes, char *out, size_t out_bytes)
{
    struct buf text;
    buf_init(&text, out_bytes - 1);
    answer_copy_whole(out, out_bytes, scope_read(scopes, &text) ? buf_str(&text) : STR(""));
    buf_fini(&text);
}

static void read_tokens(const struct json *root, struct oauth_tokens *tokens)
{
    answer_copy_whole(tokens->access_token, sizeof tokens->access_token,
                      json_text(json_get(root, "access_token")));
    if (!tokens->access_token[0])
        return;
    answer_copy_whole(tokens->refresh_token, sizeof tokens->refresh_token,
                      json_text(json_get(root, "refresh_token")));
    answer_copy_whole(tokens->open_id, sizeof tokens->open_id,
                      json_text(json_get(root, "open_id")));
    if (tokens->open_id[0] == '@')  // that is how an alias begins
        tokens->open_id[0] = '\0';
    read_scopes(json_text(json_get(root, "scope")), tokens->scopes, sizeof tokens->scopes);
    tokens->expires_in_s         = read_seconds(root, "expires_in");
    tokens->refresh_expires_in_s = read_seconds(root, "refresh_expires_in");
}

// request: whose secrets are not told; NULL: there are none
static void decode_tokens(struct str body, int http_status, const struct request *request,
                          struct oauth_tokens *tokens)
{
    struct oauth_answer *answer = &tokens->answer;
    struct json         *root   = answer_parse(body);
    answer_begin(answer);
    tokens_begin(tokens);
    answer->http_status = http_status;
    read_tokens(root, tokens);
    if (tokens->access_token[0]) {
        answer->outcome = oauth_outcome_named("ok");
        copy_told(answer->log_id, sizeof answer->log_id, json_text(json_get(root, "log_id")),
                  request);
    } else {
        read_refusal(root, http_status, request, answer);
    }
    json_wipe(root);
}

void oauth_tokens_decode(struct str body, int http_status, struct oauth_tokens *tokens)
{
    decode_tokens(body, http_status, NULL, tokens);
}

// A success has an empty body; "{}" and an error of "ok" say the same.
static void decode_revoke(struct str body, int http_status, const struct request *request,
                          struct oauth_answer *answer)
{
    struct str         text  = str_trim(body);
    bool               good  = http_status >= 200 && http_status <= 299;
    struct json       *root  = text.len ? answer_parse(text) : NULL;
    const struct json *error = json_get(root, "error");
    struct str code = json_is_object(error) ? json_text(json_get(error, "code")) : json_text(error);
    answer_begin(answer);
    answer->http_status = http_status;
    if (good && (!text.len || (json_is_object(root) && (!code.len || str_is(code, "ok")))))
        answer->outcome = oauth_outcome_named("ok");
    else
        read_refusal(root, http_status, request, answer);
    json_wipe(root);
}

void oauth_revoke_decode(struct str body, int http_status, struct oauth_answer *answer)
{
    decode_revoke(body, http_status, NULL, answer);
}

// ---- asking

static struct request *request_new(const char *name, struct call *call)
{
    struct request *request = xcalloc(1, sizeof *request);
    request->outer          = call;
    request->name           = name;
    buf_init(&request->url, URL_MAX_BYTES);
    buf_init(&request->form, FORM_MAX_BYTES);
    return request;
}

static void request_free(struct request *request)
{
    buf_wipe(&request->answer->http.body);
    http_answer_fini(&request->answer->http);
    for (size_t i = 0; i < request->secret_count; i++)
        buf_wipe(&request->secrets[i]);
    buf_fini(&request->url);
    buf_wipe(&request->form);
    free(request);
}

static void keep_secret(struct request *request, struct str text)
{
    assert(request->secret_count < SECRETS_MAX);
    struct buf *kept = &request->secrets[request->secret_count++];
    buf_init(kept, text.len);
    buf_add(kept, text);
}

static void add_field(struct request *request, const char *name, struct str value, bool secret)
{
    if (request->form.len)
        buf_add_char(&request->form, '&');
    buf_add_text(&request->form, name);
    buf_add_char(&request->form, '=');
    size_t at = request->form.len;
    buf_add_url(&request->form, value);
    if (!secret || value.len < SECRET_SHORT)
        return;
    struct str form = { buf_text(&request->form) + at, request->form.len - at };
    keep_secret(request, value);
    if (!str_eq(form, value))
        keep_secret(request, form);
}

static void add_client(struct oauth *oauth, struct request *request)
{
    add_field(request, "client_key", str_of(oauth->client_key), false);
    add_field(request, "client_secret", str_of(oauth->client_secret), true);
}

static void log_answer(const struct request *request)
{
    const struct oauth_answer *answer = request->answer;
    log_debug("tiktok answered", F_STR("request", request->name),
              F_INT("http_status", answer->http_status), F_STR("code", answer->error),
              F_STR("outcome", answer->outcome->code), F_STR("log_id", answer->log_id),
              F_INT("took_us", answer->took_us));
}

static bool read_answer(struct request *request, struct error *err)
{
    struct oauth_answer *answer = request->answer;
    struct str           body   = buf_str(&answer->http.body);
    int                  status = (int)answer->http.status;
    if (request->tokens)
        decode_tokens(body, status, request, request->tokens);
    else
        decode_revoke(body, status, request, answer);
    if (answer->outcome == oauth_outcome_named("broken_answer"))
        return error_set(err, ERR_BROKEN, "%s: HTTP %d with an answer that cannot be understood",
                         request->name, status);
    return true;
}

static void on_answer(struct call *inner, const struct error *err)
{
    struct request      *request = container_of(inner, struct request, inner);
    struct oauth_answer *answer  = request->answer;
    struct call         *outer   = request->outer;
    struct error         failure;
    bool                 ok = false;
    answer->took_us         = answer->http.total_us;
    if (err) {
        failure             = *err;
        answer->http_status = (int)answer->http.status;
        answer->outcome     = oauth_outcome_of_error(err);
        answer->maybe       = err_effect(err->code) == EFFECT_MAYBE;
    } else {
        ok = read_answer(request, &failure);
    }
    log_answer(request);
    request_free(request);
    call_finish(outer, ok ? NULL : &failure);
}

static void on_outer_cancelled(struct call *outer)
{
    struct request *request = outer->adapter;
    call_cancel(&request->inner);
    request_free(request);
}

static void request_start(struct oauth *oauth, struct request *request, const char *path,
                          struct oauth_answer *answer, call_done *done)
{
    bool                fits = buf_printf(&request->url, "%s%s", oauth->api_url, path);
    struct http_request http = {
        .method           = "POST",
        .url              = buf_text(&request->url),
        .content_type     = content_type,
        .body             = buf_str(&request->form),
        .timeout_ms       = oauth->timeout_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
        .commit_point     = true,
    };
    assert(fits && !request->form.full);
    (void)fits;
    memset(answer, 0, sizeof *answer);
    answer_begin(answer);
    request->answer = answer;
    http_start(oauth->http, &http, &answer->http, &request->inner, on_answer);
    call_begin(request->outer, request->inner.loop, "tiktok", 0, done, on_outer_cancelled, request);
}

static void start_grant(struct oauth *oauth, struct request *request, struct oauth_tokens *tokens,
                        call_done *done)
{
    memset(tokens, 0, sizeof *tokens);
    tokens_begin(tokens);
    request->tokens = tokens;
    request_start(oauth, request, "/v2/oauth/token/", &tokens->answer, done);
}

void oauth_exchange(struct oauth *oauth, const struct oauth_code *code, struct oauth_tokens *tokens,
                    struct call *call, call_done *done)
{
    struct request *request = request_new("oauth/token code", call);
    add_client(oauth, request);
    add_field(request, "grant_type", STR("authorization_code"), false);
    add_field(request, "code", code->code, true);
    add_field(request, "redirect_uri", code->redirect_uri, false);
    if (code->verifier.len)
        add_field(request, "code_verifier", code->verifier, true);
    start_grant(oauth, request, tokens, done);
}

void oauth_refresh(struct oauth *oauth, struct str refresh_token, struct oauth_tokens *tokens,
                   struct call *call, call_done *done)
{
    struct request *request = request_new("oauth/token refresh", call);
    add_client(oauth, request);
    add_field(request, "grant_type", STR("refresh_token"), false);
    add_field(request, "refresh_token", refresh_token, true);
    start_grant(oauth, request, tokens, done);
}

void oauth_revoke(struct oauth *oauth, struct str access_token, struct oauth_answer *answer,
                  struct call *call, call_done *done)
{
    struct request *request = request_new("oauth/revoke", call);
    add_client(oauth, request);
    add_field(request, "token", access_token, true);
    request_start(oauth, request, "/v2/oauth/revoke/", answer, done);
}

// SPDX-License-Identifier: Apache-2.0
#include "tiktok/outcome.h"

#include <assert.h>
#include <stddef.h>

#include "base/memory.h"

// Where a code is said. The same word may be a row in two places: a banned account at an init is
// the account's trouble, as a fail_reason it is also this job's end.
enum said_in {
    IN_ANSWER,  // error.code of any endpoint, error of the token endpoint
    IN_REASON,  // fail_reason of status/fetch and webhooks
    OURS,  // not TikTok's word: the transport, an HTTP status without a known code, our own rules
};

struct row {
    enum said_in   where;
    struct outcome outcome;
};

// clang-format off
#define ANSWER(code, next, scope, effect, cause, remedy) \
    { IN_ANSWER, { code, NEXT_##next, SCOPE_##scope, EFFECT_##effect, cause, remedy } }
#define REASON(code, next, scope, cause, remedy) \
    { IN_REASON, { code, NEXT_##next, SCOPE_##scope, EFFECT_NO, cause, remedy } }
#define OUR_OWN(code, next, scope, effect, cause, remedy) \
    { OURS, { code, NEXT_##next, SCOPE_##scope, EFFECT_##effect, cause, remedy } }

/* Every LOOK_UP is a MAYBE: at a commit point nobody knows, elsewhere the question is asked again. */
static const struct row rows[] = {
    // answers: good
    ANSWER("ok", OK, JOB, NO, "TikTok accepted the request.", "Nothing to do."),

    // answers: the request
    ANSWER("invalid_param", FAIL, JOB, NO, "TikTok found a value of the request invalid.",
           "Read TikTok's message on the job, correct the post and send it under a new job_id."),
    ANSWER("invalid_params", FAIL, JOB, NO, "TikTok found a value of the request invalid.",
           "Read TikTok's message on the job, correct the post and send it under a new job_id."),
    ANSWER("invalid_file_upload", FAIL, JOB, NO, "TikTok found the description of the file invalid.",
           "Check that the media is a whole file of a format that TikTok accepts, and send it under a new job_id."),
    ANSWER("app_version_check_failed", FAIL, JOB, NO, "The user's TikTok app is too old to receive drafts.",
           "Ask the user to update the TikTok app to 31.8 or newer, then retry the job."),
    ANSWER("privacy_level_option_mismatch", FAIL, JOB, NO,
           "The account does not offer this privacy_level now; a private account cannot post to everyone.",
           "Choose one of the privacy options that the account offers and send the post under a new job_id."),
    ANSWER("unaudited_client_can_only_post_to_private_accounts", FAIL, FLEET, NO,
           "The TikTok app has not passed its audit, so it may only post for accounts that are set to private.",
           "Pass TikTok's audit of the app; until then set the account itself to private and post with SELF_ONLY."),
    ANSWER("url_ownership_unverified", FAIL, FLEET, NO,
           "The domain or URL prefix of the media is not verified for this TikTok app.",
           "Verify the media's domain or prefix under URL properties in TikTok's developer portal, then retry the job."),

    // answers: publish ids
    ANSWER("invalid_publish_id", LOOK_UP, JOB, MAYBE, "TikTok does not know this publish_id, or no longer.",
           "Look at the account whether the post is there, then resolve the job as published or as failed."),
    ANSWER("token_not_authorized_for_specified_publish_id", LOOK_UP, JOB, MAYBE,
           "The publish_id belongs to another account than the token that asked for it.",
           "Check whether the account was connected anew as another user; look at it and resolve the job."),
    ANSWER("publish_not_cancellable", LOOK_UP, JOB, MAYBE, "The post is too far on to be cancelled.",
           "Wait for its end; a post that came out can only be deleted in the TikTok app."),

    // answers: the account
    ANSWER("access_token_invalid", REFRESH, ACCOUNT, NO, "The account's access token has expired or was withdrawn.",
           "It is refreshed by itself; when that fails, connect the account again."),
    ANSWER("scope_not_authorized", PARK, ACCOUNT, NO,
           "The user did not grant the permission that this request needs (video.publish, video.upload).",
           "Connect the account again and grant all permissions; its jobs wait until then."),
    ANSWER("scope_permission_missed", PARK, ACCOUNT, NO,
           "The user did not grant the permission that a requested field needs.",
           "Connect the account again and grant all permissions; its jobs wait until then."),
    ANSWER("rate_limit_exceeded", WINDOW, ACCOUNT, NO, "Too many requests for this account within a minute.",
           "Nothing to do: the account waits for one window and goes on by itself."),
    ANSWER("spam_risk_too_many_posts", DAY, ACCOUNT, NO,
           "The account reached TikTok's limit of posts in 24 hours; posts of other apps count, too.",
           "Nothing to do: its jobs wait until the 24 hours free a post. Plan fewer posts a day for this account."),
    ANSWER("spam_risk_too_many_pending_share", DRAFTS, ACCOUNT, NO,
           "Five drafts wait in the account's TikTok inbox, which is the most that TikTok holds in 24 hours.",
           "Ask the user to post or discard the pending drafts in the TikTok app; the jobs go on by themselves."),
    ANSWER("spam_risk_user_banned_from_posting", PARK, ACCOUNT, NO, "TikTok banned the account from posting.",
           "Check the account's status in the TikTok app and appeal there; connect the account again once it may post."),
    ANSWER("spam_risk", FAIL, JOB, NO, "TikTok judged the request to be spam.",
           "Vary the content and the pace of this account's posts, and send the post under a new job_id."),
    ANSWER("spam_risk_text", FAIL, JOB, NO, "TikTok judged the text to be spam.",
           "Change the caption or title, with fewer repeated hashtags and mentions, and send it under a new job_id."),
    ANSWER("reached_active_user_cap", USERS, FLEET, NO,
           "The TikTok app reached its limit of accounts that may post through it in 24 hours.",
           "Nothing to do for now: accounts that did not post today wait for the next day. Ask TikTok for a higher cap."),

    // answers: TikTok itself
    ANSWER("internal_error", LOOK_UP, JOB, MAYBE, "TikTok had an error of its own and did not say whether it acted.",
           "Look at the account whether the post is there, then resolve the job; the fleet asks again where it can."),

    // answers of the token endpoint
    ANSWER("access_denied", PARK, ACCOUNT, NO, "The user declined to connect the account.",
           "Ask the user to connect again and to accept the permissions."),
    ANSWER("invalid_grant", PARK, ACCOUNT, NO, "The refresh token or code is used up, expired or withdrawn.",
           "Connect the account again; its jobs wait until then."),
    ANSWER("invalid_client", PARK, FLEET, NO, "TikTok does not accept the app's client key or secret.",
           "Correct TOKFLEET_TIKTOK_CLIENT_KEY and _SECRET: no stray spaces; sandbox and production have their own."),
    ANSWER("unauthorized_client", PARK, FLEET, NO,
           "The TikTok app may not do this: Login Kit is missing, the redirect URI is not registered, or the user is "
           "not a target of the sandbox.",
           "Check products, redirect URIs and target users of the app in TikTok's developer portal."),
    ANSWER("invalid_request", FAIL, FLEET, NO,
           "The token request is malformed: often a redirect URI or code verifier other than at the consent.",
           "Check TOKFLEET_TIKTOK_REDIRECT_URI against the developer portal, character by character, and connect again."),
    ANSWER("invalid_scope", FAIL, FLEET, NO, "A requested permission is unknown or not approved for the app.",
           "Add the permission to the app in TikTok's developer portal and wait for its approval."),
    ANSWER("unsupported_grant_type", FAIL, FLEET, NO, "TikTok does not know the kind of token request.",
           "Check TOKFLEET_TIKTOK_API_URL: it must be TikTok's open API."),
    ANSWER("unsupported_response_type", FAIL, FLEET, NO, "TikTok does not know the kind of consent request.",
           "Check TOKFLEET_TIKTOK_AUTHORIZE_URL: it must be TikTok's authorize page."),
    ANSWER("server_error", LOOK_UP, FLEET, MAYBE, "TikTok had an error of its own.",
           "Nothing to do for tokens: it is asked again. See TikTok's status page if it lasts."),
    ANSWER("temporarily_unavailable", LOOK_UP, FLEET, MAYBE, "TikTok is not available for now.",
           "Nothing to do for tokens: it is asked again. See TikTok's status page if it lasts."),

    // fail reasons: the media
    REASON("file_format_check_failed", FAIL, JOB, "TikTok does not accept the format of the file.",
           "Use MP4 with H.264 for video (MOV and WebM are accepted), JPEG or WebP for photos; send a new job."),
    REASON("file_format", FAIL, JOB, "TikTok does not accept the format of the file.",
           "Use MP4 with H.264 for video (MOV and WebM are accepted), JPEG or WebP for photos; send a new job."),
    REASON("duration_check_failed", FAIL, JOB, "The video is too short or too long for this account.",
           "Cut it to the account's longest duration: 3 minutes for everyone, up to 10 for some; send a new job."),
    REASON("duration", FAIL, JOB, "The video is too short or too long for this account.",
           "Cut it to the account's longest duration: 3 minutes for everyone, up to 10 for some; send a new job."),
    REASON("frame_rate_check_failed", FAIL, JOB, "TikTok does not accept the video's frame rate.",
           "Encode it with 23 to 60 frames a second and send a new job."),
    REASON("frame_rate", FAIL, JOB, "TikTok does not accept the video's frame rate.",
           "Encode it with 23 to 60 frames a second and send a new job."),
    REASON("picture_size_check_failed", FAIL, JOB, "The picture or video has a size that TikTok does not accept.",
           "Video: 720p or more, each side 360 to 4096. Photos: at most 1080p, every one of them. Resize, send a new job."),
    REASON("picture_size", FAIL, JOB, "The picture or video has a size that TikTok does not accept.",
           "Video: 720p or more, each side 360 to 4096. Photos: at most 1080p, every one of them. Resize, send a new job."),
    REASON("video_pull_failed", RETRY, JOB, "TikTok could not fetch the video from its URL, or not within an hour.",
           "Check that the URL is public, fast, without redirects and whole; it is tried again a few times."),
    REASON("photo_pull_failed", RETRY, JOB, "TikTok could not fetch a photo from its URL, or not within an hour.",
           "Check that every URL is public, fast, without redirects and whole; it is tried again a few times."),

    // fail reasons: content, account, TikTok
    REASON("internal", RETRY, JOB, "A part of TikTok was down.",
           "Nothing to do: it is tried again a few times. See TikTok's status page if it lasts."),
    REASON("publish_cancelled", FAIL, JOB, "The post was cancelled before TikTok finished it.",
           "Nothing to do, unless nobody cancelled it: then retry the job."),
    REASON("auth_removed", FAIL, ACCOUNT, "The user withdrew the app's access while the post was processed.",
           "Connect the account again, then retry the job."),
    REASON("spam_risk_too_many_posts", DAY, ACCOUNT, "The account reached TikTok's limit of posts in 24 hours.",
           "Nothing to do: it is tried again when the 24 hours free a post. Plan fewer posts a day for this account."),
    REASON("spam_risk_too_many_pending_share", FAIL, ACCOUNT,
           "Too many drafts wait in the account's TikTok inbox.",
           "Ask the user to post or discard the pending drafts in the TikTok app, then retry the job."),
    REASON("spam_risk_user_banned_from_posting", FAIL, ACCOUNT, "TikTok banned the account from posting.",
           "Check the account's status in the TikTok app and appeal there; retry the job once it may post again."),
    REASON("spam_risk_text", FAIL, JOB, "TikTok judged the text to be spam.",
           "Change the caption or title, with fewer repeated hashtags and mentions, and send a new job."),
    REASON("spam_risk", FAIL, JOB, "TikTok judged the post to be spam.",
           "Vary the content and the pace of this account's posts, and send a new job."),
    REASON("privacy_level_not_authorized", FAIL, JOB, "The account may not post with this privacy_level.",
           "Choose one of the privacy options that the account offers and send a new job."),

    // ours: no answer, or one that says nothing
    OUR_OWN("no_connection", RETRY, FLEET, NO, "TikTok could not be reached, so nothing was sent.",
            "Nothing to do: it is tried again. Check network, DNS and TLS if it lasts."),
    OUR_OWN("not_sent", RETRY, JOB, NO, "The request was held back at the last moment, so nothing was sent.",
            "Nothing to do: the job goes back to the queue."),
    OUR_OWN("no_answer", LOOK_UP, JOB, MAYBE, "TikTok did not answer in time; it may have acted.",
            "Look at the account whether the post is there, then resolve the job as published or as failed."),
    OUR_OWN("connection_lost", LOOK_UP, JOB, MAYBE, "The connection broke before TikTok's answer came; it may have acted.",
            "Look at the account whether the post is there, then resolve the job as published or as failed."),
    OUR_OWN("broken_answer", LOOK_UP, JOB, MAYBE, "TikTok's answer could not be understood; it may have acted.",
            "Look at the account whether the post is there, then resolve the job as published or as failed."),
    OUR_OWN("unknown_answer", LOOK_UP, JOB, MAYBE,
            "TikTok answered with success and an error that is not known here; it may have acted.",
            "Read the code and message on the job, look at the account, then resolve the job."),
    OUR_OWN("http_3xx", RETRY, FLEET, NO, "A redirect was answered instead of TikTok's API; it is not followed.",
            "Check TOKFLEET_TIKTOK_API_URL and any proxy on the way; it is tried again a few times."),
    OUR_OWN("http_401", REFRESH, ACCOUNT, NO,
            "TikTok, or a proxy on the way, did not accept the account's token and gave no reason that is known here.",
            "The token is refreshed by itself; if it lasts, check any proxy on the way and connect the account again."),
    OUR_OWN("http_408", LOOK_UP, JOB, MAYBE, "Something between here and TikTok gave up waiting; TikTok may have acted.",
            "Look at the account whether the post is there, then resolve the job as published or as failed."),
    OUR_OWN("http_429", WINDOW, ACCOUNT, NO, "Too many requests for this account or from this address.",
            "Nothing to do: the account waits for one window and goes on by itself."),
    OUR_OWN("http_4xx", RETRY, JOB, NO, "The request was refused without one of TikTok's codes, as by a proxy.",
            "Check TOKFLEET_TIKTOK_API_URL and any proxy or firewall on the way; it is tried again a few times."),
    OUR_OWN("http_5xx", LOOK_UP, JOB, MAYBE, "TikTok or something before it failed; TikTok may have acted.",
            "Look at the account whether the post is there, then resolve the job as published or as failed."),
    OUR_OWN("unknown_code", FAIL, JOB, NO, "TikTok refused the request with a code that is not known here.",
            "Read the code and message on the job and TikTok's documentation, correct the post, send a new job."),
    OUR_OWN("unknown_fail_reason", FAIL, JOB, NO, "TikTok failed the post for a reason that is not known here.",
            "Read the reason on the job and TikTok's documentation, then send a new job."),

    // ours: this side of the network
    OUR_OWN("busy", RETRY, FLEET, NO, "A bound of this program was reached, so nothing was sent.",
            "Nothing to do: it is tried again. Raise the bound or run more programs if it lasts."),
    OUR_OWN("gate_closed", RETRY, FLEET, NO, "Redis is being told what happened, so nothing was sent.",
            "Nothing to do: it goes on when the gate opens."),
    OUR_OWN("redis_unavailable", RETRY, FLEET, NO, "Redis did not take the step before the request, so nothing was sent.",
            "Nothing to do: it is tried again. Check Redis if it lasts."),
    OUR_OWN("kafka_unavailable", RETRY, FLEET, NO, "Kafka did not confirm the intent to send, so nothing was sent.",
            "Nothing to do: it is tried again. Check Kafka and the journal topic if it lasts."),
    OUR_OWN("lease_short", RETRY, JOB, NO, "Too little time was left to send safely, so nothing was sent.",
            "Nothing to do: it is tried again. If it happens often, raise TOKFLEET_LEASE_MS."),
    OUR_OWN("system_refused", RETRY, FLEET, NO, "This machine refused to act, so nothing was sent.",
            "Read the log of the program: memory, files or sockets may be short. It is tried again a few times."),
    OUR_OWN("wrong_setting", FAIL, FLEET, NO, "A setting does not let the request be made, so nothing was sent.",
            "Read the message on the job and correct the setting, then retry the job."),
    OUR_OWN("wrong_request", FAIL, JOB, NO, "The request could not be built from the job, so nothing was sent.",
            "Read the message on the job, correct the post and send it under a new job_id."),
    OUR_OWN("request_refused", FAIL, JOB, NO, "The request was refused before it left, so nothing was sent.",
            "Read the message on the job, correct its cause, then retry the job."),

    // ours: tokens and accounts
    OUR_OWN("sealed_token", PARK, ACCOUNT, NO, "The account's stored token cannot be opened with the keys at hand.",
            "Put the key that sealed it back into TOKFLEET_TOKEN_KEYS, or connect the account again."),
    OUR_OWN("no_token", PARK, ACCOUNT, NO, "The account has no token.", "Connect the account; its jobs wait until then."),
    OUR_OWN("account_unknown", FAIL, ACCOUNT, NO, "The job names an account that was not connected in time.",
            "Connect the account, or correct the name, and send the post under a new job_id."),
    OUR_OWN("account_full", FAIL, ACCOUNT, NO, "The account has as many waiting jobs as are allowed.",
            "Send fewer jobs at once for this account, or raise the bound; send the job again later."),

    // ours: the job
    OUR_OWN("bad_message", FAIL, JOB, NO, "The message is not a valid job.",
            "Read what is wrong on the job or in the dead letters, correct it and send it again."),
    OUR_OWN("other_content", FAIL, JOB, NO, "The job_id is known, and with other content.",
            "Send a changed post under a new job_id; the job that is known stays as it is."),
    OUR_OWN("command_unknown", FAIL, JOB, NO, "The message is a command that this version does not know.",
            "Check its spelling against the documentation, or update the programs."),
    OUR_OWN("fenced", RETRY, JOB, NO, "Its lease had passed to another before it was sent, so this attempt sent nothing.",
            "Nothing for this job: it is tried again. If it happens often, raise TOKFLEET_LEASE_MS."),
    OUR_OWN("message_unreadable", RETRY, JOB, NO,
            "This worker cannot read the stored message, though another one took it in.",
            "Run one version of the workers with one set of job settings; then it is tried again."),
    OUR_OWN("message_never_read", FAIL, JOB, NO,
            "No worker that had its turn could read the stored message, though one took it in.",
            "Run one version of the workers with one set of job settings, then send it again; the same job_id may be used."),
    OUR_OWN("upload_not_built", FAIL, JOB, NO, "The job asks for an upload, and uploads are not built yet.",
            "Leave transfer out or set it to \"pull\", with the media on a verified domain; send the job again."),
    OUR_OWN("privacy_not_offered", FAIL, JOB, NO, "The account does not offer the privacy_level that the job asks for.",
            "Choose one of the privacy options that the account offers and send the post under a new job_id."),
    OUR_OWN("scope_missing", FAIL, ACCOUNT, NO,
            "The account's owner did not grant the permission that this way of posting needs.",
            "Connect the account again and grant all permissions, then send the job again."),
    OUR_OWN("creator_info_failed", RETRY, ACCOUNT, NO,
            "TikTok did not tell what the account allows, so nothing was sent.",
            "Nothing to do: it is asked again; after TOKFLEET_CREATOR_TRIES failures in a row the post goes without."),
    OUR_OWN("creator_info_full", RETRY, ACCOUNT, NO,
            "TikTok was asked what the account allows as often as it lets within a minute, so nothing was sent.",
            "Nothing to do: it is asked again when the minute has room."),
    OUR_OWN("too_old", FAIL, JOB, NO, "The message is older than the memory of what was posted.",
            "Look at the account whether the post is there; if not, send it under a new job_id."),
    OUR_OWN("expired", FAIL, JOB, NO, "The job could not be sent before its expires_at.",
            "See on its timeline what it waited for; send it under a new job_id with more time."),
    OUR_OWN("cancelled", FAIL, JOB, NO, "The job was cancelled before it was sent.",
            "Nothing to do; send the post under a new job_id if it is wanted after all."),
    OUR_OWN("retries_exhausted", FAIL, JOB, NO, "The job failed in a way worth a retry as often as is allowed.",
            "See the cause of the last attempt on its timeline, correct it, then retry the job."),
    OUR_OWN("lease_ended", LOOK_UP, JOB, MAYBE,
            "The worker went away while it was sending; TikTok may have acted on the request.",
            "Look at the account whether the post is there, then resolve the job as published or as failed."),
    OUR_OWN("poll_horizon", LOOK_UP, JOB, MAYBE, "TikTok did not bring the post to an end in time.",
            "Look at the account whether the post is there, then resolve the job as published or as failed."),
    OUR_OWN("upload_url_expired", RETRY, JOB, NO, "The upload did not finish while its URL was valid (one hour).",
            "Nothing to do: it is tried again with a new URL. Check the speed of the media's host if it lasts."),
    OUR_OWN("unsure_failed", FAIL, JOB, MAYBE,
            "Nobody knows whether TikTok acted, and the job asks to be failed then (on_unsure).",
            "Look at the account whether the post is there before you send it again."),
    OUR_OWN("unsure_retried", LOOK_UP, JOB, MAYBE,
            "Nobody knows whether TikTok acted, and the job asks to be sent again then (on_unsure): it may be posted twice.",
            "Look at the account whether the post is there twice, and delete one."),
    OUR_OWN("resolved", FAIL, JOB, NO, "A person looked and decided that the post was not made.",
            "Nothing to do; retry the job if the post is still wanted."),
};
// clang-format on

static const struct outcome *find(enum said_in where, struct str code)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].where == where && str_is(code, rows[i].outcome.code))
            return &rows[i].outcome;
    return NULL;
}

static const struct outcome *own(const char *code)
{
    const struct outcome *outcome = find(OURS, str_of(code));
    assert(outcome);
    return outcome;
}

static const struct outcome *of_status(bool code_given, int http_status)
{
    if (http_status >= 500 && http_status <= 599)
        return own("http_5xx");
    if (http_status == 401)
        return own("http_401");
    if (http_status == 408)
        return own("http_408");
    if (http_status == 429)
        return own("http_429");
    if (http_status >= 400 && http_status <= 499)
        return own(code_given ? "unknown_code" : "http_4xx");
    if (http_status >= 300 && http_status <= 399)
        return own("http_3xx");
    return own(code_given ? "unknown_answer" : "broken_answer");
}

const struct outcome *outcome_of_code(struct str code, int http_status)
{
    const struct outcome *outcome = find(IN_ANSWER, code);
    bool                  is_2xx  = http_status >= 200 && http_status <= 299;
    if (!outcome)
        return of_status(code.len > 0, http_status);
    if (outcome->next == NEXT_OK &&
        !is_2xx)  // the two contradict each other: the code is as good as none
        return of_status(false, http_status);
    return outcome;
}

const struct outcome *outcome_of_fail_reason(struct str reason)
{
    const struct outcome *outcome = find(IN_REASON, reason);
    return outcome ? outcome : own("unknown_fail_reason");
}

const struct outcome *outcome_of_error(const struct error *err)
{
    switch (err->code) {
    case ERR_CONNECT:
        return own("no_connection");
    case ERR_TIMEOUT:
        return own("no_answer");
    case ERR_LOST:
        return own("connection_lost");
    case ERR_BROKEN:
        return own("broken_answer");
    case ERR_NOT_SENT:
        return own("not_sent");
    case ERR_FULL:
        return own("busy");
    case ERR_CLOSED:
        return own("gate_closed");
    case ERR_IO:
        return own("system_refused");
    case ERR_SETTING:
        return own("wrong_setting");
    case ERR_INPUT:
        return own("wrong_request");
    case ERR_SEALED:
        return own("sealed_token");
    case ERR_REFUSED:
        return own("request_refused");
    case ERR_COUNT:
        break;
    }
    assert(false && "a code of ERRORS");
    return own("broken_answer");
}

const struct outcome *outcome_named(const char *code)
{
    return outcome_recorded(str_of(code));
}

const struct outcome *outcome_recorded(struct str code)
{
    const enum said_in order[] = { OURS, IN_ANSWER, IN_REASON };
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        const struct outcome *outcome = find(order[i], code);
        if (outcome)
            return outcome;
    }
    return NULL;
}

const struct outcome *outcome_row(size_t i)
{
    return i < COUNT_OF(rows) ? &rows[i].outcome : NULL;
}

const char *outcome_code(size_t i)
{
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        const char *code = rows[row].outcome.code;
        size_t      same = 0;
        while (!str_is(str_of(code), rows[same].outcome.code))
            same++;
        if (same == row && i-- == 0)
            return code;
    }
    return NULL;
}

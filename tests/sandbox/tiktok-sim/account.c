// SPDX-License-Identifier: Apache-2.0
#include "account.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"
#include "sim.h"

#define REFRESH_TTL_S INT64_C(31536000)

// clang-format off
static const char *const scope_names[] = {
    "user.info.basic", "user.info.profile", "user.info.stats",
    "video.list", "video.upload", "video.publish",
};
static const char *const privacy_names[PRIVACY_KINDS] = {
    "PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY",
};
static const char *const limit_names[LIMIT_KINDS] = {
    "init", "creator_info", "status", "user_info", "video_list", "video_query",
    "day_posts", "drafts", "active_cap",
};
// clang-format on

const char *limit_kind_name(enum limit_kind kind)
{
    return limit_names[kind];
}

unsigned scope_bit(const char *name)
{
    for (unsigned i = 0; i < sizeof scope_names / sizeof scope_names[0]; i++)
        if (strcmp(scope_names[i], name) == 0)
            return 1u << i;
    return 0;
}

unsigned privacy_bit(const char *name)
{
    for (unsigned i = 0; i < PRIVACY_KINDS; i++)
        if (strcmp(privacy_names[i], name) == 0)
            return 1u << i;
    return 0;
}

const char *privacy_name(unsigned bit)
{
    for (unsigned i = 0; i < PRIVACY_KINDS; i++)
        if (bit == 1u << i)
            return privacy_names[i];
    return "";
}

cJSON *privacy_list(unsigned bits)
{
    cJSON *list = cJSON_CreateArray();
    for (unsigned i = 0; i < PRIVACY_KINDS; i++)
        if (bits & 1u << i)
            cJSON_AddItemToArray(list, cJSON_CreateString(privacy_names[i]));
    return list;
}

struct account *account_get(struct sim *sim, const char *open_id)
{
    return table_get(&sim->accounts.by_open_id, open_id);
}

struct account *account_new(struct sim *sim, const char *open_id)
{
    struct accounts *accounts = &sim->accounts;
    struct account  *account  = xcalloc(1, sizeof *account);
    size_t           number   = accounts->used + 1;
    char             tail[13];
    chance_text(&sim->chance, tail, sizeof tail - 1);
    if (open_id)
        text_copy(account->open_id, sizeof account->open_id, open_id);
    else
        snprintf(account->open_id, sizeof account->open_id, "-000sim%010zu_%s", number, tail);
    snprintf(account->alias, sizeof account->alias, "@sim%03zu", number);
    snprintf(account->username, sizeof account->username, "sim%03zu", number);
    snprintf(account->nickname, sizeof account->nickname, "Simulated Creator %zu", number);
    account->scopes          = SCOPE_ALL;
    account->privacy_options = PRIVACY_PUBLIC | PRIVACY_MUTUAL | PRIVACY_SELF_ONLY;
    account->audited         = !sim->options.unaudited;
    account->max_duration_s  = 600;
    account->day_cap         = -1;
    if (accounts->used == accounts->size) {
        accounts->size = accounts->size ? accounts->size * 2 : 64;
        accounts->all  = xrealloc(accounts->all, accounts->size * sizeof *accounts->all);
    }
    accounts->all[accounts->used++] = account;
    table_put(&accounts->by_open_id, account->open_id, account);
    account_issue(sim, account);
    return account;
}

void account_set_access(struct sim *sim, struct account *account, const char *text, int64_t ttl_s)
{
    struct token *token = table_get(&sim->accounts.by_access, text);
    if (!token) {
        token = xcalloc(1, sizeof *token);
        text_copy(token->text, sizeof token->text, text);
        table_put(&sim->accounts.by_access, token->text, token);
    }
    token->account    = account;
    token->grant      = account->grant;
    token->expires_ms = clock_now_ms() + ttl_s * 1000;
    text_copy(account->access_token, sizeof account->access_token, token->text);
}

struct refresh *refresh_get(struct sim *sim, const char *text)
{
    return table_get(&sim->accounts.by_refresh, text);
}

bool refresh_is_alive(const struct refresh *refresh)
{
    return refresh->grant == refresh->account->grant && refresh->expires_ms > clock_now_ms();
}

// The newest one becomes `text`; the one before stays good for grace_ms.
static void put_refresh(struct sim *sim, struct account *account, const char *text,
                        int64_t grace_ms)
{
    int64_t         now_ms = clock_now_ms();
    struct refresh *before = refresh_get(sim, account->refresh_token);
    struct refresh *it     = refresh_get(sim, text);
    if (before) {
        before->rotated    = true;
        before->expires_ms = grace_ms > 0 ? now_ms + grace_ms : 0;
    }
    if (!it) {
        it = xcalloc(1, sizeof *it);
        text_copy(it->text, sizeof it->text, text);
        table_put(&sim->accounts.by_refresh, it->text, it);
    }
    it->account    = account;
    it->grant      = account->grant;
    it->expires_ms = now_ms + REFRESH_TTL_S * 1000;
    it->rotated    = false;
    text_copy(account->refresh_token, sizeof account->refresh_token, it->text);
}

void account_set_refresh(struct sim *sim, struct account *account, const char *text)
{
    put_refresh(sim, account, text, 0);
}

static void issue_access(struct sim *sim, struct account *account)
{
    char text[64] = "act.";
    chance_text(&sim->chance, text + 4, 48);
    account_set_access(sim, account, text, sim->options.token_ttl_s);
}

static void issue_refresh(struct sim *sim, struct account *account, int64_t grace_ms)
{
    char text[64] = "rft.";
    chance_text(&sim->chance, text + 4, 48);
    put_refresh(sim, account, text, grace_ms);
}

void account_issue(struct sim *sim, struct account *account)
{
    issue_access(sim, account);
    issue_refresh(sim, account, 0);
}

// Every token of the grant before dies; what is good of it goes on under the new one.
static void end_access(struct sim *sim, struct account *account)
{
    const char *key;
    void       *value;
    account->grant++;
    for (size_t at = 0; table_next(&sim->accounts.by_refresh, &at, &key, &value);) {
        struct refresh *refresh = value;
        if (refresh->account == account && refresh->grant + 1 == account->grant)
            refresh->grant = account->grant;
    }
}

void account_refresh(struct sim *sim, struct account *account)
{
    account->refreshes++;
    if (sim->options.refresh_ends_access)
        end_access(sim, account);
    issue_access(sim, account);
    if (!sim->options.refresh_keeps)
        issue_refresh(sim, account, sim->options.refresh_grace_ms);
}

void account_revoke(struct account *account)
{
    account->grant++;
}

struct account *account_by_access(struct sim *sim, const char *text)
{
    struct token *token = table_get(&sim->accounts.by_access, text);
    if (!token || token->grant != token->account->grant || token->expires_ms <= clock_now_ms())
        return NULL;
    return token->account;
}

struct account *account_by_refresh(struct sim *sim, const char *text)
{
    const struct refresh *refresh = refresh_get(sim, text);
    return refresh && refresh_is_alive(refresh) ? refresh->account : NULL;
}

char *scope_list(unsigned scopes)
{
    char   list[160] = "";
    size_t used      = 0;
    for (unsigned i = 0; i < sizeof scope_names / sizeof scope_names[0]; i++)
        if (scopes & 1u << i)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? "," : "",
                                     scope_names[i]);
    return xstrdup(list);
}

cJSON *account_token_answer(struct sim *sim, const struct account *account)
{
    char  *scope  = scope_list(account->scopes);
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "access_token", account->access_token);
    cJSON_AddNumberToObject(answer, "expires_in", (double)sim->options.token_ttl_s);
    cJSON_AddStringToObject(answer, "open_id", account->open_id);
    cJSON_AddNumberToObject(answer, "refresh_expires_in", (double)REFRESH_TTL_S);
    cJSON_AddStringToObject(answer, "refresh_token", account->refresh_token);
    cJSON_AddStringToObject(answer, "scope", scope);
    cJSON_AddStringToObject(answer, "token_type", "Bearer");
    free(scope);
    return answer;
}

static void active_unlink(struct accounts *accounts, struct account *account)
{
    *(account->active_prev ? &account->active_prev->active_next : &accounts->active_first) =
        account->active_next;
    *(account->active_next ? &account->active_next->active_prev : &accounts->active_last) =
        account->active_prev;
    account->active_prev = account->active_next = NULL;
    account->is_active                          = false;
    accounts->active_count--;
}

bool account_may_be_active(struct sim *sim, struct account *account)
{
    struct accounts *accounts = &sim->accounts;
    int64_t          since_ms = clock_now_ms() - sim->options.day_ms;
    while (accounts->active_first && accounts->active_first->last_post_ms <= since_ms)
        active_unlink(accounts, accounts->active_first);
    return !sim->options.active_cap || account->is_active ||
           accounts->active_count < sim->options.active_cap;
}

void account_touch_active(struct sim *sim, struct account *account)
{
    struct accounts *accounts = &sim->accounts;
    if (account->is_active)
        active_unlink(accounts, account);
    account->last_post_ms = clock_now_ms();
    account->is_active    = true;
    account->active_prev  = accounts->active_last;
    *(accounts->active_last ? &accounts->active_last->active_next : &accounts->active_first) =
        account;
    accounts->active_last = account;
    accounts->active_count++;
}

bool accounts_write_file(struct sim *sim, const char *path)
{
    int   fd   = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return false;
    bool ok = fchmod(fd, 0600) == 0;
    for (size_t i = 0; i < sim->accounts.used; i++) {
        cJSON *line = account_token_answer(sim, sim->accounts.all[i]);
        cJSON_AddStringToObject(line, "alias", sim->accounts.all[i]->alias);
        char *text = cJSON_PrintUnformatted(line);
        ok         = text && fprintf(file, "%s\n", text) > 0 && ok;
        cJSON_free(text);
        cJSON_Delete(line);
    }
    return fclose(file) == 0 && ok;
}

void accounts_fini(struct sim *sim)
{
    struct accounts *accounts = &sim->accounts;
    const char      *key;
    void            *token;
    for (size_t at = 0; table_next(&accounts->by_access, &at, &key, &token);)
        free(token);
    for (size_t at = 0; table_next(&accounts->by_refresh, &at, &key, &token);)
        free(token);
    for (size_t i = 0; i < accounts->used; i++) {
        for (size_t k = 0; k < LIMIT_KINDS; k++)
            slide_fini(&accounts->all[i]->logs[k]);
        free(accounts->all[i]->posts);
        free(accounts->all[i]);
    }
    free(accounts->all);
    table_fini(&accounts->by_open_id);
    table_fini(&accounts->by_access);
    table_fini(&accounts->by_refresh);
}

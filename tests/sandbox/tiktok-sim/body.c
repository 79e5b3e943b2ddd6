// SPDX-License-Identifier: Apache-2.0
#include "body.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "sim.h"
#include "text.h"

#define VIDEO_BYTES_MAX INT64_C(4294967296)
// A MB may be 10^6 or 2^20; only what is right in both readings is taken.
#define SMALL_BYTES INT64_C(5242880)
#define CHUNK_BYTES_MIN INT64_C(5242880)
#define CHUNK_BYTES_MAX INT64_C(64000000)
#define CHUNKS_MAX 1000

enum kind { KIND_STRING, KIND_BOOL, KIND_INT };

struct field {
    const char *name;   // in post_info
    enum kind   kind;   // JSON type
    unsigned    known;  // modes that use it
    unsigned    drops;  // modes that drop it silently
};

static const struct field fields[] = {
    { "title", KIND_STRING, MODE_DIRECT | MODE_DRAFT, 0 },
    { "description", KIND_STRING, MODE_PHOTOS, 0 },
    { "privacy_level", KIND_STRING, MODE_DIRECT, MODE_PHOTO_DRAFT },
    { "disable_duet", KIND_BOOL, MODE_VIDEO, 0 },
    { "disable_stitch", KIND_BOOL, MODE_VIDEO, 0 },
    { "disable_comment", KIND_BOOL, MODE_DIRECT, MODE_PHOTO_DRAFT },
    { "auto_add_music", KIND_BOOL, MODE_PHOTO, MODE_PHOTO_DRAFT },
    { "video_cover_timestamp_ms", KIND_INT, MODE_VIDEO, 0 },
    { "brand_content_toggle", KIND_BOOL, MODE_DIRECT, MODE_PHOTO_DRAFT },
    { "brand_organic_toggle", KIND_BOOL, MODE_DIRECT, MODE_PHOTO_DRAFT },
    { "is_aigc", KIND_BOOL, MODE_VIDEO, 0 },
};

static bool bad(struct call *call, const char *message)
{
    return call_answer_error(call, 400, "invalid_params", "%s", message);
}

static bool is_int(const cJSON *item)
{
    return cJSON_IsNumber(item) && trunc(item->valuedouble) == item->valuedouble &&
           fabs(item->valuedouble) < 9007199254740992.0;
}

static bool is_kind(const cJSON *item, enum kind kind)
{
    return kind == KIND_STRING ? cJSON_IsString(item)
           : kind == KIND_BOOL ? cJSON_IsBool(item)
                               : is_int(item) && fabs(item->valuedouble) <= 2147483647.0;
}

static void note(cJSON *list, const char *where, const char *name)
{
    char text[96];
    snprintf(text, sizeof text, "%s%s", where, name);
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

// Every name in the object must be among the names, a list ended by NULL.
static void note_unknown(struct post *post, const cJSON *object, const char *where,
                         const char *const *names)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        int i = 0;
        while (names[i] && strcmp(names[i], item->string) != 0)
            i++;
        if (!names[i])
            note(post->unknown, where, item->string);
    }
}

static bool check_units(struct call *call, const char *name, const char *text, size_t max)
{
    size_t units;
    if (!text_utf16_units(text, &units))
        return call_answer_error(call, 400, "invalid_params", "The %s is not valid UTF-8", name);
    if (units > max)
        return call_answer_error(call, 400, "invalid_params",
                                 "The %s is longer than %zu UTF-16 units", name, max);
    return true;
}

static bool read_info_field(struct call *call, struct post *post, const cJSON *item)
{
    const struct field *field = NULL;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !field; i++)
        if (strcmp(fields[i].name, item->string) == 0)
            field = &fields[i];
    if (!field || !((field->known | field->drops) & post->mode)) {
        bool drops = post->mode == MODE_VIDEO_DRAFT;
        note(drops ? post->dropped : post->unknown, "", item->string);
        return true;
    }
    if (field->drops & post->mode) {
        note(post->dropped, "", item->string);
        return true;
    }
    if (!is_kind(item, field->kind))
        return call_answer_error(call, 400, "invalid_params", "The field %s has a wrong type",
                                 field->name);
    if (strcmp(field->name, "title") == 0) {
        post->title = item->valuestring;
        return check_units(call, "title", post->title, post->mode & MODE_PHOTOS ? 90 : 2200);
    }
    if (strcmp(field->name, "description") == 0) {
        post->description = item->valuestring;
        return check_units(call, "description", post->description, 4000);
    }
    return true;
}

static bool check_direct(struct call *call, struct post *post)
{
    const cJSON *privacy = cJSON_GetObjectItemCaseSensitive(post->info, "privacy_level");
    const cJSON *brand   = cJSON_GetObjectItemCaseSensitive(post->info, "brand_content_toggle");
    const cJSON *organic = cJSON_GetObjectItemCaseSensitive(post->info, "brand_organic_toggle");
    if (!privacy)
        return bad(call, "The request post info is empty or incorrect");
    if (!brand || !organic)
        return bad(call, "brand_content_toggle and brand_organic_toggle are required");
    post->privacy = privacy_bit(privacy->valuestring);
    if (cJSON_IsTrue(brand) && post->privacy == PRIVACY_SELF_ONLY)
        return bad(call, "Branded content cannot be private");
    return true;
}

static bool read_info(struct call *call, struct post *post)
{
    post->info = cJSON_GetObjectItemCaseSensitive(post->root, "post_info");
    if (!post->info && post->mode == MODE_VIDEO_DRAFT)
        return true;
    if (!cJSON_IsObject(post->info))
        return bad(call, "The request post info is empty or incorrect");
    const cJSON *item;
    cJSON_ArrayForEach(item, post->info)
    {
        if (!read_info_field(call, post, item))
            return false;
    }
    return !(post->mode & MODE_DIRECT) || check_direct(call, post);
}

static bool read_size(const cJSON *source, const char *name, int64_t *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(source, name);
    if (!is_int(item) || item->valuedouble < 1)
        return false;
    *value = (int64_t)item->valuedouble;
    return true;
}

static bool check_chunks(struct call *call, const struct post *post)
{
    int64_t size = post->video_size, chunk = post->chunk_size;
    if (size > VIDEO_BYTES_MAX)
        return bad(call, "The video size is invalid");
    if (chunk > size || chunk > CHUNK_BYTES_MAX)
        return bad(call, "The chunk size is invalid");
    if (chunk < CHUNK_BYTES_MIN && !(size < SMALL_BYTES && chunk == size))
        return bad(call, "The chunk size is invalid");
    if (size > CHUNK_BYTES_MAX && size / chunk < 2)
        return bad(call, "The chunk size is invalid");
    if (post->chunk_count != size / chunk || post->chunk_count > CHUNKS_MAX)
        return bad(call, "The total chunk count is invalid");
    return true;
}

static bool read_upload(struct call *call, struct post *post, const cJSON *source)
{
    static const char *const names[] = { "source", "video_size", "chunk_size", "total_chunk_count",
                                         NULL };
    note_unknown(post, source, "source_info.", names);
    post->is_upload = true;
    if (!read_size(source, "video_size", &post->video_size))
        return bad(call, "The video size is invalid");
    if (!read_size(source, "chunk_size", &post->chunk_size))
        return bad(call, "The chunk size is invalid");
    if (!read_size(source, "total_chunk_count", &post->chunk_count))
        return bad(call, "The total chunk count is invalid");
    return check_chunks(call, post);
}

static bool add_url(struct call *call, struct post *post, const cJSON *item)
{
    if (!cJSON_IsString(item) || post->url_count == MEDIA_MAX)
        return bad(call, "The media URL list is invalid");
    const char *url = item->valuestring;
    size_t      units;
    if (!text_utf16_units(url, &units))
        return bad(call, "The media URL is not valid UTF-8");
    switch (url_check(url, call->sim->options.verified)) {
    case URL_BAD:
        return bad(call, "The media URL must be https with a host name and without user info");
    case URL_UNVERIFIED:
        return call_answer_error(call, 403, "url_ownership_unverified",
                                 "Please review our URL ownership verification rules");
    case URL_FINE:
        break;
    }
    post->urls[post->url_count++] = url;
    url_add_marks(url, &post->marks);
    return true;
}

static bool read_pull(struct call *call, struct post *post, const cJSON *source)
{
    static const char *const names[] = { "source", "video_url", NULL };
    note_unknown(post, source, "source_info.", names);
    return add_url(call, post, cJSON_GetObjectItemCaseSensitive(source, "video_url"));
}

static bool read_photos(struct call *call, struct post *post, const cJSON *source)
{
    static const char *const names[] = { "source", "photo_images", "photo_cover_index", NULL };
    note_unknown(post, source, "source_info.", names);
    const cJSON *images = cJSON_GetObjectItemCaseSensitive(source, "photo_images");
    const cJSON *cover  = cJSON_GetObjectItemCaseSensitive(source, "photo_cover_index");
    int          count  = cJSON_IsArray(images) ? cJSON_GetArraySize(images) : 0;
    if (count < 1 || count > MEDIA_MAX)
        return bad(call, "photo_images must have 1 to 35 URLs");
    if (!is_int(cover) || cover->valuedouble < 0 || cover->valuedouble >= count)
        return bad(call, "photo_cover_index is missing or out of range");
    post->cover_index = (int64_t)cover->valuedouble;
    const cJSON *item;
    cJSON_ArrayForEach(item, images)
    {
        if (!add_url(call, post, item))
            return false;
    }
    return true;
}

static bool read_source(struct call *call, struct post *post)
{
    const cJSON *source = cJSON_GetObjectItemCaseSensitive(post->root, "source_info");
    const cJSON *kind   = cJSON_GetObjectItemCaseSensitive(source, "source");
    if (!cJSON_IsObject(source) || !cJSON_IsString(kind))
        return bad(call, "The request source info is empty or incorrect");
    bool pull   = strcmp(kind->valuestring, "PULL_FROM_URL") == 0;
    bool upload = strcmp(kind->valuestring, "FILE_UPLOAD") == 0;
    if (!pull && (!upload || (post->mode & MODE_PHOTOS)))
        return bad(call, "The source is invalid");
    if (post->mode & MODE_PHOTOS)
        return read_photos(call, post, source);
    return upload ? read_upload(call, post, source) : read_pull(call, post, source);
}

static bool read_photo_mode(struct call *call, struct post *post)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(post->root, "media_type");
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(post->root, "post_mode");
    const cJSON *aigc = cJSON_GetObjectItemCaseSensitive(post->root, "is_aigc");
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "PHOTO") != 0)
        return bad(call, "media_type must be PHOTO");
    if (aigc && !cJSON_IsBool(aigc))
        return bad(call, "The field is_aigc has a wrong type");
    if (cJSON_IsString(mode) && strcmp(mode->valuestring, "DIRECT_POST") == 0)
        post->mode = MODE_PHOTO;
    else if (cJSON_IsString(mode) && strcmp(mode->valuestring, "MEDIA_UPLOAD") == 0)
        post->mode = MODE_PHOTO_DRAFT;
    else
        return bad(call, "post_mode must be DIRECT_POST or MEDIA_UPLOAD");
    return call_check_scopes(call, post->mode == MODE_PHOTO ? SCOPE_PUBLISH : SCOPE_UPLOAD);
}

static bool read_top(struct call *call, struct post *post)
{
    static const char *const video[] = { "post_info", "source_info", NULL };
    static const char *const photo[] = { "post_info", "source_info", "media_type",
                                         "post_mode", "is_aigc",     NULL };
    if (call->endpoint == END_CONTENT_INIT && !read_photo_mode(call, post))
        return false;
    note_unknown(post, post->root, "/", call->endpoint == END_CONTENT_INIT ? photo : video);
    return true;
}

bool body_read(struct call *call, struct post *post)
{
    *post =
        (struct post){ .mode = call->endpoint == END_VIDEO_INIT ? MODE_VIDEO : MODE_VIDEO_DRAFT };
    post->marks.slow_ms = -1;
    post->unknown       = cJSON_CreateArray();
    post->dropped       = cJSON_CreateArray();
    if (!call_check_json(call, &post->root) || !read_top(call, post) || !read_info(call, post) ||
        !read_source(call, post))
        return false;
    struct ledger *ledger = &call->sim->ledger;
    ledger->unknown_fields += cJSON_GetArraySize(post->unknown);
    ledger->dropped_fields += cJSON_GetArraySize(post->dropped);
    if (post->unknown->child && !call->sim->options.lenient)
        return call_answer_error(call, 400, "invalid_params",
                                 "The field %s is not known to this endpoint",
                                 post->unknown->child->valuestring);
    return true;
}

void body_fini(struct post *post)
{
    cJSON_Delete(post->root);
    cJSON_Delete(post->unknown);
    cJSON_Delete(post->dropped);
}

// SPDX-License-Identifier: Apache-2.0
#include "job/job_read.h"

static bool read_flag(struct post *post, const struct json *settings, enum post_field which,
                      bool *out, struct error *err)
{
    struct field field = field_of(settings, "settings.", post_field_text(which));
    post->given[which] = field.value != NULL;
    return field_bool(&field, out, err);
}

static bool read_flags(struct post *post, const struct json *settings, struct error *err)
{
    return read_flag(post, settings, FIELD_DUET, &post->duet, err) &&
           read_flag(post, settings, FIELD_COMMENT, &post->comment, err) &&
           read_flag(post, settings, FIELD_STITCH, &post->stitch, err) &&
           read_flag(post, settings, FIELD_AI, &post->ai, err) &&
           read_flag(post, settings, FIELD_BRAND_CONTENT, &post->brand_content, err) &&
           read_flag(post, settings, FIELD_BRAND_ORGANIC, &post->brand_organic, err);
}

// "yes" and "no" are the source's words; a plain boolean is understood, too.
static bool read_auto_music(struct post *post, const struct json *settings, struct error *err)
{
    struct field field = field_of(settings, "settings.", post_field_text(FIELD_AUTO_MUSIC));
    post->given[FIELD_AUTO_MUSIC] = field.value != NULL;
    post->auto_music              = json_bool(field.value, str_is(json_text(field.value), "yes"));
    bool is_word = str_is(json_text(field.value), "yes") || str_is(json_text(field.value), "no");
    if (field.value && !is_word && !json_is_bool(field.value))
        return field_bad(&field, "\"yes\" or \"no\"", err);
    return true;
}

static bool read_mode(struct post *post, const struct json *settings, struct error *err)
{
    struct field field = field_of(settings, "settings.", "content_posting_method");
    int          mode  = 0;
    if (!field_choice(&field, "DIRECT_POST|UPLOAD", &mode, err))
        return false;
    post->mode = mode == 1 ? POST_DRAFT : POST_DIRECT;
    return true;
}

static bool read_privacy(struct job *job, const struct json *settings, struct error *err)
{
    struct field field             = field_of(settings, "settings.", "privacy_level");
    job->post.given[FIELD_PRIVACY] = field.value != NULL;
    return field_text(&field, &job->arena, &job->post.privacy_level, err);
}

// A text of the post may stand at the top or, by the source's name for it, in the settings; "" says
// nothing.
static bool read_text(struct job *job, const struct field *top, const struct field *below,
                      enum post_field which, struct str *out, struct error *err)
{
    struct str other = { "", 0 };
    if (!field_text(top, &job->arena, out, err) || !field_text(below, &job->arena, &other, err))
        return false;
    if (out->len && other.len && !str_eq(*out, other))
        return error_set(err, ERR_INPUT, "%s: it differs from %s; give one of the two", top->name,
                         below->name);
    if (!out->len)
        *out = other;
    job->post.given[which] = top->value || below->value;
    return true;
}

bool job_read_settings(struct job *job, const struct json *root, struct error *err)
{
    struct post *post     = &job->post;
    struct field settings = field_of(root, "", "settings");
    struct field title    = field_of(root, "", "title");
    struct field caption  = field_of(root, "", "caption");
    if (settings.value && !json_is_object(settings.value))
        return field_bad(&settings, "an object", err);
    struct field title_below   = field_of(settings.value, "settings.", "title");
    struct field caption_below = field_of(settings.value, "settings.", "description");
    return read_mode(post, settings.value, err) && read_privacy(job, settings.value, err) &&
           read_flags(post, settings.value, err) && read_auto_music(post, settings.value, err) &&
           read_text(job, &title, &title_below, FIELD_TITLE, &post->title, err) &&
           read_text(job, &caption, &caption_below, FIELD_CAPTION, &post->caption, err);
}

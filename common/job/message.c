// SPDX-License-Identifier: Apache-2.0
#include "job/message.h"

void ingest_args_of_job(const struct job *job, struct str message, struct ingest_args *args)
{
    static const char *const unsure[] = { "hold", "retry", "fail" };
    const struct post       *post     = &job->post;
    args->job_id                      = job->id;
    args->account                     = job->account;
    args->hash                        = str_of(job->hash);
    args->message                     = message;
    args->kind                        = post->mode == POST_DRAFT ? STR("draft") : STR("direct");
    args->media                       = post->media == MEDIA_PHOTOS ? STR("photos") : STR("video");
    args->privacy                     = post->privacy_level;
    args->due                         = job->publish_at_ms;
    args->expires                     = job->expires_at_ms;
    args->priority                    = job->priority;
    args->on_unsure                   = str_of(unsure[job->on_unsure]);
    args->metadata                    = job->metadata;
    args->warnings                    = buf_str(&job->warnings);
}

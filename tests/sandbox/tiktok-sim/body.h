// SPDX-License-Identifier: Apache-2.0
/* body: the strict reading of an init's JSON. */
#ifndef SIM_BODY_H
#define SIM_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "url.h"

struct call;
struct cJSON;

#define MEDIA_MAX 35

enum mode {
    MODE_VIDEO       = 1 << 0,  // direct video
    MODE_VIDEO_DRAFT = 1 << 1,
    MODE_PHOTO       = 1 << 2,  // direct photos
    MODE_PHOTO_DRAFT = 1 << 3,
    MODE_DIRECT      = MODE_VIDEO | MODE_PHOTO,
    MODE_DRAFT       = MODE_VIDEO_DRAFT | MODE_PHOTO_DRAFT,
    MODE_PHOTOS      = MODE_PHOTO | MODE_PHOTO_DRAFT,
};

struct post {
    struct cJSON    *root;             // owned
    enum mode        mode;             // what is asked for
    struct cJSON    *info;             // borrowed post_info; NULL when absent (video drafts)
    const char      *title;            // borrowed; NULL when absent
    const char      *description;      // borrowed; NULL when absent
    unsigned         privacy;          // PRIVACY_ bit; 0 for drafts
    bool             is_upload;        // FILE_UPLOAD
    int64_t          video_size;       // bytes, FILE_UPLOAD only
    int64_t          chunk_size;       // bytes, FILE_UPLOAD only
    int64_t          chunk_count;      // FILE_UPLOAD only
    const char      *urls[MEDIA_MAX];  // borrowed
    int              url_count;        // of urls
    int64_t          cover_index;      // photos only
    struct url_marks marks;            // of all URLs
    struct cJSON    *unknown;          // owned list of names that this endpoint does not know
    struct cJSON    *dropped;          // owned list of names silently dropped
};

// False: an error is answered. post must be finished in both cases.
bool body_read(struct call *call, struct post *post);
void body_fini(struct post *post);

#endif

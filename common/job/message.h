// SPDX-License-Identifier: Apache-2.0
/* A decoded message as the arguments of the script `ingest`. */
#pragma once

#include "job/job.h"
#include "job/store.h"

// fills what comes from the job itself; texts are borrowed from it and from message
void ingest_args_of_job(const struct job *job, struct str message, struct ingest_args *args);

// SPDX-License-Identifier: Apache-2.0
/* "The same content": a hash of a job's decoded fields in a fixed order. Texts go in with their
 * length, so that nothing can be moved from one field to the next. The fleet's privacy default is
 * not part of it: a setting that changes must not make another job of a message that is read again.
 */
#pragma once

#include "job/job.h"

void job_hash(struct job *job);  // before the default is filled in

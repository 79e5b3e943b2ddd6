// SPDX-License-Identifier: Apache-2.0
// libfaketime moves the clock that C11's cnd_timedwait() is given a time of, and does not know
// that function itself: with a clock that is ahead librdkafka would wait for that long. It does
// know the one of POSIX, which glibc's C11 is made of.
#include <errno.h>
#include <pthread.h>
#include <threads.h>

int cnd_timedwait(cnd_t *restrict cnd, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    int code = pthread_cond_timedwait((pthread_cond_t *)cnd, (pthread_mutex_t *)mutex, until);
    return code == 0 ? thrd_success : code == ETIMEDOUT ? thrd_timedout : thrd_error;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_error.h"

#include <stdarg.h>
#include <stdio.h>

bool sim_error_set(struct sim_error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool words_cut(struct words *words, char *line, struct sim_error *err)
{
    static const char blanks[] = " \t\r";

    words->count = 0;
    for (char *p = line + strspn(line, blanks); *p; p += strspn(p, blanks)) {
        if (words->count == WORDS_MAX)
            return sim_error_set(err, "more than %d words", WORDS_MAX);
        words->at[words->count++] = p;
        p += strcspn(p, blanks);
        if (*p)
            *p++ = '\0';
    }
    return true;
}

bool words_number(const char *word, long low, long high, const char *what, long *out,
                  struct sim_error *err)
{
    char *end = NULL;

    errno      = 0;
    long value = strtol(word, &end, 10);
    if (errno || end == word || *end || value < low || value > high)
        return sim_error_set(err, "%s: '%.64s' is not a number from %ld to %ld", what, word, low,
                             high);
    *out = value;
    return true;
}

char *words_after_colon(char *word)
{
    char *colon = strrchr(word, ':');

    if (!colon)
        return NULL;
    *colon = '\0';
    return colon + 1;
}

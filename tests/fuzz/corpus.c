// SPDX-License-Identifier: Apache-2.0
/* Runs files through the targets once, without a fuzzer: what was found stays found.
 *
 *     fuzz_corpus FOLDER      its sub-folders by the names of the targets; every target must have one
 *     fuzz_corpus TARGET FILE...  */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz.h"

enum { FILE_MAX_BYTES = 64 * 1024 };

static struct fuzz_target *targets;  // the last registered first

void fuzz_register(struct fuzz_target *target)
{
    target->next = targets;
    targets      = target;
}

static struct fuzz_target *target_named(const char *name)
{
    struct fuzz_target *target = targets;
    while (target && strcmp(target->name, name) != 0)
        target = target->next;
    return target;
}

// In memory of just its size, so that a sanitizer sees who reads beyond it.
static bool run_file(const struct fuzz_target *target, const char *path)
{
    FILE  *file  = fopen(path, "rb");
    char  *bytes = xmalloc(FILE_MAX_BYTES);
    size_t len   = file ? fread(bytes, 1, FILE_MAX_BYTES, file) : 0;
    bool   ok    = file && !ferror(file) && feof(file);
    if (file)
        fclose(file);
    if (!ok)
        fprintf(stderr, "fuzz_corpus: %s: cannot be read, or longer than %d bytes\n", path,
                FILE_MAX_BYTES);
    char *exact = ok && len ? memcpy(xmalloc(len), bytes, len) : NULL;
    free(bytes);
    // stays on the screen when the target aborts
    fprintf(stderr, "%s\n", path);
    if (ok)
        target->run((struct str){ exact, len });
    free(exact);
    return ok;
}

static bool run_folder(const struct fuzz_target *target, const char *folder)
{
    char            path[4096];
    struct dirent **entries = NULL;
    bool            ok      = true;
    int             ran     = 0;
    snprintf(path, sizeof path, "%s/%s", folder, target->name);
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", folder, target->name, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            ok = run_file(target, path) && ok;
            ran++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%s: %d files\n", target->name, ran);
    if (!ran)
        fprintf(stderr, "fuzz_corpus: %s has no files in %s\n", target->name, folder);
    return ok && ran > 0;
}

int main(int argc, char **argv)
{
    bool ok = true;
    if (argc < 2) {
        fprintf(stderr, "usage: fuzz_corpus FOLDER | TARGET FILE...\n");
        return 2;
    }
    if (argc > 2 && !target_named(argv[1])) {
        fprintf(stderr, "fuzz_corpus: there is no target %s\n", argv[1]);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        ok = run_file(target_named(argv[1]), argv[i]) && ok;
    for (struct fuzz_target *target = argc == 2 ? targets : NULL; target; target = target->next)
        ok = run_folder(target, argv[1]) && ok;
    return ok ? 0 : 1;
}

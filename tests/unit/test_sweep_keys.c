// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_poller
#include "unit.h"

#include <stdio.h>

#include "poller/sweep_keys.h"

static void add(struct sweep_keys *keys, int key, int job)
{
    char key_text[24], job_text[24];
    snprintf(key_text, sizeof key_text, "key-%d", key);
    snprintf(job_text, sizeof job_text, "job-%d", job);
    sweep_keys_add(keys, str_of(key_text), str_of(job_text));
}

static bool has(const struct sweep_keys *keys, int job)
{
    char job_text[24];
    snprintf(job_text, sizeof job_text, "job-%d", job);
    return sweep_keys_has(keys, str_of(job_text));
}

TEST(a_job_is_there_as_long_as_one_of_its_keys)
{
    struct sweep_keys keys;
    sweep_keys_init(&keys, 10, 0, 0);
    add(&keys, 1, 7);
    add(&keys, 2, 7);
    add(&keys, 3, 8);
    add(&keys, 3, 8);
    assert_int_equal(keys.count, 3);
    sweep_keys_drop(&keys, STR("key-1"));
    sweep_keys_drop(&keys, STR("key-3"));
    sweep_keys_drop(&keys, STR("key-9"));
    sweep_keys_close(&keys);
    assert_true(has(&keys, 7));
    assert_false(has(&keys, 8));
    sweep_keys_fini(&keys);
}

// every job is in one of the readings, whole, and none holds more than it may
static void assert_all_parts(int jobs, size_t max)
{
    uint64_t mask        = 0;
    char     found[5000] = { 0 };
    for (uint64_t part = 0; part <= mask; part++) {
        struct sweep_keys keys;
        sweep_keys_init(&keys, max, mask, part);
        for (int i = 0; i < jobs * 2; i++)
            add(&keys, i, i % jobs);
        sweep_keys_close(&keys);
        assert_true(keys.count <= max);
        for (int i = 0; i < jobs; i++)
            found[i] = (char)(found[i] | has(&keys, i));
        mask = keys.mask;
        sweep_keys_fini(&keys);
    }
    for (int i = 0; i < jobs; i++)
        if (!found[i])
            fail_msg("job %d of %d is in no part of %zu", i, jobs, max);
}

TEST(what_does_not_fit_comes_in_another_part)
{
    assert_all_parts(100, 1000);
    assert_all_parts(1000, 100);
    assert_all_parts(5000, 64);
    assert_all_parts(0, 10);
}

TEST(what_has_its_tombstone_takes_no_room)
{
    struct sweep_keys keys;
    char              key[24];
    sweep_keys_init(&keys, 10, 0, 0);
    for (int i = 0; i < 1000; i++) {
        add(&keys, i, i);
        snprintf(key, sizeof key, "key-%d", i);
        if (i != 500)
            sweep_keys_drop(&keys, str_of(key));
    }
    sweep_keys_close(&keys);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.mask, 0);
    assert_true(has(&keys, 500));
    sweep_keys_fini(&keys);
}

// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_job
#include "job/config.h"

#include <string.h>

#include "base/memory.h"
#include "unit.h"

static bool reads(const char *variable, struct error *err)
{
    struct config config;
    char          text[128];
    char *const   environment[] = { text, NULL };
    snprintf(text, sizeof text, "%s", variable);
    bool ok = config_read(environment, &config, err);
    if (ok)
        config_free(&config);
    return ok;
}

TEST(a_fleet_has_a_name_that_topics_and_keys_can_have)
{
    struct error err;
    assert_true(reads("TOKFLEET_FLEET=Brand-2.de_x", &err));
    const char *const names[] = { "a b", "a{b}", "a/b", "*", "caf\xc3\xa9", "a:b" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char variable[128];
        snprintf(variable, sizeof variable, "TOKFLEET_FLEET=%s", names[i]);
        assert_false(reads(variable, &err));
        assert_int_equal(err.code, ERR_SETTING);
        assert_non_null(strstr(err.message, "TOKFLEET_FLEET="));
    }
}

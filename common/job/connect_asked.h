// SPDX-License-Identifier: Apache-2.0
/* What connect.c and connect_finish.c share: what was asked for, as Redis keeps it meanwhile.
 * Sealed, since the verifier is as good as the code, and bound to its state. */
#pragma once

#include "job/connect.h"

struct connector {
    struct connector_parts parts;
};

struct asked {
    struct str verifier;  // secret; "" without PKCE
    struct str redirect_uri;
    struct str alias;  // "" for none
    struct str scopes;
};

bool asked_seal(const struct connector *connector, struct str state, const struct asked *asked,
                struct buf *sealed, struct error *err) MUST_CHECK;
// texts live in the arena, which is to be wiped
bool asked_unseal(const struct connector *connector, struct str state, struct str sealed,
                  struct arena *arena, struct asked *asked, struct error *err) MUST_CHECK;

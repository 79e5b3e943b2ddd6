// SPDX-License-Identifier: Apache-2.0
/* text: UTF-8 and number helpers. */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// UTF-16 units of a UTF-8 text: 1 below U+10000, 2 above. False when it is not valid UTF-8.
bool text_utf16_units(const char *s, size_t *units);

// The bytes of the longest start of a valid UTF-8 text that has at most `units` UTF-16 units.
size_t text_fit_units(const char *s, size_t units);

// Decimal digits only, the whole text, 0 to 10^18.
bool text_to_number(const char *s, int64_t *value);

#endif

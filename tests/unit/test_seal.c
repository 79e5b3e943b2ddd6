// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_io
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/seal.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="

static struct seal *seal_of(const char *keys)
{
    struct error err;
    struct seal *seal = seal_new(keys, &err);
    if (!seal)
        fail_msg("%s", err.message);
    return seal;
}

static void close_text(const struct seal *seal, struct str context, struct str text,
                       struct buf *sealed)
{
    struct error err;
    buf_init(sealed, 1000);
    assert_true(seal_close(seal, context, text, sealed, &err));
}

static bool opens(const struct seal *seal, struct str context, struct str sealed,
                  const char *wanted)
{
    struct error err;
    struct buf   text;
    buf_init(&text, 1000);
    bool ok = seal_open(seal, context, sealed, &text, &err);
    if (ok)
        assert_string_equal(buf_text(&text), wanted);
    else
        assert_int_equal(err.code, ERR_SEALED);
    assert_true(ok || text.len == 0);
    buf_wipe(&text);
    return ok;
}

TEST(a_sealed_text_opens_under_its_context_only)
{
    struct seal *seal = seal_of("a:" KEY_A);
    struct buf   sealed;
    close_text(seal, STR("fleet/token/u1"), STR("hush"), &sealed);
    assert_true(str_starts(buf_str(&sealed), "a:"));
    assert_int_equal(sealed.len, 2 + (12 + 4 + 16 + 2) / 3 * 4);
    assert_true(opens(seal, STR("fleet/token/u1"), buf_str(&sealed), "hush"));
    assert_false(opens(seal, STR("fleet/token/u2"), buf_str(&sealed), "hush"));
    assert_false(opens(seal, STR(""), buf_str(&sealed), "hush"));
    buf_wipe(&sealed);
    seal_free(seal);
}

TEST(an_empty_text_under_an_empty_context_is_sealed_too)
{
    struct seal *seal = seal_of("a:" KEY_A);
    struct buf   sealed;
    close_text(seal, (struct str){ 0 }, (struct str){ 0 }, &sealed);
    assert_true(opens(seal, (struct str){ 0 }, buf_str(&sealed), ""));
    buf_wipe(&sealed);
    seal_free(seal);
}

TEST(no_two_seals_of_the_same_text_are_equal)
{
    struct seal *seal = seal_of("a:" KEY_A);
    struct buf   one;
    struct buf   two;
    close_text(seal, STR("c"), STR("hush"), &one);
    close_text(seal, STR("c"), STR("hush"), &two);
    assert_string_not_equal(buf_text(&one), buf_text(&two));
    buf_wipe(&one);
    buf_wipe(&two);
    seal_free(seal);
}

TEST(any_changed_bit_keeps_it_shut)
{
    struct seal *seal = seal_of("a:" KEY_A);
    struct buf   sealed;
    close_text(seal, STR("c"), STR("hush hush"), &sealed);
    for (size_t i = 0; i < sealed.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            sealed.p[i] = (char)(sealed.p[i] ^ 1 << bit);
            assert_false(opens(seal, STR("c"), buf_str(&sealed), ""));
            sealed.p[i] = (char)(sealed.p[i] ^ 1 << bit);
        }
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(opens(seal, STR("c"), (struct str){ sealed.p, len }, ""));
    assert_true(opens(seal, STR("c"), buf_str(&sealed), "hush hush"));
    buf_wipe(&sealed);
    seal_free(seal);
}

TEST(the_first_key_seals_and_all_open)
{
    struct seal *old  = seal_of("a:" KEY_A);
    struct seal *both = seal_of(" b:" KEY_B " , a:" KEY_A "\n");
    struct seal *new  = seal_of("b:" KEY_B);
    struct buf sealed;
    close_text(old, STR("c"), STR("hush"), &sealed);
    assert_true(opens(both, STR("c"), buf_str(&sealed), "hush"));
    assert_false(opens(new, STR("c"), buf_str(&sealed), "hush"));
    buf_wipe(&sealed);
    close_text(both, STR("c"), STR("hush"), &sealed);
    assert_true(str_starts(buf_str(&sealed), "b:"));
    assert_true(opens(new, STR("c"), buf_str(&sealed), "hush"));
    buf_wipe(&sealed);
    seal_free(old);
    seal_free(both);
    seal_free(new);
}

TEST(the_same_id_with_another_key_does_not_open)
{
    struct seal *seal  = seal_of("a:" KEY_A);
    struct seal *other = seal_of("a:" KEY_B);
    struct buf   sealed;
    close_text(seal, STR("c"), STR("hush"), &sealed);
    assert_false(opens(other, STR("c"), buf_str(&sealed), "hush"));
    buf_wipe(&sealed);
    seal_free(seal);
    seal_free(other);
}

TEST(bad_keys_are_refused_without_showing_them)
{
    static const char *const bad[] = {
        "",
        "a",
        KEY_A,
        "a:",
        ":" KEY_A,
        "a:short",
        "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
        "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=",
        "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd-h8=",
        "a b:" KEY_A,
        "a:" KEY_A ",",
        "a:" KEY_A ",a:" KEY_B,
        "a:" KEY_A ":" KEY_B,
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err;
        struct seal *seal = seal_new(bad[i], &err);
        if (seal)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.code, ERR_SETTING);
        assert_null(strstr(err.message, "AAEC"));
    }
    struct error err;
    assert_null(seal_new(NULL, &err));
    seal_free(NULL);
}

TEST(too_many_keys_are_refused)
{
    struct buf   keys;
    struct error err;
    buf_init(&keys, 4096);
    for (int i = 0; i < 17; i++)
        buf_printf(&keys, "%sk%d:" KEY_A, i ? "," : "", i);
    assert_null(seal_new(buf_text(&keys), &err));
    assert_string_equal(err.message, "token keys: more than 16");
    buf_fini(&keys);
}

TEST(what_does_not_fit_is_an_error_and_leaves_nothing_half)
{
    struct seal *seal = seal_of("a:" KEY_A);
    struct buf   sealed;
    struct buf   small;
    struct error err;
    buf_init(&small, 40);
    assert_false(seal_close(seal, STR("c"), STR("hush"), &small, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_int_equal(small.len, 0);
    buf_fini(&small);
    close_text(seal, STR("c"), STR("hush"), &sealed);
    buf_init(&small, 3);
    assert_false(seal_open(seal, STR("c"), buf_str(&sealed), &small, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_int_equal(small.len, 0);
    buf_fini(&small);
    buf_wipe(&sealed);
    seal_free(seal);
}

TEST(hashes_are_those_of_the_standards)
{
    char out[SHA256_HEX_BYTES];
    sha256_hex(STR("abc"), out);
    assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex((struct str){ 0 }, out);
    assert_string_equal(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(crc32_of(STR("123456789")), 0xCBF43926);
    assert_int_equal(crc32_of((struct str){ 0 }), 0);
}

TEST(random_numbers_stay_below_their_bound_and_reach_all_of_it)
{
    bool seen[7] = { false };
    for (int i = 0; i < 1000; i++) {
        uint64_t n = random_below(7);
        assert_true(n < 7);
        seen[n] = true;
    }
    for (int i = 0; i < 7; i++)
        assert_true(seen[i]);
    assert_int_equal(random_below(1), 0);
    assert_true(random_below(UINT64_MAX) < UINT64_MAX);
}

TEST(random_hex_has_the_digits_asked_for)
{
    char one[33];
    char two[33];
    random_hex(one, 32);
    random_hex(two, 32);
    assert_int_equal(strspn(one, "0123456789abcdef"), 32);
    assert_int_equal(strlen(one), 32);
    assert_string_not_equal(one, two);
}

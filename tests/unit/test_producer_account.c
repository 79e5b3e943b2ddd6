// SPDX-License-Identifier: Apache-2.0
// links: tokfleet_producer
#include "producer/account/book.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define KEY "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

static char     clash_why[512];
static uint64_t clash_line;

static void on_clash(void *owner, uint64_t line, const char *why)
{
    (void)owner;
    clash_line = line;
    snprintf(clash_why, sizeof clash_why, "%s", why);
}

static bool add(struct book *book, const struct seal *seal, uint64_t line, const char *id,
                const char *alias)
{
    char         text[512];
    struct error err;
    snprintf(
        text, sizeof text,
        "{\"open_id\":\"%s\",\"access_token\":\"act.secret\",\"refresh_token\":\"rft.secret\","
        "\"expires_in\":10,\"refresh_expires_in\":20,\"scope\":\"video.publish\",\"alias\":\"%s\"}",
        id, alias);
    return book_add(book, str_of(text), line, seal, "f", 1000, &err);
}

TEST(tokens_are_sealed_as_they_are_read)
{
    struct error err;
    struct book  book = { 0 };
    struct seal *seal = seal_new(KEY, &err);
    assert_non_null(seal);
    assert_true(add(&book, seal, 1, "-000a", "@a"));
    assert_true(str_starts(book.entries[0].sealed, "k1:"));
    assert_null(strstr(book.entries[0].sealed.p, "secret"));
    assert_int_equal(book.entries[0].expires_at_ms, 11000);
    assert_int_equal(book.entries[0].refresh_expires_at_ms, 21000);
    assert_str(book.entries[0].aliases[0], "@a");
    book_fini(&book);
    seal_free(seal);
}

TEST(an_account_or_an_alias_on_two_lines_is_told)
{
    struct error err;
    struct seal *seal = seal_new(KEY, &err);
    struct book  book = { 0 };
    assert_true(add(&book, seal, 1, "one", "@a") && add(&book, seal, 2, "two", "@a"));
    book_close(&book, on_clash, NULL);
    assert_int_equal(clash_line, 2);
    assert_non_null(strstr(clash_why, "alias @a stands on line 1"));
    book_fini(&book);
    assert_true(add(&book, seal, 7, "one", "") && add(&book, seal, 9, "one", ""));
    book_close(&book, on_clash, NULL);
    assert_int_equal(clash_line, 9);
    assert_non_null(strstr(clash_why, "open_id one"));
    book_fini(&book);
    seal_free(seal);
}

TEST(accounts_are_found_and_keep_every_alias_up_to_eight)
{
    struct error err;
    struct seal *seal = seal_new(KEY, &err);
    struct book  book = { 0 };
    char         text[16];
    assert_true(add(&book, seal, 1, "b", "@b") && add(&book, seal, 2, "a", "@x") &&
                add(&book, seal, 3, "c", ""));
    book_close(&book, on_clash, NULL);
    struct book_entry *entry = book_by_id(&book, STR("a"));
    assert_non_null(entry);
    assert_ptr_equal(book_by_alias(&book, STR("@x")), entry);
    assert_null(book_by_id(&book, STR("ab")));
    assert_null(book_by_alias(&book, STR("")));
    for (int i = 1; i < ALIASES_MAX; i++) {
        snprintf(text, sizeof text, "@old%d", i);
        assert_true(book_keep_alias(&book, entry, str_of(text)));
        assert_true(book_keep_alias(&book, entry, str_of(text)));
    }
    assert_int_equal(entry->alias_count, ALIASES_MAX);
    assert_false(book_keep_alias(&book, entry, STR("@ninth")));
    assert_str(entry->aliases[0], "@x");
    book_fini(&book);
    seal_free(seal);
}

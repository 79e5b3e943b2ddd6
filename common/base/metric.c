// SPDX-License-Identifier: Apache-2.0
#include "base/metric.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    LABELS       = 2,
    VALUES_MAX   = 128,    // of one label
    SERIES_MAX   = 512,    // of one metric
    SAMPLES_MAX  = 16384,  // lines that may ever be shown
    BUCKETS_MAX  = 32,
    MICROSECONDS = 1000000,
};

// A series' cells: counter: value · gauge: value, whether it is known · histogram: a count for each
// bucket, the sum
struct family {
    const struct metric_row *row;             // borrowed; NULL: another program's
    size_t                   values[LABELS];  // in each label's set; 1 without a label
    const char             **texts[LABELS];   // owned; of each label's set; NULL without a label
    size_t                   buckets;         // of a histogram, with the one that has no end
    size_t                   width;           // cells of one series
    int64_t                 *cells;           // owned
};

struct metrics {
    struct family *families;  // owned, by row
    size_t         count;     // rows
};

// ---- the rules, which hold for rows that are constants: to break one is a bug

static bool is_made_of(const char *text, const char *more)
{
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(more, *p))
            return false;
    return *text != '\0';
}

static bool ends_with(const char *text, const char *end)
{
    return str_ends(str_of(text), end);
}

static const char *wanted_end(const struct metric_row *row)
{
    bool counter = row->kind == METRIC_COUNTER;
    switch (row->unit) {
    case METRIC_SECONDS:
        return counter ? "_seconds_total" : "_seconds";
    case METRIC_BYTES:
        return counter ? "_bytes_total" : "_bytes";
    case METRIC_NUMBER:
        break;
    }
    return counter ? "_total" : "";
}

static void check_name(const struct metric_row *row)
{
    assert(is_made_of(row->name, "_") && !isdigit((unsigned char)row->name[0]));
    assert(ends_with(row->name, wanted_end(row)));
    assert(row->kind == METRIC_COUNTER || !ends_with(row->name, "_total"));
    assert(row->unit == METRIC_SECONDS || !strstr(row->name, "_seconds"));
    assert(row->unit == METRIC_BYTES || !strstr(row->name, "_bytes"));
    // what Prometheus makes of a histogram
    assert(!ends_with(row->name, "_count") && !ends_with(row->name, "_sum") &&
           !ends_with(row->name, "_bucket"));
    assert(row->help && *row->help && !strpbrk(row->help, "\\\n"));
}

// A set may take long to tell its values: it is asked once.
static void read_label(struct family *family, size_t label)
{
    const struct metric_label *set   = family->row->labels[label];
    const char               **texts = xcalloc(VALUES_MAX, sizeof *texts);
    size_t                     count = 0;
    assert(is_made_of(set->name, "_") && strcmp(set->name, "le") != 0);
    for (const char *text; (text = set->value(count)); count++) {
        assert(count < VALUES_MAX && is_made_of(text, "_-./"));
        for (size_t i = 0; i < count; i++)
            assert(strcmp(text, texts[i]) != 0);
        texts[count] = text;
    }
    assert(count > 0);
    family->texts[label]  = texts;
    family->values[label] = count;
}

static size_t check_bounds(const struct metric_row *row)
{
    size_t count = 0;
    assert((row->kind == METRIC_HISTOGRAM) == (row->bounds != NULL));
    if (!row->bounds)
        return 0;
    for (; row->bounds[count]; count++)
        assert(count < BUCKETS_MAX && row->bounds[count] > (count ? row->bounds[count - 1] : 0));
    return count + 1;
}

static bool has_word(const char *words, const char *word)
{
    struct str rest = str_of(words), part;
    while (str_cut(&rest, ' ', &part))
        if (str_is(part, word))
            return true;
    return false;
}

static size_t family_series(const struct family *family)
{
    return family->values[0] * family->values[1];
}

// how many lines it may come to
static size_t family_init(struct family *family, const struct metric_row *row)
{
    check_name(row);
    family->row = row;
    for (size_t i = 0; i < LABELS; i++) {
        family->values[i] = 1;
        if (row->labels[i])
            read_label(family, i);
    }
    assert(row->labels[0] || !row->labels[1]);
    family->buckets = check_bounds(row);
    family->width   = row->kind == METRIC_COUNTER ? 1
                      : row->kind == METRIC_GAUGE ? 2
                                                  : family->buckets + 1;
    size_t series   = family_series(family);
    assert(series <= SERIES_MAX);
    family->cells = xcalloc(series * family->width, sizeof *family->cells);
    return series * (family->buckets ? family->buckets + 2 : 1);
}

static void family_fini(struct family *family)
{
    for (size_t i = 0; i < LABELS; i++)
        free(family->texts[i]);
    free(family->cells);
}

struct metrics *metrics_new(const struct metric_row *rows, size_t count, const char *program)
{
    struct metrics *metrics = xcalloc(1, sizeof *metrics);
    size_t          samples = 0;
    metrics->families       = xcalloc(count, sizeof *metrics->families);
    metrics->count          = count;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert(strcmp(rows[i].name, rows[j].name) != 0);
        if (has_word(rows[i].programs, program))
            samples += family_init(&metrics->families[i], &rows[i]);
    }
    assert(samples <= SAMPLES_MAX);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++)
        family_fini(&metrics->families[i]);
    free(metrics->families);
    free(metrics);
}

// ---- what is counted

static struct family *family_of(const struct metrics *metrics, size_t metric)
{
    assert(metric < metrics->count && metrics->families[metric].row && "a metric of this program");
    return &metrics->families[metric];
}

static int64_t *cells_of(const struct metrics *metrics, size_t metric, size_t series,
                         enum metric_kind kind)
{
    struct family *family = family_of(metrics, metric);
    assert(family->row->kind == kind && series < family_series(family));
    return family->cells + series * family->width;
}

void metric_add(struct metrics *metrics, size_t metric, size_t series, int64_t more)
{
    int64_t *cells = cells_of(metrics, metric, series, METRIC_COUNTER);
    assert(more >= 0);
    cells[0] += more;
}

void metric_total(struct metrics *metrics, size_t metric, size_t series, int64_t total)
{
    int64_t *cells = cells_of(metrics, metric, series, METRIC_COUNTER);
    if (total > cells[0])
        cells[0] = total;
}

void metric_set(struct metrics *metrics, size_t metric, size_t series, int64_t value)
{
    int64_t *cells = cells_of(metrics, metric, series, METRIC_GAUGE);
    cells[0]       = value;
    cells[1]       = true;
}

void metric_unset(struct metrics *metrics, size_t metric)
{
    struct family *family = family_of(metrics, metric);
    assert(family->row->kind == METRIC_GAUGE);
    memset(family->cells, 0, family_series(family) * family->width * sizeof *family->cells);
}

void metric_observe(struct metrics *metrics, size_t metric, size_t series, int64_t value)
{
    const struct family *family = family_of(metrics, metric);
    int64_t             *cells  = cells_of(metrics, metric, series, METRIC_HISTOGRAM);
    size_t               bucket = 0;
    if (value < 0)
        value = 0;
    while (bucket + 1 < family->buckets && value > family->row->bounds[bucket])
        bucket++;
    cells[bucket]++;
    cells[family->buckets] += value;
}

size_t metric_pair(const struct metrics *metrics, size_t metric, size_t first, size_t second)
{
    const struct family *family = family_of(metrics, metric);
    assert(first < family->values[0] && second < family->values[1]);
    return first * family->values[1] + second;
}

size_t metric_place(const struct metrics *metrics, size_t metric, size_t label, struct str text)
{
    const struct family *family = family_of(metrics, metric);
    size_t               last   = family->values[label] - 1;
    assert(family->texts[label] && strcmp(family->texts[label][last], "other") == 0);
    for (size_t i = 0; i < last; i++)
        if (str_is(text, family->texts[label][i]))
            return i;
    return last;
}

static int64_t observations(const struct family *family, const int64_t *cells)
{
    int64_t count = 0;
    for (size_t i = 0; i < family->buckets; i++)
        count += cells[i];
    return count;
}

int64_t metric_value(const struct metrics *metrics, size_t metric, size_t series)
{
    const struct family *family = family_of(metrics, metric);
    const int64_t       *cells  = cells_of(metrics, metric, series, family->row->kind);
    return family->row->kind == METRIC_HISTOGRAM ? observations(family, cells) : cells[0];
}

// ---- what is shown

static const char *kind_text(enum metric_kind kind)
{
    static const char *const texts[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"
    };
    return texts[kind];
}

// seconds without the zeros at their end: 0.25, 30, 0.000125
static void add_number(enum metric_unit unit, int64_t value, struct buf *out)
{
    char text[16];
    if (unit != METRIC_SECONDS) {
        buf_printf(out, "%" PRIi64, value);
        return;
    }
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    buf_printf(out, "%s%" PRIu64, value < 0 ? "-" : "", size / MICROSECONDS);
    int len = snprintf(text, sizeof text, ".%06u", (unsigned)(size % MICROSECONDS));
    while (text[len - 1] == '0')
        len--;
    if (len > 1)
        buf_add(out, (struct str){ text, (size_t)len });
}

// name, what a histogram puts behind it, the labels, and a blank; le: NULL but for a bucket
static void add_head(const struct family *family, size_t series, const char *end, const char *le,
                     struct buf *out)
{
    size_t      places[LABELS] = { series / family->values[1], series % family->values[1] };
    const char *before         = "{";
    buf_add_text(out, family->row->name);
    buf_add_text(out, end);
    for (size_t i = 0; i < LABELS && family->texts[i]; i++) {
        buf_printf(out, "%s%s=\"%s\"", before, family->row->labels[i]->name,
                   family->texts[i][places[i]]);
        before = ",";
    }
    if (le)
        buf_printf(out, "%sle=\"%s\"", before, le);
    buf_add_text(out, le || before[0] == ',' ? "} " : " ");
}

static void print_histogram(const struct family *family, size_t series, const int64_t *cells,
                            struct buf *out)
{
    int64_t    count = 0;
    struct buf le;
    buf_init(&le, 32);
    for (size_t i = 0; i < family->buckets; i++) {
        count += cells[i];
        buf_clear(&le);
        if (i + 1 < family->buckets)
            add_number(family->row->unit, family->row->bounds[i], &le);
        else
            buf_add_text(&le, "+Inf");
        add_head(family, series, "_bucket", buf_text(&le), out);
        buf_printf(out, "%" PRIi64 "\n", count);
    }
    buf_fini(&le);
    add_head(family, series, "_sum", NULL, out);
    add_number(family->row->unit, cells[family->buckets], out);
    buf_add_char(out, '\n');
    add_head(family, series, "_count", NULL, out);
    buf_printf(out, "%" PRIi64 "\n", count);
}

static bool is_shown(const struct family *family, const int64_t *cells)
{
    switch (family->row->kind) {
    case METRIC_GAUGE:
        return cells[1];
    case METRIC_HISTOGRAM:
        return !family->row->labels[0] || observations(family, cells) > 0;
    case METRIC_COUNTER:
        break;
    }
    return true;
}

static void print_family(const struct family *family, struct buf *out)
{
    const struct metric_row *row   = family->row;
    bool                     begun = false;
    for (size_t series = 0; series < family_series(family); series++) {
        const int64_t *cells = family->cells + series * family->width;
        if (!is_shown(family, cells))
            continue;
        if (!begun)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
                       kind_text(row->kind));
        begun = true;
        if (row->kind == METRIC_HISTOGRAM) {
            print_histogram(family, series, cells, out);
            continue;
        }
        add_head(family, series, "", NULL, out);
        add_number(row->unit, cells[0], out);
        buf_add_char(out, '\n');
    }
}

void metrics_print(const struct metrics *metrics, struct buf *out)
{
    for (size_t i = 0; i < metrics->count; i++)
        if (metrics->families[i].row)
            print_family(&metrics->families[i], out);
}

// ---- the reference

static void print_labels(const struct family *family, FILE *out)
{
    if (!family->texts[0])
        fputs(" none", out);
    for (size_t i = 0; i < LABELS && family->texts[i]; i++) {
        const struct metric_label *label = family->row->labels[i];
        fprintf(out, "%s `%s`: %s", i ? ";" : "", label->name, label->words ? label->words : "");
        for (size_t j = 0; j < family->values[i] && !label->words; j++)
            fprintf(out, "%s%s", j ? ", " : "", family->texts[i][j]);
    }
}

void metric_print_reference(const struct metric_row *rows, size_t count, FILE *out)
{
    static const char *const units[] = {
        [METRIC_NUMBER] = "none", [METRIC_SECONDS] = "seconds", [METRIC_BYTES] = "bytes"
    };
    fputs("| metric | type | unit | labels | of | what it is |\n|---|---|---|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct metric_row *row    = &rows[i];
        struct family            family = { 0 };
        family_init(&family, row);
        fprintf(out, "| `%s` | %s | %s |", row->name, kind_text(row->kind), units[row->unit]);
        print_labels(&family, out);
        fprintf(out, " | %s | %s |\n", row->programs, row->help);
        family_fini(&family);
    }
}

# SPDX-License-Identifier: Apache-2.0
"""Prometheus' text format 0.0.4, read as strictly as it is written down, and stricter where the conventions of names ask
for it: what this takes, every scraper takes.

    exposition.py FILE...       says what is wrong with it, or how many series it has"""
import collections
import math
import re
import sys

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
KINDS = ('counter', 'gauge', 'histogram')
UNITS = ('milliseconds', 'ms', 'minutes', 'kilobytes', 'kb', 'megabytes', 'mb', 'percent')


class Wrong(Exception):
    pass


Family = collections.namedtuple('Family', 'name kind help samples')  # samples: {(name, labels): value}, in order


def fail(number, line, what):
    raise Wrong('line %d: %s: %s' % (number, what, line))


def read_number(text):
    if not re.fullmatch(r'[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN', text):
        raise ValueError(text)
    return float(text.replace('Inf', 'inf'))


def read_labels(number, line, text):
    labels, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match:
            fail(number, line, 'labels')
        labels.append((match.group(1), match.group(2)))
        at = match.end()
        if at < len(text) and text[at] != ',':
            fail(number, line, 'labels')
        at += 1
    if text.endswith(',') or len({name for name, _ in labels}) != len(labels):
        fail(number, line, 'labels')
    return tuple(labels)


def read_sample(number, line):
    match = re.fullmatch(r'(%s)(?:\{(.*)\})? (\S+)' % NAME.pattern, line)
    if not match:
        fail(number, line, 'a sample is NAME{LABELS} VALUE, one blank, without a time')
    if match.group(2) == '':
        fail(number, line, 'braces around nothing')
    try:
        value = read_number(match.group(3))
    except ValueError:
        fail(number, line, 'a value')
    return match.group(1), read_labels(number, line, match.group(2) or ''), value


def parse(text):
    """The families by name, in order. Raises Wrong with the line."""
    families, current, pending = {}, None, None
    if not text.endswith('\n') or '\r' in text:
        raise Wrong('lines end with a line feed, the last one, too')
    for number, line in enumerate(text[:-1].split('\n'), 1):
        if line.startswith('# HELP '):
            name, _, words = line[7:].partition(' ')
            if not NAME.fullmatch(name) or not words or pending or name in families:
                fail(number, line, 'HELP of a family comes once, first, with words')
            if re.search(r'\\(?![\\n])', words):
                fail(number, line, 'an escape in HELP')
            current, pending = None, (name, words)
        elif line.startswith('# TYPE '):
            name, _, kind = line[7:].partition(' ')
            if not pending or pending[0] != name or kind not in KINDS:
                fail(number, line, 'TYPE follows the HELP of the same family')
            current, pending = Family(name, kind, pending[1], {}), None
            families[name] = current
        elif not line or line.startswith('#'):
            fail(number, line, 'neither HELP, TYPE nor a sample')
        else:
            name, labels, value = read_sample(number, line)
            if not current or name not in names_of(current):
                fail(number, line, 'a sample stands below its own family')
            if (name, labels) in current.samples:
                fail(number, line, 'the series is there twice')
            current.samples[name, labels] = value
    if pending:
        raise Wrong('HELP without TYPE: ' + pending[0])
    for family in families.values():
        check_family(family)
    return families


def names_of(family):
    if family.kind != 'histogram':
        return [family.name]
    return [family.name + end for end in ('_bucket', '_sum', '_count')]


def check_family(family):
    name, kind = family.name, family.kind
    if not family.samples:
        raise Wrong(name + ': a family without a series')
    if (kind == 'counter') != name.endswith('_total'):
        raise Wrong(name + ': a counter ends in _total, and nothing else does')
    if any(word in UNITS for word in name.split('_')):
        raise Wrong(name + ': units are base units: seconds, bytes')
    if kind == 'histogram' and not name.endswith(('_seconds', '_bytes')):
        raise Wrong(name + ': a histogram names its unit')
    if len({tuple(key for key, _ in labels if key != 'le') for _, labels in family.samples}) != 1:
        raise Wrong(name + ': its series have different labels')
    if kind != 'gauge' and any(value < 0 or math.isnan(value) for value in family.samples.values()):
        raise Wrong(name + ': below zero')
    if kind == 'histogram':
        check_histogram(family)
    elif any(key == 'le' for _, labels in family.samples for key, _ in labels):
        raise Wrong(name + ': le is for histograms')


def check_histogram(family):
    series = collections.OrderedDict()
    for (name, labels), value in family.samples.items():
        rest = tuple((key, text) for key, text in labels if key != 'le')
        part = name[len(family.name) + 1:]
        if part == 'bucket':
            if labels[-1:] == () or labels[-1][0] != 'le':
                raise Wrong(family.name + ': a bucket without le, or not at its end')
            series.setdefault(rest, {}).setdefault('bucket', []).append((read_number(labels[-1][1]), value))
        else:
            series.setdefault(rest, {})[part] = value
    bounds = None
    for rest, parts in series.items():
        if set(parts) != {'bucket', 'sum', 'count'}:
            raise Wrong('%s%r: buckets, sum and count belong together' % (family.name, rest))
        ends, counts = zip(*parts['bucket'])
        if list(ends) != sorted(set(ends)) or ends[-1] != math.inf:
            raise Wrong('%s%r: buckets rise to +Inf' % (family.name, rest))
        if list(counts) != sorted(counts) or counts[-1] != parts['count'] or any(c != int(c) for c in counts):
            raise Wrong('%s%r: counts add up, and the last is all' % (family.name, rest))
        least = sum((high - low) * max(end, 0) for end, low, high in zip((0,) + ends[:-1], (0,) + counts, counts))
        if parts['sum'] < least * 0.999999 - 1e-9:
            raise Wrong('%s%r: the sum is less than its buckets allow' % (family.name, rest))
        if bounds not in (None, ends):
            raise Wrong(family.name + ': its series have different buckets')
        bounds = ends


def value(families, name, **labels):
    """The sum of the series of a name that have these labels."""
    base = name if name in families else re.sub(r'_(bucket|sum|count)$', '', name)
    return sum(number for (sample, have), number in families[base].samples.items()
               if sample == name and all(dict(have).get(k) == v for k, v in labels.items()))


def by_label(families, name, label):
    """{label's value: sum} of those that are not 0."""
    out = collections.Counter()
    for (sample, have), number in families[name].samples.items():
        if sample == name and number:
            out[dict(have)[label]] += number
    return dict(out)


if __name__ == '__main__':
    for path in sys.argv[1:]:
        try:
            found = parse(open(path, encoding='utf-8', newline='').read())
            print('%s: %d families, %d series' % (path, len(found), sum(len(f.samples) for f in found.values())))
        except Wrong as wrong:
            sys.exit('%s: %s' % (path, wrong))

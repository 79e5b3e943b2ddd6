# SPDX-License-Identifier: Apache-2.0
"""What the tests of the fleet share: seeds, the table of what the ledger counted for each of them, and loud skips.

A test that takes `seed` runs once for each. TOKFLEET_TEST_SEEDS=1-100 (or 3,7,20-29) says which; else TOKFLEET_TEST_SEED and
those that follow it. A test that takes `tell` hands it one row a run, a dict; the table stands at the end."""
import json
import os

import pytest

SKIPPED = 77  # what CTest takes for a skip


def seeds(count):
    """The seeds asked for; without a word `count` of them."""
    text = os.environ.get('TOKFLEET_TEST_SEEDS', '')
    if not text:
        first = int(os.environ.get('TOKFLEET_TEST_SEED', 1))
        return list(range(first, first + count))
    chosen = []
    for part in text.split(','):
        first, _, last = part.partition('-')
        chosen += range(int(first), int(last or first) + 1)
    return chosen


def pytest_configure(config):
    config.addinivalue_line('markers', 'seeds(count): how many seeds when nobody says which')


def pytest_generate_tests(metafunc):
    if 'seed' in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker('seeds')
        metafunc.parametrize('seed', seeds(mark.args[0] if mark else 1))


@pytest.fixture
def tell(record_property, request):
    def row(**told):
        record_property('row', json.dumps(dict(test=request.node.name.split('[')[0][5:], **told)))
    return row


def table(rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names] + [[str(row.get(name, '')) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return [' | '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def pytest_terminal_summary(terminalreporter):
    rows = []
    for result in ('passed', 'failed'):
        for report in terminalreporter.stats.get(result, []):
            mine = [json.loads(value) for name, value in report.user_properties if name == 'row']
            if result == 'failed' and report.when == 'call':
                mine = mine or [{'test': report.nodeid.split('::')[-1]}]
            rows += [dict(row, verdict=result) for row in mine if report.when == 'call']
    if rows:
        terminalreporter.section('what the ledger counted')
        for line in table(sorted(rows, key=lambda row: (row['test'], row.get('seed', 0)))):
            terminalreporter.write_line(line)
    for report in terminalreporter.stats.get('skipped', []):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line('SKIPPED %s: %s' % (report.nodeid.split('::')[-1], why.replace('Skipped: ', '')))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin('terminalreporter')
    if reporter and reporter.stats.get('skipped') and not any(reporter.stats.get(w) for w in ('passed', 'failed', 'error')):
        session.exitstatus = SKIPPED

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/ says of metrics is true of the program: every metric that the alerts, the dashboard and the manual name is
there, with those labels and values; the dashboard is whole; promtool, where it is, takes every expression.

usage: tests/metrics.py TOKFLEET_WORKER        status 77: promtool is missing, and all else is well"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAME = re.compile(r'\b(?:tokfleet|process)_[a-z0-9_]+\b')
SELECTOR = re.compile(r'\b((?:tokfleet|process)_[a-z0-9_]+)\{([^}]*)\}')
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
OF_THE_SCRAPE = {'job', 'instance'}  # labels that Prometheus adds
found = []


def wrong(where, what):
    found.append('%s: %s' % (where, what))


def reference(worker):
    """{name: {label: values, or None for a long set}}; a histogram under its three names."""
    known = {}
    for line in subprocess.run([worker, '--metrics'], capture_output=True, text=True, check=True).stdout.splitlines()[2:]:
        name, kind, _, labels = [cell.strip() for cell in line.strip('| ').split(' | ')][:4]
        sets = {}
        for label in re.finditer(r'`(\w+)`: ([^;]*)', labels):
            values = label.group(2).split(', ')
            sets[label.group(1)] = None if ' ' in values[0] else set(values)
        for end in ('_bucket', '_sum', '_count') if kind == 'histogram' else ('',):
            known[name.strip('`') + end] = dict(sets, le=None) if end == '_bucket' else sets
    return known


def check_names(known, where, text, families=False):
    names = set(known) | {re.sub(r'_(bucket|sum|count)$', '', name) for name in known} if families else set(known)
    for name in set(NAME.findall(text)) - names:
        wrong(where, 'there is no metric ' + name)


def check_expression(known, where, text):
    check_names(known, where, text)
    for name, inner in SELECTOR.findall(text):
        for label, how, value in MATCHER.findall(inner):
            if label in OF_THE_SCRAPE or name not in known:
                continue
            if label not in known[name]:
                wrong(where, '%s has no label %s' % (name, label))
            elif known[name][label] is not None:
                for word in value.split('|') if '~' in how else [value]:
                    if word not in known[name][label]:
                        wrong(where, '%s: %s is never %s' % (name, label, word))
    labels = {label for name in NAME.findall(text) for label in known.get(name, {})} | OF_THE_SCRAPE
    for group in re.findall(r'\b(?:by|without) \(([^)]*)\)', text):
        for label in group.split(', '):
            if label not in labels:
                wrong(where, 'no metric of %s has a label %s' % (text, label))


def alert_expressions(text):
    """name -> expression, of the YAML as this file writes it: one line, or folded below >-"""
    rules = {}
    for block in re.split(r'^ +- alert: ', text, flags=re.M)[1:]:
        expr = re.search(r'^ +expr: (?:>-\n((?: {10,}.*\n)+)|(.*)\n)', block, re.M)
        rules[block.split('\n', 1)[0]] = ' '.join((expr.group(1) or expr.group(2)).split())
        if not re.search(r'severity: (page|ticket|warn)\b', block) or 'summary: ' not in block or 'action: ' not in block:
            wrong('deploy/alerts.yml', 'an alert without severity, summary or action: ' + block.split('\n', 1)[0])
    if len(rules) != len(re.findall(r'^ +- alert: ', text, re.M)):
        wrong('deploy/alerts.yml', 'two alerts have one name')
    return rules


def check_dashboard(text):
    """The expressions of a dashboard that is whole: ids of their own, panels that do not overlap, a data source."""
    board, expressions, places, ids = json.loads(text), {}, {}, set()
    if not board['title'] or not board['uid'] or board['templating']['list'][0]['type'] != 'datasource':
        wrong('deploy/grafana.json', 'title, uid or data source')
    for panel in board['panels']:
        where = 'deploy/grafana.json: ' + panel['title']
        place = panel['gridPos']
        if panel['id'] in ids or panel['datasource']['uid'] != '${datasource}' or not panel['targets']:
            wrong(where, 'id, data source or targets')
        ids.add(panel['id'])
        for x in range(place['x'], place['x'] + place['w']):
            for y in range(place['y'], place['y'] + place['h']):
                if x > 23 or places.setdefault((x, y), panel['id']) != panel['id']:
                    wrong(where, 'it overlaps another panel, or the edge')
        for target in panel['targets']:
            expressions['%s %s' % (where, target['refId'])] = target['expr']
            for label in re.findall(r'\{\{(\w+)\}\}', target.get('legendFormat', '')):
                if label not in OF_THE_SCRAPE and not re.search(r'by \([^)]*\b%s\b' % label, target['expr']):
                    wrong(where, 'the legend names %s, which is not in the result' % label)
    return expressions


def run(tool, *arguments):
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        wrong('promtool ' + ' '.join(map(str, arguments)), done.stdout + done.stderr)


def check_by_promtool(tool, expressions):
    run(tool, 'check', 'rules', ROOT / 'deploy/alerts.yml')
    run(tool, 'test', 'rules', ROOT / 'tests/alerts.yml')
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'dashboard.yml')  # JSON is YAML
        path.write_text(json.dumps({'groups': [{'name': 'dashboard', 'rules': [
            {'record': 'panel:%d' % i, 'expr': expr.replace('$__rate_interval', '5m')}
            for i, expr in enumerate(expressions.values())]}]}))
        run(tool, 'check', 'rules', path)


def main():
    known = reference(sys.argv[1])
    rules = alert_expressions((ROOT / 'deploy/alerts.yml').read_text())
    panels = check_dashboard((ROOT / 'deploy/grafana.json').read_text())
    for where, expr in [('deploy/alerts.yml: ' + name, expr) for name, expr in rules.items()] + list(panels.items()):
        check_expression(known, where, expr)
    check_names(known, 'deploy/README.md', (ROOT / 'deploy/README.md').read_text(), families=True)
    tool = shutil.which('promtool', path='%s:%s' % (ROOT / 'build/bin', os.environ['PATH']))
    if tool:
        check_by_promtool(tool, panels)
    for line in found:
        print(line)
    if found:
        sys.exit(1)
    print('%d alerts and %d expressions of the dashboard name metrics that are there' % (len(rules), len(panels)))
    if not tool:
        print('promtool is missing: their PromQL was not checked', file=sys.stderr)
        sys.exit(77)


main()

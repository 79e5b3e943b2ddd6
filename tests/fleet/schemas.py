# SPDX-License-Identifier: Apache-2.0
"""What a living fleet puts on its topics is what the schemas of producer/schema promise."""
import json
import re

from harness import ROOT

try:
    import jsonschema
except ImportError:
    jsonschema = None


def load(name):
    return json.loads((ROOT / 'producer/schema' / (name + '.schema.json')).read_text())


def headers_of(record):
    flat = record.get('headers') or []
    return dict(zip(flat[::2], flat[1::2]))


def strict(schema):
    """Upstreams ignore what they do not know; we do not write what is not said."""
    return dict(schema, additionalProperties=False)


def assert_promised(fleet):
    """Every record on the fleet's topics of events and dead letters; how many there are of each."""
    if not jsonschema:
        print('SKIPPED: no python3-jsonschema, so no event and no dead letter was held against its schema')
        return None
    event = jsonschema.Draft202012Validator(strict(load('event')))
    dead = jsonschema.Draft202012Validator(load('dead-letter'))
    events, letters = fleet.consume('events'), fleet.consume('dlq')
    for record in events:
        told = json.loads(record['payload'])
        event.validate(told)
        name = 'PUBLIC_ID' if told['event'] == 'PUBLIC_ID' else told['state']
        if 'job_id' in told:
            assert told['event_id'] == '%s/%s/%s' % (told['job_id'], told['epoch'], name), told
        else:
            assert re.fullmatch('account/%s/[0-9]+/%s' % (re.escape(told['account']), name), told['event_id']), told
        assert (record['key'] or '') == told['account'], record
    for record in letters:
        dead.validate(headers_of(record))
    return len(events), len(letters)

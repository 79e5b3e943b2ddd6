#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes schema.gen.c of the schemas in this folder, whose struct is in schema.h.

usage: embed.py OUTPUT NAME.schema.json..."""
import json
import pathlib
import sys


def literal(line):
    return '"%s"' % line.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n')


def main(output, *paths):
    out = ['// made by producer/schema/embed.py', '#include "producer/schema/schema.h"', '',
           'const struct schema schemas[] = {']
    for path in map(pathlib.Path, paths):
        text = path.read_text()
        title = json.loads(text)['title']
        assert text.isascii() and text.endswith('\n'), path
        out.append('    { "%s", %s,' % (path.name.removesuffix('.schema.json'), literal(title)))
        out += ['      %s' % literal(line) for line in text.splitlines(keepends=True)]
        out.append('    },')
    out += ['};', 'const size_t schema_count = sizeof schemas / sizeof schemas[0];', '']
    pathlib.Path(output).write_text('\n'.join(out))


if __name__ == '__main__':
    main(*sys.argv[1:])

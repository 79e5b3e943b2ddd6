# SPDX-License-Identifier: Apache-2.0
"""What Redis' user must be allowed: the script that asks for it, and the two lines in deploy/README.md."""
import re

import pytest

from redis_scripts import ROOT, Redis, RedisError, Scripts, Server

SENT_BY_THE_TOOL = re.compile(r'"(GET|SCAN|[HLSXZ](?:GET|GETALL|MGET|CARD|COUNT|LEN|RANGE|REVRANGE|SCORE))"')


def lines_of_readme():
    """The two lines of deploy/README.md, by user."""
    return {line.split()[2]: line.split()
            for line in re.findall(r'^ACL SETUSER .*$', (ROOT / 'deploy/README.md').read_text(), re.M)}


def granted(words):
    return {word[1:].upper() for word in words if word.startswith('+')}


@pytest.fixture(scope='module', name='permit')
def fixture_permit(tmp_path_factory):
    folder = tmp_path_factory.mktemp('scripts')
    return Scripts(folder).all, (folder / 'permit.lua').read_text()


@pytest.fixture(name='server')
def fixture_server():
    server = Server()
    yield server
    server.stop()


def calls(script):
    return set(re.findall(r"redis\.p?call\('([A-Z]+)'", script.text))


def asks(server, permit, *rules):
    """What the script answers to a user of these rules."""
    Redis(server.path)('ACL', 'SETUSER', 'ann', 'reset', 'on', '>secret', *rules)
    mine = Redis(server.path)
    mine('AUTH', 'ann', 'secret')
    return mine('EVAL', permit, 1, '{f}:gate')


def rules(user, *without):
    return [word.replace('{tokfleet}', '{f}') for word in lines_of_readme()[user][3:]
            if word not in ('reset', 'on', '>PASSWORD', *without)]


def test_the_line_for_the_programs_is_what_the_scripts_call_and_no_more(permit):
    scripts, text = permit
    listed = set(re.match(r"local COMMANDS = '([A-Z ]+)'", text).group(1).split())
    assert listed == set.union(*map(calls, scripts.values())) | {'EVALSHA', 'INFO', 'XRANGE'}
    assert granted(lines_of_readme()['tokfleet']) == listed | {'EVAL', 'PING'}


def test_the_line_for_the_tool_is_what_it_sends_and_what_its_two_scripts_call(permit):
    scripts, _ = permit
    sent = {'EVAL', 'EVALSHA', 'PING', 'INFO', 'TIME'}
    for path in (ROOT / 'producer').rglob('*.c'):
        sent.update(SENT_BY_THE_TOOL.findall(path.read_text()))
    assert granted(lines_of_readme()['tokfleet-tool']) == sent | calls(scripts['account']) | calls(scripts['gate_close'])


def test_the_line_for_the_programs_is_enough(server, permit):
    assert asks(server, permit[1], *rules('tokfleet')) == 'OK'
    assert Redis(server.path)('ACL', 'LOG') == []


def test_whatever_is_missing_is_named(server, permit):
    for command in sorted(granted(rules('tokfleet')) - {'EVAL', 'PING'}):
        word = '+' + command.lower()
        answer = asks(server, permit[1], *rules('tokfleet', word))
        assert answer.startswith('its ACL does not allow %s on ~{f}:* ' % word), answer
    answer = asks(server, permit[1], *rules('tokfleet', '~{tokfleet}:*'), '%R~{f}:*', '~{f}:gate')
    assert '+hset' in answer and '+hget ' not in answer, answer
    with pytest.raises(RedisError, match='NOPERM.*eval'):
        asks(server, permit[1], *rules('tokfleet', '+eval'))


def test_a_server_that_hides_info_will_not_do(permit):
    server = Server('--rename-command', 'INFO', '')
    try:
        answer = Redis(server.path)('EVAL', permit[1], 1, '{f}:gate')
        assert answer.startswith('its ACL does not allow +info on'), answer
    finally:
        server.stop()

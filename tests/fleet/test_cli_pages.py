# SPDX-License-Identifier: Apache-2.0
"""What the tool says of itself: --help, the man page, the completion for bash. No fleet; all from the same rows."""
import re
import shutil
import subprocess

import pytest

from harness import BUILD

TOKFLEET = str(BUILD / 'producer' / 'tokfleet')


def run(*arguments, **keywords):
    return subprocess.run([TOKFLEET, *arguments], capture_output=True, text=True, timeout=20, env={'PATH': '/usr/bin:/bin'},
                          **keywords)


def verbs():
    return re.findall(r'^  ([a-z]+(?: [a-z]+)?) {2,}\S', run('--help').stdout.split('to begin with:')[0], re.M)


def test_help_fits_80_columns_and_names_every_exit_status():
    found = verbs()
    assert len(found) > 25 and {'validate', 'jobs', 'events', 'dlq replay', 'man', 'completion bash'} <= set(found)
    for words in ([], *[verb.split() for verb in found]):
        text = run(*words, '--help').stdout
        assert all('  %-3d ' % n in text for n in (0, 1, 2, 3, 4, 5, 130, 141))
        told = text.split('flags:')[-1]
        assert all(len(line) < 80 for line in told.splitlines()), [line for line in told.splitlines() if len(line) >= 80]


def test_the_man_page_has_every_verb_and_flag_and_no_fault():
    page = run('man').stdout
    for verb in verbs():
        assert '.SS %s\n' % verb in page
        for flag in re.findall(r'^  --([a-z-]+)', run(*verb.split(), '--help').stdout, re.M):
            assert '\\-\\-' + flag.replace('-', '\\-') in page, (verb, flag)
    assert (BUILD / 'producer' / 'tokfleet.1').read_text().split('\n', 1)[1] == page.split('\n', 1)[1]
    if shutil.which('mandoc'):
        done = subprocess.run(['mandoc', '-Tlint'], input=page, capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout == '', done.stdout
    elif shutil.which('man'):
        done = subprocess.run(['man', '--warnings', '-l', '-'], input=page, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == '', done.stderr


def test_the_completion_is_a_script_without_fault():
    script = run('completion', 'bash').stdout
    assert (BUILD / 'producer' / 'completions' / 'tokfleet').read_text() == script
    if shutil.which('shellcheck'):
        done = subprocess.run(['shellcheck', '-s', 'bash', '-'], input=script, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def complete(*words):
    """What bash offers for the last of the words."""
    quoted = ' '.join("'%s'" % w for w in words)
    script = 'source <("$0" completion bash); COMP_WORDS=(tokfleet %s); COMP_CWORD=%d; _tokfleet; printf "%%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(['bash', '--norc', '-c', script % (quoted, len(words)), TOKFLEET], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 0 and done.stderr == '', done.stderr
    return done.stdout.split()


@pytest.mark.parametrize('words, expected', [
    (['stat'], ['status', 'stats']), (['dlq', ''], ['list', 'show', 'replay']), (['dlq', 're'], ['replay']),
    (['jobs', '--state', 'P'], ['PROCESSING', 'PUBLISHED']), (['status', '--wa'], ['--watch']),
    (['import', '--format', ''], ['ndjson', 'csv']), (['schema', 'dead'], ['dead-letter']),
    (['help', 'vali'], ['validate']), (['post', '--account', 'x'], []),
])
def test_bash_completes_verbs_flags_and_their_choices(words, expected):
    assert complete(*words) == expected


def test_bash_completes_every_verb_and_files_where_a_file_is_wanted(tmp_path):
    offered = complete('')
    assert {verb.split()[0] for verb in verbs()} <= set(offered) and 'help' in offered
    (tmp_path / 'plan.csv').write_text('')
    assert complete('import', str(tmp_path) + '/') == [str(tmp_path / 'plan.csv')]
    assert complete('dlq', 'replay', '3@17', '--file', str(tmp_path) + '/pl') == [str(tmp_path / 'plan.csv')]


def test_the_pages_are_installed(tmp_path):
    done = subprocess.run(['cmake', '--install', str(BUILD), '--prefix', str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'share/man/man1/tokfleet.1').is_file()
    assert (tmp_path / 'share/bash-completion/completions/tokfleet').is_file()


def test_a_reader_that_goes_away_is_exit_status_141_without_a_word():
    for arguments in (['--help'], ['man'], ['completion', 'bash'], ['status', '--help']):
        process = subprocess.Popen(['bash', '-c', 'sleep 0.2; exec "$0" "$@"', TOKFLEET, *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env={'PATH': '/usr/bin:/bin'})
        process.stdout.close()
        assert process.wait(20) == 141 and process.stderr.read() == b''

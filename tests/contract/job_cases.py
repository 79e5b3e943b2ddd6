# SPDX-License-Identifier: Apache-2.0
"""Jobs and commands for test_schema.py: for each field the values at its limits and beside them, every wrong kind, and
random ones made of these by a seed. Whether one is good is for the schema and the decoder to say, not for this file."""
import copy
import json
import random

EMOJI = '\U0001F3AC'  # two UTF-16 units
KINDS = [None, True, False, 0, 1, -1, 0.5, 1e3, '', 'text', '5', 'true', 'null', [], {}, [1], {'a': 1}]
class Raw:
    """A value as it is to stand in the message: numbers written in odd ways."""

    def __init__(self, text):
        self.text = text

    def __deepcopy__(self, memo):
        return self


ABSENT = Raw('')  # no such member

IDS = ['a', 'A-z.0_9:', 'a' * 128, 'a' * 129, '', ' ', 'a b', 'a/b', 'a\n', '\na', 'ä', 'a,b', '@a', '-', EMOJI, 'a\x7f']
ACCOUNTS = ['@', '@a', 'a', '-000YSS_x', '@' + 'a' * 127, '@' + 'a' * 128, 'a' * 128, '', ' a', 'a b', 'a\n', 'ä', '!~',
            'a\x7f', '@@', EMOJI]


def texts(units):
    """Texts around a limit of UTF-16 units: letters, emoji, and an accent, which is one unit and two bytes."""
    yield from ('', ' ', 'Morning light #lisbon', 'a' * (units - 1), 'a' * units, 'a' * (units + 1), 'ä' * units,
                'ä' * (units + 1), EMOJI * (units // 2), EMOJI * (units // 2) + 'a', 'a' * (units - 2) + EMOJI,
                'a' * (units - 1) + EMOJI, 'line\nline\ttab', '\u200d\ufeff', 'a\x7f')


HOSTS = ['cdn.example.com', 'a.b', 'CDN.Example.COM', 'cdn.example.com.', 'cdn.example.com..', '.example.com', 'a..b', 'com',
         'localhost', 'localhost.', 'a.1', 'a.1b', 'a.b1', '1.a', '192.168.0.1', '0x7f.1', '[::1]', '[a.b]', '-a.b', 'a-.b',
         'a.-b', 'a.b-', 'a_b.c', '_a._b', 'ä.de', 'xn--4ca.de', 'a.b:443', 'a.b:', 'a.b:0', 'a.b:1', 'a.b:65535',
         'a.b:65536', 'a.b:99999', 'a.b:00443', 'a.b:' + '0' * 22 + '1', 'a.b:' + '0' * 23 + '1', 'a.b:+1', 'a.b:-1',
         'a.b:1x', 'a.b: 1', 'u@a.b', 'u:p@a.b', '', ':443', 'a' * 63 + '.de', 'a' * 64 + '.de', 'b.' + 'a' * 63,
         'b.' + 'a' * 64, '.'.join(['a' * 61] * 4) + '.abcde', '.'.join(['a' * 61] * 4) + '.abcdef',
         '.'.join(['a' * 61] * 4) + '.abcde.', '.'.join(['a' * 61] * 4) + '.abcdef.', 'a.b\\c', 'a*b.c', 'a.b%41']
TAILS = ['', '/', '/a.mp4', '/a.MP4', '/a.Mov', '/a.webm', '/a.m4v', '/a.jpg', '/a.JPEG', '/a.webp', '/a.png', '/a.gif', '/a',
         '/a.mp4?x=1', '?a.mp4', '/a?b=c.jpg', '/a.mp4/', '/a.mp4/b', '/a.mp4.jpg', '/a.jpg.mp4', '/a#b', '/a.mp4#', '/a b',
         '/a%20b.mp4', '/ä.mp4', '/a"b', '/a<b', '/a>b', '/a\\b', '/a\tb', "/a'b.mp4", '/a@b.mp4', '/a.mp4\n', '/.mp4', '/a.',
         '//a.mp4', '/a.mp4x', '/a.mp44', '/[].jpg', '/a.mp4?b#c']
SCHEMES = ['https://', 'HTTPS://', 'HttpS://', 'http://', 'ftp://', 'https:/', 'https:', '//', '', ' https://', 'https:// ',
           'https:///']


def urls():
    for host in HOSTS:
        yield 'https://' + host + '/a.mp4'
        yield 'https://' + host
    for tail in TAILS:
        yield 'https://cdn.example.com' + tail
    for scheme in SCHEMES:
        yield scheme + 'cdn.example.com/a.mp4'
    start = 'https://cdn.example.com/'
    for length in (2047, 2048, 2049):
        yield start + 'a' * (length - len(start) - 4) + '.mp4'


TIMES = ['2026-12-01T18:30:00+01:00', '2026-12-01T18:30:00Z', '2026-12-01t18:30:00z', '2026-12-01T18:30:00-00:00',
         '2026-12-01T18:30:00.5Z', '2026-12-01T18:30:00.123456789Z', '2026-12-01T18:30:00.1234567890Z',
         '2026-12-01T18:30:00.Z', '2026-12-01T18:30:00', '2026-12-01 18:30:00Z', '2026-12-01T18:30Z', '2026-12-01',
         '1999-12-31T23:59:59Z', '2000-01-01T00:00:00Z', '2099-12-31T23:59:59Z', '2100-01-01T00:00:00Z', '20000-01-01T00:00:00Z',
         '2026-00-01T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-00T00:00:00Z', '2026-01-31T00:00:00Z', '2026-01-32T00:00:00Z',
         '2026-04-30T00:00:00Z', '2026-04-31T00:00:00Z', '2026-02-28T00:00:00Z', '2026-02-29T00:00:00Z', '2028-02-29T00:00:00Z',
         '2028-02-30T00:00:00Z', '2000-02-29T00:00:00Z', '2096-02-29T00:00:00Z', '2098-02-29T00:00:00Z', '2026-12-01T24:00:00Z',
         '2026-12-01T23:60:00Z', '2026-12-01T23:59:60Z', '2026-12-01T18:30:00+23:59', '2026-12-01T18:30:00+24:00',
         '2026-12-01T18:30:00+01:60', '2026-12-01T18:30:00+0100', '2026-12-01T18:30:00+1:00', '2026-12-01T18:30:00 Z',
         '2026-12-01T18:30:00Z\n', '\n2026-12-01T18:30:00Z', '2026-12-01T18:30:00ZZ', '٢026-12-01T18:30:00Z', 'tomorrow',
         '+2h', '1796146200000', '2026-2-1T00:00:00Z', '2026-12-01T18:30:00,5Z', '2026-12-01T18:30:00−01:00']

WHOLE = ['0', '-0', '-1', '1', '4', '5', '9', '10', '5.0', '5.5', '0.5e1', '5e0', '50e-1', '90e-1', '9.0000000001',
         '9.00000000000000000001', '"5"', '1e400', '123456789012345678901234567890']
WHOLE_OF_COVER = WHOLE + ['2147483647', '2147483647.0', '2147483648', '2147483646.5', '1e9', '1e10', '-1e9']
FLAGS = [True, False, None]
PRIVACY = ['PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'FOLLOWER_OF_CREATOR', 'SELF_ONLY', '', None, 'public_to_everyone',
           'PUBLIC', ' SELF_ONLY', 'SELF_ONLY ']
EPOCHS = ['1-36', '0-0', '01-036', '1-', '-1', '1', '', '1-2-3', '1--1', '1--0', '1-+1', '+1-1', ' 1-1', '1-1 ', '1-1\n', 'a-b',
          '9' * 18 + '-' + '9' * 18, '9' * 19 + '-1', '1-' + '9' * 19, '1-' + '9' * 20, '1_1', '1-0x1', '1.0-1', '0' * 18 + '-1',
          '0' * 19 + '1-1']


def written(value):
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return '{%s}' % ','.join('%s:%s' % (json.dumps(k), written(v)) for k, v in value.items() if v is not ABSENT)
    if isinstance(value, list):
        return '[%s]' % ','.join(written(v) for v in value)
    return json.dumps(value, ensure_ascii=False)


def raw(numbers):
    return [Raw(number) for number in numbers]


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {'a': value}
    return value


def metadata():
    """Around 4,096 bytes, and deep: the message itself is one level more."""
    for bytes_ in (4095, 4096, 4097):
        yield {'a': 'x' * (bytes_ - len('{"a":""}'))}
        yield {'a': 'ä' * ((bytes_ - len('{"a":""}')) // 2)}
    yield from (None, {}, {'order': 991}, {'a': [1, None, True, 'b', {}]}, [], 'text', 1, nested(1), nested(15), nested(16),
                {'a': Raw('1e400')}, {'a': Raw('12345678901234567890')}, {'a': Raw('"\\u0000"')}, {'a': Raw('"\\ud83c"')},
                {'a': Raw('"\\ud83c\\udfac"')}, {'a': Raw('"\\udfac"')})


def values_of_job():
    """field -> the values to be tried there"""
    return {
        ('job_id',): IDS + KINDS + [ABSENT],
        ('account',): ACCOUNTS + KINDS + [ABSENT],
        ('media',): KINDS + [ABSENT],
        ('media', 0): KINDS,
        ('media', 0, 'url'): list(urls()) + KINDS + [ABSENT],
        ('media', 0, 'type'): ['video', 'photo', 'VIDEO', 'image', ABSENT] + KINDS,
        ('media', 0, 'cover_timestamp_ms'): raw(WHOLE_OF_COVER) + KINDS,
        ('media', 0, 'more'): KINDS,
        ('cover_index',): raw(WHOLE) + raw(['33', '34', '35', '34.0']) + KINDS,
        ('caption',): list(texts(2200)) + list(texts(4000)) + KINDS + [Raw('"a\\u0000b"'), Raw('"\\ud83c"'),
                                                                       Raw('"%s"' % ('\\u0061' * 2200))],
        ('title',): list(texts(90)) + KINDS,
        ('settings',): KINDS,
        ('settings', 'content_posting_method'): ['DIRECT_POST', 'UPLOAD', 'direct_post', 'DRAFT'] + KINDS,
        ('settings', 'privacy_level'): PRIVACY + KINDS,
        ('settings', 'duet'): KINDS,
        ('settings', 'comment'): KINDS,
        ('settings', 'stitch'): KINDS,
        ('settings', 'video_made_with_ai'): KINDS,
        ('settings', 'brand_content_toggle'): KINDS,
        ('settings', 'brand_organic_toggle'): KINDS,
        ('settings', 'autoAddMusic'): ['yes', 'no', 'YES', 'on'] + KINDS,
        ('settings', 'title'): list(texts(90)) + KINDS,
        ('settings', 'description'): list(texts(2200)) + list(texts(4000)) + KINDS,
        ('settings', 'disable_duet'): KINDS,
        ('transfer',): ['auto', 'pull', 'upload', 'PULL'] + KINDS,
        ('publish_at',): TIMES + KINDS,
        ('expires_at',): TIMES + KINDS,
        ('priority',): raw(WHOLE) + KINDS,
        ('on_unsure',): ['hold', 'retry', 'fail', 'HOLD'] + KINDS,
        ('metadata',): list(metadata()),
        ('more',): KINDS + [nested(14), nested(15), nested(16), Raw('1e400'), Raw('1E+308'), Raw('"\\u0000"')],
        ('command',): KINDS + ['cancel'],
    }


def video(**more):
    return {'job_id': 'clip-1', 'account': '@brand.de', 'media': [{'url': 'https://cdn.example.com/clip.mp4'}], **more}


def photos(count=3, **more):
    return {'job_id': 'album-1', 'account': '@brand.de',
            'media': [{'url': 'https://cdn.example.com/%d.jpg' % i, 'type': 'photo'} for i in range(count)], **more}


def jobs_as_bases():
    draft = {'settings': {'content_posting_method': 'UPLOAD'}}
    return [video(settings={}), photos(settings={}), video(caption='c', **copy.deepcopy(draft)),
            photos(35, title='t', **copy.deepcopy(draft)), video(settings={'privacy_level': 'SELF_ONLY'}),
            photos(1, settings={'privacy_level': 'SELF_ONLY'})]


def put(message, path, value):
    """value at path; False where the message has no such place"""
    for step in path[:-1]:
        if isinstance(message, dict) and step == 'settings' and message.get('settings') is None:
            message['settings'] = {}
        fits = isinstance(message, dict) and step in message or isinstance(message, list) and step in range(len(message))
        if not fits:
            return False
        message = message[step]
    if isinstance(message, dict) or isinstance(message, list) and path[-1] in range(len(message)):
        message[path[-1]] = value
        return True
    return False


def counts_and_kinds():
    """How many media of which kinds, and which of them is the cover."""
    for count in range(37):
        for index in (ABSENT, 0, count - 1, count, count + 1):
            yield photos(count, cover_index=index)
    one = 'https://cdn.example.com/a'
    kinds = [{'url': one + '.mp4'}, {'url': one + '.jpg'}, {'url': one}, {'url': one, 'type': 'video'},
             {'url': one, 'type': 'photo'}, {'url': one + '.mp4', 'type': 'photo'}, {'url': one + '.jpg', 'type': 'video'},
             {'url': one + '.JPG', 'type': None}]
    for a in kinds:
        yield dict(video(), media=[a])
        yield dict(video(), media=[a], title='t' * 91)
        yield dict(video(), media=[a], caption='c' * 2201)
        yield dict(video(), media=[a], cover_index=1)
        for b in kinds:
            yield dict(video(), media=[a, b])
            yield dict(video(), media=[a, b], caption='c' * 4001)
            yield dict(video(), media=[a, b, {'url': one}], cover_index=2)


def two_fields():
    """Fields that mind each other."""
    texts_ = ['', 'a', 'b', None, ABSENT, 'c' * 91, EMOJI * 46]
    for base in (video, photos):
        for top in texts_:
            for below in texts_:
                yield base(title=top, settings={'title': below})
                yield base(caption=top, settings={'description': below})
    for first in (None, ABSENT, '2026-12-01T18:30:00Z', '2026-12-01T19:30:00+01:00', '2026-12-01T18:30:00.0019Z'):
        for last in (None, '2026-12-01T18:30:00Z', '2026-12-01T18:30:00.001Z', '2026-12-01T18:30:00.002Z',
                     '2026-12-01T17:30:01-01:00', '2026-12-01T18:29:59Z'):
            yield video(publish_at=first, expires_at=last)
    for level in PRIVACY:
        for mode in ('DIRECT_POST', 'UPLOAD', None, ABSENT):
            for toggle in FLAGS:
                yield video(settings={'privacy_level': level, 'content_posting_method': mode, 'brand_content_toggle': toggle})
                yield photos(settings={'privacy_level': level, 'content_posting_method': mode, 'brand_content_toggle': toggle})


def not_even_json():
    """Texts, some of which Python's reader takes although they are no job."""
    good = written(video())
    return ['', ' ', '{', '[]', '{}', 'null', 'true', '1', '"a"', 'garbage', good + ',', good + good, good[:-1], ' ' + good,
            good + ' \t', good.replace('{', '{,', 1), good.replace('"clip-1"', "'clip-1'"), good.replace('"clip-1"', '01'),
            good.replace('"job_id"', '"job_id":"b","job_id"'), good.replace('"job_id"', '"job\\u005fid":"b","job_id"'),
            good.replace('"url"', '"url":"https://a.b/c.mp4","url"'), good.replace('"job_id"', '"a":NaN,"job_id"'),
            good.replace('"job_id"', '"a":Infinity,"job_id"'), good.replace('"job_id"', '"a":"\\x","job_id"'),
            good.replace('"job_id"', '"a":"\t","job_id"'), good.replace('"job_id"', '"a":"\\/","job_id"'),
            good.replace('"job_id"', '"\\u0000":1,"job_id"'), good.replace('"job_id"', '"a":1.,"job_id"'),
            good.replace('"job_id"', '"a":.5,"job_id"'), good.replace('"job_id"', '"a":+5,"job_id"'),
            good.replace('"job_id"', '"a":-,"job_id"'), '\ufeff' + good,
            good[:-1] + ',"more":"%s"}' % ('x' * (262144 - len(good) - len(',"more":""'))),
            good[:-1] + ',"more":"%s"}' % ('x' * (262145 - len(good) - len(',"more":""')))]


def jobs(seed, random_ones):
    """Each as the text of a message."""
    values = values_of_job()
    for base in jobs_as_bases():
        yield written(base)
    for path, tried in values.items():
        for value in tried:
            for base in (video(settings={}), photos(settings={})):
                if put(base, path, value):
                    yield written(base)
    for one in [*counts_and_kinds(), *two_fields()]:
        yield written(one)
    yield from not_even_json()
    chance = random.Random(seed)
    paths = [path for path in values if path != ('command',)]
    for _ in range(random_ones):
        one = copy.deepcopy(chance.choice(jobs_as_bases()))
        for path in chance.sample(paths, chance.randint(1, 4)):
            put(one, path, copy.deepcopy(chance.choice(values[path])))
        yield written(one)


PLAIN = ['a', 'v_pub_url~v2-1.77', '@brand.de', '', ' ', 'a b', 'a\n', 'ä', 'a\x7f', 'a' * 128, 'a' * 129, 'a' * 512, 'a' * 513,
         'ä' * 64, 'ä' * 65, 'ä' * 256, 'ä' * 257, EMOJI]
WORDS = PLAIN + ['two words', 'tab\there', 'ann']
COMMANDS = [{'command': 'cancel', 'id': 'c-1', 'job_id': 'a'},
            {'command': 'reschedule', 'id': 'c-2', 'job_id': 'a', 'publish_at': '2026-12-01T18:30:00+01:00'},
            {'command': 'retry', 'id': 'c-3', 'job_id': 'a', 'epoch': '1-36'},
            {'command': 'resolve', 'id': 'c-4', 'job_id': 'a', 'epoch': '1-36', 'outcome': 'posted'},
            {'command': 'resolve', 'id': 'c-5', 'job_id': 'a', 'epoch': '1-36', 'outcome': 'failed'},
            {'command': 'pause', 'id': 'c-6'}, {'command': 'resume', 'id': 'c-7', 'account': '@a'}]


def values_of_command():
    return {
        ('command',): ['cancel', 'reschedule', 'retry', 'resolve', 'pause', 'resume', 'stop', 'Cancel'] + KINDS + [ABSENT],
        ('id',): IDS + KINDS + [ABSENT],
        ('job_id',): IDS + KINDS + [ABSENT],
        ('by',): WORDS + KINDS,
        ('reason',): WORDS + KINDS,
        ('epoch',): EPOCHS + KINDS + [ABSENT],
        ('publish_id',): PLAIN + KINDS,
        ('outcome',): ['posted', 'failed', 'Posted'] + KINDS + [ABSENT],
        ('post_id',): PLAIN + KINDS,
        ('post_url',): PLAIN + KINDS,
        ('account',): PLAIN + KINDS,
        ('publish_at',): TIMES + KINDS + [ABSENT],
        ('expires_at',): TIMES + KINDS,
        ('more',): KINDS + [nested(6), nested(7), nested(8), Raw('1e400')],
    }


def commands(seed, random_ones):
    values = values_of_command()
    for base in COMMANDS:
        yield written(base)
    for path, tried in values.items():
        for value in tried:
            for base in COMMANDS:
                one = copy.deepcopy(base)
                if path[0] in base or value in (None, 'a', '1-36') or path[0] in ('by', 'more', 'publish_id', 'post_id',
                                                                                 'account', 'expires_at', 'reason'):
                    put(one, path, value)
                    yield written(one)
    good = written(COMMANDS[0])
    yield from (good + ' ' * (262144 - len(good)), good + ' ' * (262145 - len(good)), good[:-1], good + good,
                good.replace('"id"', '"id":"b","id"'), good.replace('"id"', '"reason":"\\u0000","id"'),
                good.replace('"id"', '"by":"\\udfac","id"'), good.replace('"id"', '"reason":"\\ud83c\\udfac","id"'))
    chance = random.Random(seed)
    for _ in range(random_ones):
        one = copy.deepcopy(chance.choice(COMMANDS))
        for path in chance.sample(list(values), chance.randint(1, 3)):
            put(one, path, copy.deepcopy(chance.choice(values[path])))
        yield written(one)

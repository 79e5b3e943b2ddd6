# SPDX-License-Identifier: Apache-2.0
"""An authority of our own and certificates by the openssl command, for servers that speak TLS in tests."""
import subprocess

CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']


def openssl(*arguments):
    done = subprocess.run(['openssl', *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def make_authority(folder, name='ca'):
    """folder/NAME.pem, what a client should trust, and its key."""
    openssl('req', '-x509', *CURVE, '-subj', '/CN=' + name, '-keyout', folder / (name + '.key'),
            '-out', folder / (name + '.pem'))
    return folder / (name + '.pem')


def make_certificate(folder, name, names='DNS:localhost,IP:127.0.0.1', authority='ca'):
    """folder/NAME.pem and NAME.key, signed by the authority. names as in a subjectAltName."""
    openssl('req', '-x509', '-CA', folder / (authority + '.pem'), '-CAkey', folder / (authority + '.key'), *CURVE,
            '-subj', '/CN=' + name, '-addext', 'subjectAltName=' + names, '-addext', 'basicConstraints=CA:FALSE',
            '-keyout', folder / (name + '.key'), '-out', folder / (name + '.pem'))
    return folder / (name + '.pem'), folder / (name + '.key')

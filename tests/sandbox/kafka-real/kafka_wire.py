# SPDX-License-Identifier: Apache-2.0
"""A few requests of Kafka's own protocol, each on a connection of its own: no JVM, so they take milliseconds."""
import socket
import struct
import urllib.parse

REQUEST_S = 30
RESOURCES = {"topic": 2, "group": 3, "cluster": 4}
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8, "ClusterAction": 9,
              "DescribeConfigs": 10, "AlterConfigs": 11, "IdempotentWrite": 12}
ALLOW = 3


class Wire:
    """Big-endian fields, written to and read from bytes."""

    def __init__(self, data=b""):
        self.data = data
        self.at = 0

    def put(self, layout, *values):
        self.data += struct.pack(">" + layout, *values)
        return self

    def put_text(self, text):
        data = text.encode()
        self.put("h", len(data))
        self.data += data
        return self

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0]

    def take_text(self):
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()


def ask(address, api_key, version, body):
    """One request on a connection of its own."""
    head = Wire().put("hhi", api_key, version, 1).put_text("kafka-real").data
    with socket.create_connection(address, timeout=REQUEST_S) as link:
        link.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        with link.makefile("rb") as stream:
            size = stream.read(4)
            answer = stream.read(struct.unpack(">i", size)[0]) if len(size) == 4 else b""
    if len(answer) < 4:
        raise OSError("the connection was closed")
    wire = Wire(answer)
    wire.take("i")
    return wire


def ask_metadata(address, topics):
    """How many brokers there are, and {topic: partitions that have a leader}."""
    body = Wire().put("i", len(topics))
    for topic in topics:
        body.put_text(topic)
    answer = ask(address, 3, 1, body.data)
    brokers = answer.take("i")
    for _ in range(brokers):
        answer.take("i")
        answer.take_text()
        answer.take("i")
        answer.take_text()
    answer.take("i")
    led = {}
    for _ in range(answer.take("i")):
        answer.take("h")
        name = answer.take_text()
        answer.take("?")
        led[name] = 0
        for _ in range(answer.take("i")):
            error, _, leader = answer.take("h"), answer.take("i"), answer.take("i")
            led[name] += error == 0 and leader >= 0
            for _ in range(2):
                for _ in range(answer.take("i")):
                    answer.take("i")
    return brokers, led


def create_topics(address, topics):
    """[(name, partitions, {key: value})] -> [(name, error code, words)]"""
    body = Wire().put("i", len(topics))
    for name, partitions, configs in topics:
        body.put_text(name).put("ihii", partitions, 1, 0, len(configs))
        for key, value in configs.items():
            body.put_text(key).put_text(value)
    body.put("i?", REQUEST_S * 1000, False)
    answer = ask(address, 19, 2, body.data)
    answer.take("i")
    return [(answer.take_text(), answer.take("h"), answer.take_text())
            for _ in range(answer.take("i"))]


def create_acls(address, acls):
    """[(resource, name, pattern, principal, operation)] in words -> [(error code, words)]"""
    body = Wire().put("i", len(acls))
    for resource, name, pattern, principal, operation in acls:
        body.put("b", RESOURCES[resource]).put_text(name).put("b", PATTERNS[pattern])
        body.put_text(principal).put_text("*").put("bb", OPERATIONS[operation], ALLOW)
    answer = ask(address, 30, 1, body.data)
    answer.take("i")
    return [(answer.take("h"), answer.take_text()) for _ in range(answer.take("i"))]


def address_of(bootstrap):
    """The first of "HOST:PORT[,HOST:PORT...]"; None: it is none"""
    where = urllib.parse.urlsplit("//" + bootstrap.strip().split(",")[0])
    return (where.hostname, where.port) if where.hostname and where.port else None


def grow_topic(address, name, partitions):
    """(error code, words): so many partitions in all."""
    body = Wire().put("i", 1).put_text(name).put("ii", partitions, -1)
    body.put("i?", REQUEST_S * 1000, False)
    answer = ask(address, 37, 0, body.data)
    answer.take("i")
    answer.take("i")
    answer.take_text()
    return answer.take("h"), answer.take_text()


def delete_topic(address, name):
    body = Wire().put("i", 1).put_text(name).put("i", REQUEST_S * 1000)
    answer = ask(address, 20, 1, body.data)
    answer.take("i")
    answer.take("i")
    answer.take_text()
    return answer.take("h")

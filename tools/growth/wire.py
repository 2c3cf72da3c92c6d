"""Protobuf's wire form of the few messages that the configurations here are made of.

A message is a dictionary by field number, whose values are text, bytes, numbers, messages, or lists of these.
"""

TYPES = "type.googleapis.com/"


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(message):
    out = []
    for field, value in message.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int):
                out.append(varint(field << 3) + varint(each))
                continue
            data = each if isinstance(each, bytes) else each.encode() if isinstance(each, str) else encode(each)
            out.append(varint(field << 3 | 2) + varint(len(data)) + data)
    return b"".join(out)


def any_of(type_name, message):
    return {1: TYPES + type_name, 2: message}


def response(type_name, version, resources):
    """An envoy.service.discovery.v3.DiscoveryResponse."""
    return encode({1: version, 2: [any_of(type_name, each) for each in resources], 4: TYPES + type_name})


def address(host, port):
    return {1: {2: host, 3: port}}


def seconds(count):
    return {1: count}


def fields(data):
    """Of a message in wire form, by number: lists of numbers and bytes."""
    out, at = {}, 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = number()
        value = number()
        if tag & 7 == 2:
            at += value
            value = data[at - value:at]
        out.setdefault(tag >> 3, []).append(value)
    return out

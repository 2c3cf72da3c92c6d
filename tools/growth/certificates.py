"""Certificates on P-256, each with a key of its own, made fast rather than well: their signatures are empty, their keys
are small numbers, and all that can be done with them is to be loaded and to shake hands with clients that verify
nothing."""
import base64

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)

EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
PRIME256V1 = bytes.fromhex("06082a8648ce3d030107")
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
COMMON_NAME = bytes.fromhex("0603550403")
SUBJECT_ALT_NAME = bytes.fromhex("0603551d11")


def add(a, b):
    slope = 3 * (a[0] * a[0] - 1) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def pem(label, data):
    text = base64.b64encode(data).decode()
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def certificate(name, serial, point):
    who = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0C, name.encode()))))
    valid = der(0x30, der(0x17, b"240101000000Z"), der(0x17, b"491231235959Z"))
    key = der(0x30, der(0x30, EC_PUBLIC_KEY, PRIME256V1), der(0x03, b"\0", point))
    names = der(0x30, SUBJECT_ALT_NAME, der(0x04, der(0x30, der(0x82, name.encode()))))
    body = der(0x30, der(0xA0, der(0x02, b"\2")), der(0x02, (1 << 38 | serial).to_bytes(5, "big")), ECDSA_SHA256, who,
               valid, who,
               key, der(0xA3, der(0x30, names)))
    return pem("CERTIFICATE", der(0x30, body, ECDSA_SHA256, der(0x03, b"\0" + der(0x30, b"\2\1\1\2\1\1"))))


def key_pairs():
    """(certificate by name, private key) without end."""
    number, at = 2, add(G, G)
    while True:
        point = b"\4" + at[0].to_bytes(32, "big") + at[1].to_bytes(32, "big")
        key = der(0x30, b"\2\1\1", der(0x04, number.to_bytes(32, "big")), der(0xA0, PRIME256V1),
                  der(0xA1, der(0x03, b"\0", point)))
        yield (lambda name, serial=number, point=point: certificate(name, serial, point)), pem("EC PRIVATE KEY", key)
        number, at = number + 1, add(at, G)

"""Every case of h2spec, strict ones included, against the real binary: the bytes, and what must come of them. Named by
h2spec's own numbers, which count the sections of RFC 7540 and RFC 7541. Where h2spec lets a stream error be answered
with either scope, these hold the proxy to the one that it has chosen.

Over plaintext with prior knowledge, by a fixed codec and by the first bytes, and over TLS; frame by frame and all in
one write; where a host answers, and where the proxy has answered before the client's next frame."""

import struct
import unittest

import http2
from harness import Backend, Client, Nuncio, bootstrap, free_ports, listener, to
from http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PADDED, PING,
                   PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, WITH_PRIORITY, encode)
from tls import Authority, client_context, downstream

(NO_ERROR, PROTOCOL, INTERNAL, FLOW_CONTROL, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE, REFUSED, CANCEL,
 COMPRESSION) = range(10)
ENABLE_PUSH, MAX_FRAME_SIZE = 2, 5
BODY = b"h2spec reads five bytes at least"
LARGEST_WINDOW = 0x7fffffff
MAX_STREAMS = 100


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def request(method="GET", *more, path="/"):
    return [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a.test"), *more]


def head(stream=1, fields=None, flags=END_STREAM | END_HEADERS, block=None):
    return frame(HEADERS, flags, stream, encode(request() if fields is None else fields) if block is None else block)


def post(*more, stream=1, path="/"):
    """An open stream."""
    return head(stream, request("POST", *more, path=path), END_HEADERS)


def held(stream=1):
    """Half-closed (remote): the answer never comes."""
    return head(stream, request(path="/hold"))


def data(payload=b"test", flags=END_STREAM, stream=1):
    return frame(DATA, flags, stream, payload)


def continuation(block, flags=END_HEADERS, stream=1):
    return frame(CONTINUATION, flags, stream, block)


def priority(stream, dependency=0, weight=255, exclusive=False):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", dependency | (0x80000000 if exclusive else 0), weight))


def rst(stream=1, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def settings(*values):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *each) for each in values))


def window(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def padded(payload, padding):
    return bytes([padding]) + payload + bytes(padding)


class Goaway:
    """A connection error: GOAWAY with one of the codes, and the end of the connection."""

    def __init__(self, *codes):
        self.codes = codes

    def check(self, test, peer):
        while peer.read_frame():
            pass
        test.assertTrue(peer.goaways, "closed without GOAWAY")
        test.assertIn(peer.goaways[-1][1], self.codes)


class Closed:
    """The end of the connection, with a GOAWAY or without."""

    def check(self, test, peer):
        while peer.read_frame():
            pass


class Reset:
    """A stream error, after which the connection is as good as before. Of a stream that was answered meanwhile it is a
    connection error."""

    def __init__(self, *codes, stream=1):
        self.stream, self.codes = stream, codes

    def check(self, test, peer):
        message = peer.message(self.stream)
        if peer.answered_at_once:
            peer.wait(lambda: message.reset is not None or peer.goaways)
            if peer.goaways:
                Goaway(*self.codes).check(test, peer)
                return
        peer.wait(lambda: message.reset is not None)
        test.assertIn(message.reset, self.codes)
        Alive().check(test, peer)


class Answer:
    """200 on a stream."""

    def __init__(self, stream=1, body=BODY):
        self.stream, self.body = stream, body

    def check(self, test, peer):
        message = peer.finish(self.stream)
        test.assertEqual((message.reset, message.status, message.body), (None, 200, self.body))
        Alive().check(test, peer)


class Alive:
    """The connection serves on."""

    def check(self, test, peer):
        before = peer.pongs
        peer.send(PING, 0, 0, b"conform!")
        peer.wait(lambda: peer.pongs > before)
        peer.send(HEADERS, END_STREAM | END_HEADERS, 1001, encode(request()))
        test.assertEqual(peer.finish(1001).status, 200)
        test.assertEqual(peer.goaways, [])


class AliveOrClosed:
    def check(self, test, peer):
        try:
            peer.send(PING, 0, 0, b"conform!")
            peer.wait(lambda: peer.pongs)
        except (EOFError, OSError):
            test.assertEqual([code for _, code in peer.goaways if code != NO_ERROR], [])


class Then:
    """A step between two writes: something to wait for."""

    def __init__(self, condition):
        self.condition = condition

    def run(self, peer):
        peer.wait(lambda: self.condition(peer))


def ended(stream=1):
    return Then(lambda peer: peer.message(stream).ended)


class Peer(http2.Http2Client):
    """A client that has exchanged SETTINGS with the proxy."""

    def __init__(self, port, tls, answered_at_once=False):
        self.answered_at_once = answered_at_once
        self.lengths = []  # Of DATA.
        self.acks = 0
        self.pings = []
        super().__init__(port, tls, window=65535)
        self.wait(lambda: self.settings and self.acks)

    def on_frame(self, kind, flags, stream, payload):
        super().on_frame(kind, flags, stream, payload)
        if kind == DATA:
            self.lengths.append(len(payload))
        elif kind == SETTINGS and flags & ACK:
            self.acks += 1
        elif kind == PING and flags & ACK:
            self.pings.append(payload)

    def play(self, steps, together):
        """What cannot be written any more, because the connection has ended, needs not be."""
        try:
            pending = b""
            for step in steps:
                if isinstance(step, bytes) and together:
                    pending += step
                    continue
                self.stream.send(pending)
                pending = b""
                if isinstance(step, bytes):
                    self.stream.send(step)
                    if self.answered_at_once and step[3] == HEADERS and step[4] & END_HEADERS:
                        message = self.message(step[8])
                        self.wait(lambda: message.ended or message.reset is not None or self.goaways)
                else:
                    step.run(self)
            self.stream.send(pending)
        except (OSError, EOFError):
            pass


BLOCK = encode(request())
TRAILERS = [("x-test", "ok")]
# RFC 7541 C.4 and C.6, C.2.
HUFFMAN_AUTHORITY = bytes.fromhex("8c f1e3c2e5f23a6ba0ab90f4ff")  # www.example.com
HUFFMAN_NAME = bytes.fromhex("88 25a849e95ba97d7f")               # custom-key
HUFFMAN_VALUE = bytes.fromhex("89 25a849e95bb8e8b4bf")            # custom-value
INDEXED = b"\x82\x86\x84"                                         # GET, http, /
AUTHORITY = INDEXED + b"\x01\x06a.test"
PLAIN_NAME, PLAIN_VALUE = b"\x0acustom-key", b"\x0ccustom-value"


def hpack(more):
    return head(block=AUTHORITY + more)


GENERIC = {
    "generic/1/1 a client's preface": ([], Alive()),
    "generic/2/1 PRIORITY on an idle stream": ([priority(1), head()], Answer()),
    "generic/2/2 WINDOW_UPDATE on a half-closed (remote) stream": ([head(), window(1, 1)], Answer()),
    "generic/2/3 PRIORITY on a half-closed (remote) stream": ([head(), priority(1)], Answer()),
    "generic/2/4 RST_STREAM on a half-closed (remote) stream": ([held(), rst()], Alive()),
    "generic/2/5 PRIORITY on a closed stream": ([head(), ended(), priority(1)], Alive()),
    "generic/3.1/1 DATA": ([post(), data()], Answer()),
    "generic/3.1/2 several DATA": ([post(), data(flags=0), data()], Answer()),
    "generic/3.1/3 DATA with padding": ([post(), data(padded(b"test", 6), END_STREAM | PADDED)], Answer()),
    "generic/3.2/1 HEADERS": ([head()], Answer()),
    "generic/3.2/2 HEADERS with padding": ([head(flags=5 | PADDED, block=padded(BLOCK, 6))], Answer()),
    "generic/3.2/3 HEADERS with priority": ([head(flags=5 | WITH_PRIORITY, block=b"\0\0\0\0\xff" + BLOCK)], Answer()),
    "generic/3.3/1 PRIORITY 1": ([priority(1, weight=0), head()], Answer()),
    "generic/3.3/2 PRIORITY 256": ([priority(1, weight=255), head()], Answer()),
    "generic/3.3/3 PRIORITY with a dependency": ([priority(1), priority(3, 1), head(), head(3)], Answer(3)),
    "generic/3.3/4 PRIORITY exclusive": ([priority(1), priority(3, 1, exclusive=True), head()], Answer()),
    "generic/3.3/5 PRIORITY of a later stream": ([priority(3), head()], Answer()),
    "generic/3.4/1 RST_STREAM": ([post(), rst()], Alive()),
    "generic/3.5/1 SETTINGS": ([settings((3, 100))], Alive()),
    "generic/3.7/1 PING": ([frame(PING, 0, 0, b"h2spec\0\0")], Alive()),
    "generic/3.8/1 GOAWAY": ([frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0))], AliveOrClosed()),
    "generic/3.9/1 WINDOW_UPDATE": ([window(0, 1)], Alive()),
    "generic/3.9/2 WINDOW_UPDATE of a stream": ([post(), window(1, 1), data()], Answer()),
    "generic/3.10/1 CONTINUATION": ([head(flags=END_STREAM, block=BLOCK[:9]), continuation(BLOCK[9:])], Answer()),
    "generic/3.10/2 several CONTINUATION": (
        [head(flags=END_STREAM, block=BLOCK[:9]), continuation(BLOCK[9:20], 0), continuation(BLOCK[20:])], Answer()),
    "generic/4/1 GET": ([head()], Answer()),
    "generic/4/2 HEAD": ([head(fields=request("HEAD"))], Answer(body=b"")),
    "generic/4/3 POST": ([post(), data()], Answer()),
    "generic/4/4 POST with trailers": ([post(), data(flags=0), head(fields=TRAILERS)], Answer()),
    "generic/5/1 indexed": ([head(block=AUTHORITY)], Answer()),
    "generic/5/2 incremental indexing, indexed name": ([hpack(b"\x7a\x05agent")], Answer()),
    "generic/5/3 the same with Huffman": ([head(block=INDEXED + b"\x41" + HUFFMAN_AUTHORITY)], Answer()),
    "generic/5/4 incremental indexing, new name": ([hpack(b"\x40" + PLAIN_NAME + PLAIN_VALUE)], Answer()),
    "generic/5/5 the same with Huffman": ([hpack(b"\x40" + HUFFMAN_NAME + HUFFMAN_VALUE)], Answer()),
    "generic/5/6 without indexing, indexed name": ([hpack(b"\x0f\x2b\x05agent")], Answer()),
    "generic/5/7 the same with Huffman": ([head(block=INDEXED + b"\x01" + HUFFMAN_AUTHORITY)], Answer()),
    "generic/5/8 without indexing, new name": ([hpack(b"\x00" + PLAIN_NAME + PLAIN_VALUE)], Answer()),
    "generic/5/9 the same with Huffman": ([hpack(b"\x00" + HUFFMAN_NAME + HUFFMAN_VALUE)], Answer()),
    "generic/5/10 never indexed, indexed name": ([hpack(b"\x1f\x2b\x05agent")], Answer()),
    "generic/5/11 the same with Huffman": ([head(block=INDEXED + b"\x11" + HUFFMAN_AUTHORITY)], Answer()),
    "generic/5/12 never indexed, new name": ([hpack(b"\x10" + PLAIN_NAME + PLAIN_VALUE)], Answer()),
    "generic/5/13 the same with Huffman": ([hpack(b"\x10" + HUFFMAN_NAME + HUFFMAN_VALUE)], Answer()),
    "generic/5/14 table size update": ([head(block=b"\x3f\x61" + AUTHORITY)], Answer()),
    "generic/5/15 several table size updates": ([head(block=b"\x20\x3f\x61" + AUTHORITY)], Answer()),
}

FRAMES = {
    "http2/4.1/1 unknown type": ([frame(22, 0, 0, bytes(8))], Alive()),
    "http2/4.1/2 undefined flags": ([frame(PING, 0x16, 0, b"h2spec\0\0")], Alive()),
    "http2/4.1/3 reserved bit": ([frame(PING, 0, 0x80000000, b"h2spec\0\0")], Alive()),
    "http2/4.2/1 DATA of 2^14": ([post(), data(b"x" * 16384)], Answer()),
    "http2/4.2/2 DATA beyond SETTINGS_MAX_FRAME_SIZE": ([post(), data(b"x" * 16385)], Goaway(FRAME_SIZE)),
    "http2/4.2/3 HEADERS beyond SETTINGS_MAX_FRAME_SIZE": (
        [head(block=BLOCK + encode([("x", "y" * 16384)]))], Goaway(FRAME_SIZE)),
    "http2/4.3/1 invalid header block": (
        [head(block=INDEXED + b"\x40\x85\xf1\xe3\xc2\xe5\xff\x01\x40")], Goaway(COMPRESSION)),
    "http2/4.3/2 PRIORITY amid a header block": (
        [head(flags=END_STREAM, block=BLOCK), priority(1), continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
    "http2/4.3/3 HEADERS of another stream amid a header block": (
        [head(flags=END_STREAM, block=BLOCK), head(3), continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
}

STREAMS = {
    "http2/5.1/1 idle: DATA": ([data()], Goaway(PROTOCOL)),
    "http2/5.1/2 idle: RST_STREAM": ([rst()], Goaway(PROTOCOL)),
    "http2/5.1/3 idle: WINDOW_UPDATE": ([window(1, 100)], Goaway(PROTOCOL)),
    "http2/5.1/4 idle: CONTINUATION": ([continuation(BLOCK)], Goaway(PROTOCOL)),
    "http2/5.1/5 half-closed (remote): DATA": ([held(), data()], Reset(STREAM_CLOSED)),
    "http2/5.1/6 half-closed (remote): HEADERS": ([held(), held()], Goaway(STREAM_CLOSED)),
    "http2/5.1/7 half-closed (remote): CONTINUATION": ([held(), continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
    "http2/5.1/8 closed: DATA after RST_STREAM": ([post(), rst(), data()], Goaway(STREAM_CLOSED)),
    "http2/5.1/9 closed: HEADERS after RST_STREAM": ([post(), rst(), head()], Goaway(STREAM_CLOSED)),
    "http2/5.1/10 closed: CONTINUATION after RST_STREAM": (
        [post(), rst(), continuation(encode(TRAILERS))], Goaway(PROTOCOL, STREAM_CLOSED)),
    "http2/5.1/11 closed: DATA": ([head(), ended(), data()], Goaway(STREAM_CLOSED)),
    "http2/5.1/12 closed: HEADERS": ([head(), ended(), head()], Goaway(STREAM_CLOSED)),
    "http2/5.1/13 closed: CONTINUATION": (
        [head(), ended(), continuation(encode(TRAILERS))], Goaway(PROTOCOL, STREAM_CLOSED)),
    "http2/5.1.1/1 even number": ([head(2)], Goaway(PROTOCOL)),
    "http2/5.1.1/2 smaller number": ([head(5), head(3)], Goaway(PROTOCOL)),
    "http2/5.3.1/1 HEADERS depending on itself": (
        [head(flags=5 | WITH_PRIORITY, block=b"\0\0\0\1\xff" + BLOCK)], Goaway(PROTOCOL)),
    "http2/5.3.1/2 PRIORITY depending on itself": ([priority(2, 2)], Goaway(PROTOCOL)),
    "http2/5.3.1/2 the same of an open stream": ([post(path="/hold"), priority(1, 1)], Reset(PROTOCOL)),
    "http2/5.4.1/1 a connection error closes": ([frame(PING, 0, 3, bytes(8))], Closed()),
    "http2/5.4.1/2 a connection error is told by GOAWAY": ([frame(PING, 0, 3, bytes(8))], Goaway(PROTOCOL)),
    "http2/5.5/1 unknown extension frame": ([frame(0xff, 0, 0, b"unknown!")], Alive()),
    "http2/5.5/2 unknown extension frame amid a header block": (
        [head(flags=END_STREAM, block=BLOCK), frame(0xff, 0, 0, b"unknown!"), continuation(encode(TRAILERS))],
        Goaway(PROTOCOL)),
}

DEFINITIONS = {
    "http2/6.1/1 DATA on stream 0": ([data(stream=0)], Goaway(PROTOCOL)),
    "http2/6.1/2 DATA on a stream not open": ([held(), data()], Reset(STREAM_CLOSED)),
    "http2/6.1/3 DATA with invalid pad length": ([post(), data(b"\x06test", END_STREAM | PADDED)], Goaway(PROTOCOL)),
    "http2/6.2/1 PRIORITY after HEADERS without END_HEADERS": (
        [head(flags=END_STREAM, block=BLOCK), priority(1), continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
    "http2/6.2/2 HEADERS of another stream after such": (
        [head(flags=END_STREAM, block=BLOCK), head(3), continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
    "http2/6.2/3 HEADERS on stream 0": ([head(0)], Goaway(PROTOCOL)),
    "http2/6.2/4 HEADERS with invalid pad length": (
        [head(flags=5 | PADDED, block=bytes([len(BLOCK) + 1]) + BLOCK)], Goaway(PROTOCOL)),
    "http2/6.3/1 PRIORITY on stream 0": ([priority(0)], Goaway(PROTOCOL)),
    "http2/6.3/2 PRIORITY of 4 bytes": ([post(path="/hold"), frame(PRIORITY, 0, 1, b"\x80\0\0\1")], Reset(FRAME_SIZE)),
    "http2/6.4/1 RST_STREAM on stream 0": ([rst(0)], Goaway(PROTOCOL)),
    "http2/6.4/2 RST_STREAM on an idle stream": ([rst(1)], Goaway(PROTOCOL)),
    "http2/6.4/3 RST_STREAM of 3 bytes": ([post(path="/hold"), frame(RST_STREAM, 0, 1, bytes(3))], Goaway(FRAME_SIZE)),
    "http2/6.5/1 SETTINGS with ACK and a payload": ([frame(SETTINGS, ACK, 0, bytes(1))], Goaway(FRAME_SIZE)),
    "http2/6.5/2 SETTINGS on a stream": ([frame(SETTINGS, 0, 1, struct.pack(">HI", 3, 100))], Goaway(PROTOCOL)),
    "http2/6.5/3 SETTINGS of 3 bytes": ([frame(SETTINGS, 0, 0, b"\0\3\0")], Goaway(FRAME_SIZE)),
    "http2/6.5.2/1 ENABLE_PUSH 2": ([settings((ENABLE_PUSH, 2))], Goaway(PROTOCOL)),
    "http2/6.5.2/2 INITIAL_WINDOW_SIZE too large": ([settings((INITIAL_WINDOW_SIZE, 1 << 31))], Goaway(FLOW_CONTROL)),
    "http2/6.5.2/3 MAX_FRAME_SIZE too small": ([settings((MAX_FRAME_SIZE, 16383))], Goaway(PROTOCOL)),
    "http2/6.5.2/4 MAX_FRAME_SIZE too large": ([settings((MAX_FRAME_SIZE, 1 << 24))], Goaway(PROTOCOL)),
    "http2/6.5.2/5 unknown": ([settings((0xff, 1))], Alive()),
    "http2/6.7/3 PING on a stream": ([frame(PING, 0, 1, bytes(8))], Goaway(PROTOCOL)),
    "http2/6.7/4 PING of 6 bytes": ([frame(PING, 0, 0, bytes(6))], Goaway(FRAME_SIZE)),
    "http2/6.8/1 GOAWAY on a stream": ([frame(GOAWAY, 0, 1, bytes(8))], Goaway(PROTOCOL)),
    "http2/6.9/1 WINDOW_UPDATE of 0": ([window(0, 0)], Goaway(PROTOCOL)),
    "http2/6.9/2 WINDOW_UPDATE of 0 on a stream": ([post(path="/hold"), window(1, 0)], Reset(PROTOCOL)),
    "http2/6.9/3 WINDOW_UPDATE of 3 bytes": ([frame(WINDOW_UPDATE, 0, 0, bytes(3))], Goaway(FRAME_SIZE)),
    "http2/6.9.1/2 the connection's window above 2^31-1": (
        [window(0, LARGEST_WINDOW), window(0, LARGEST_WINDOW)], Goaway(FLOW_CONTROL)),
    "http2/6.9.1/3 a stream's window above 2^31-1": (
        [post(path="/hold"), window(1, LARGEST_WINDOW), window(1, LARGEST_WINDOW)], Reset(FLOW_CONTROL)),
    "http2/6.9.2/3 INITIAL_WINDOW_SIZE above the largest window": (
        [settings((INITIAL_WINDOW_SIZE, 0x80000000))], Goaway(FLOW_CONTROL)),
    "http2/6.9.2/3 the same by a change": (
        [post(path="/hold"), window(1, LARGEST_WINDOW - 65535), settings((INITIAL_WINDOW_SIZE, 65536))],
        Goaway(FLOW_CONTROL)),
    "http2/6.10/1 several CONTINUATION": (
        [head(flags=END_STREAM, block=BLOCK), continuation(encode(TRAILERS), 0), continuation(encode(TRAILERS))],
        Answer()),
    "http2/6.10/2 CONTINUATION and then something else": (
        [head(flags=0, block=BLOCK), continuation(encode(TRAILERS), 0), data()], Goaway(PROTOCOL)),
    "http2/6.10/3 CONTINUATION on stream 0": (
        [head(flags=END_STREAM, block=BLOCK), continuation(encode(TRAILERS), stream=0)], Goaway(PROTOCOL)),
    "http2/6.10/4 CONTINUATION after END_HEADERS": ([held(), continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
    "http2/6.10/5 CONTINUATION after the END_HEADERS of another": (
        [head(flags=0, block=encode(request("POST", path="/hold"))), continuation(encode(TRAILERS)),
         continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
    "http2/6.10/6 CONTINUATION after DATA": (
        [post(path="/hold"), data(flags=0), continuation(encode(TRAILERS))], Goaway(PROTOCOL)),
    "http2/7/1 GOAWAY with an unknown code": (
        [frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0xff))], AliveOrClosed()),
    "http2/7/2 RST_STREAM with an unknown code": ([post(), rst(1, 0xff)], Alive()),
}


def malformed(*fields):
    return [head(fields=list(fields))], Reset(PROTOCOL)


def with_length(length, *chunks):
    frames = [data(chunk, END_STREAM if chunk is chunks[-1] else 0) for chunk in chunks]
    return [post(("content-length", str(length))), *frames], Reset(PROTOCOL)


METHOD, SCHEME, PATH, HOST = request()
MESSAGES = {
    "http2/8.1/1 a second HEADERS without END_STREAM": (
        [post(), data(flags=0), head(fields=TRAILERS, flags=END_HEADERS)], Reset(PROTOCOL)),
    "http2/8.1.2/1 a name in upper case": malformed(*request(), ("X-TEST", "ok")),
    "http2/8.1.2.1/1 unknown pseudo-header": malformed(*request(), (":test", "ok")),
    "http2/8.1.2.1/2 a response's pseudo-header": malformed(*request(), (":status", "200")),
    "http2/8.1.2.1/3 a pseudo-header among trailers": (
        [post(), data(flags=0), head(fields=[(":method", "200")])], Reset(PROTOCOL)),
    "http2/8.1.2.1/4 a pseudo-header after a field": malformed(METHOD, SCHEME, HOST, ("x-test", "ok"), PATH),
    "http2/8.1.2.2/1 connection": malformed(*request(), ("connection", "keep-alive")),
    "http2/8.1.2.2/2 te": malformed(*request(), ("trailers", "test"), ("te", "trailers, deflate")),
    "http2/8.1.2.3/1 empty :path": malformed(METHOD, SCHEME, HOST, (":path", "")),
    "http2/8.1.2.3/2 no :method": malformed(SCHEME, PATH, HOST),
    "http2/8.1.2.3/3 no :scheme": malformed(METHOD, PATH, HOST),
    "http2/8.1.2.3/4 no :path": malformed(METHOD, SCHEME, HOST),
    "http2/8.1.2.3/5 :method twice": malformed(METHOD, *request()),
    "http2/8.1.2.3/6 :scheme twice": malformed(SCHEME, *request()),
    "http2/8.1.2.3/7 :path twice": malformed(PATH, *request()),
    "http2/8.1.2.6/1 content-length is not that of DATA": with_length(1, b"test"),
    "http2/8.1.2.6/2 content-length is not that of several DATA": with_length(1, b"test", b"more"),
    "http2/8.2/1 PUSH_PROMISE": (
        [post(path="/hold"), frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\3" + BLOCK)], Goaway(PROTOCOL)),
}

HPACK = {
    "hpack/2.3.3/1 an index beyond the tables": ([hpack(b"\xc6")], Goaway(COMPRESSION)),
    "hpack/2.3.3/2 a literal with such an index": ([hpack(b"\x7f\x07\x04test")], Goaway(COMPRESSION)),
    "hpack/4.2/1 a table size update at the end of the block": ([hpack(b"\x20")], Goaway(COMPRESSION)),
    "hpack/5.2/1 Huffman padding of more than 7 bits": (
        [hpack(b"\x40\x85\xf2\xb4\xa7\xb3\xff" b"\x83\xa1\xff\xff")], Goaway(COMPRESSION)),
    "hpack/5.2/2 Huffman padding of zeros": ([hpack(b"\x00\x01x" b"\x82\x1f\x00")], Goaway(COMPRESSION)),
    "hpack/5.2/3 Huffman with EOS": ([hpack(b"\x00\x01x" b"\x84\xff\xff\xff\xff")], Goaway(COMPRESSION)),
    "hpack/6.1/1 index 0": ([hpack(b"\x80")], Goaway(COMPRESSION)),
    "hpack/6.3/1 a table size update above the setting": (
        [head(block=b"\x3f\xe2\x1f" + AUTHORITY)], Goaway(COMPRESSION)),
}


# Not h2spec's, and about a window of which no answer has taken anything.
UNANSWERED = ["http2/6.9.2/3 the same by a change"]


def hold(stream, request):
    """No answer: until the proxy gives the connection up."""
    while stream.more():
        pass
    return False


def setUpModule():
    global proxy, ways, tls_port
    backend = Backend(lambda stream, request: Backend.fixed(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
        % (len(BODY), b"" if request.method == "HEAD" else BODY))(stream, request))
    holding = Backend(hold)
    fixed, sniffed, tls_port, local, admin = free_ports(5)
    # A connection that fails must end when GOAWAY is written, not when a client was waited for.
    common = {"http2_protocol_options": {"max_concurrent_streams": MAX_STREAMS}, "delayed_close_timeout": "60s",
              "http_protocol_options": {"enable_trailers": True}}
    routes = [to("holding", prefix="/hold"), to("all", prefix="/")]
    secure = listener("tls", tls_port, routes, **common)
    secure["filter_chains"][0]["transport_socket"] = downstream([Authority().issue("server")])
    at_once = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": BODY.decode()}}}
    proxy = Nuncio(bootstrap(
        [listener("fixed", fixed, routes, codec_type="HTTP2", **common), listener("sniffed", sniffed, routes, **common),
         listener("local", local, [at_once], codec_type="HTTP2", **common), secure],
        [backend.cluster("all"), holding.cluster("holding")],
        admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))
    tls = client_context(alpn=["h2"])
    ways = [("fixed codec, frame by frame", fixed, None, False),
            ("by the first bytes, in one write", sniffed, None, True),
            ("TLS, frame by frame", tls_port, tls, False),
            ("answered at once, frame by frame", local, None, False)]


def tearDownModule():
    proxy.stop()


class Table(unittest.TestCase):

    def play(self, cases):
        for way, port, tls, together in ways:
            for name, (steps, expected) in cases.items():
                if "at once" in way and name in UNANSWERED:
                    continue
                with self.subTest(name, over=way), Peer(port, tls, "at once" in way) as peer:
                    peer.play(steps, together)
                    expected.check(self, peer)

    def test_generic(self):
        self.play(GENERIC)

    def test_frames(self):
        self.play(FRAMES)

    def test_streams(self):
        self.play(STREAMS)

    def test_definitions(self):
        self.play(DEFINITIONS)

    def test_messages(self):
        self.play(MESSAGES)

    def test_hpack(self):
        self.play(HPACK)


class Told(unittest.TestCase):
    """Cases that must look at what comes before they go on."""

    def each(self):
        for way, port, tls, _ in ways:
            with self.subTest(way), Peer(port, tls) as peer:
                yield peer

    def test_http2_3_5_1_the_first_frame_is_settings(self):
        for _, port, tls, _ in ways:
            client = Client(port)
            client.sock = tls.wrap_socket(client.sock) if tls else client.sock
            client.send(http2.PREFACE + settings())
            header = client.exactly(9)
            self.assertEqual((header[3], header[4], header[5:]), (SETTINGS, 0, bytes(4)))
            client.close()

    def test_http2_3_5_2_an_invalid_preface_ends_the_connection(self):
        for way, port, tls, _ in ways:
            with self.subTest(way):
                client = Client(port)
                client.sock = tls.wrap_socket(client.sock) if tls else client.sock
                client.send("INVALID CONNECTION PREFACE\r\n\r\n")
                said = client.rest()
                # Without a word of HTTP/2 before, it may as well have been HTTP/1.
                self.assertEqual(said.startswith(b"HTTP/1.1 400 "), way.startswith("by the first"), said)
                client.close()

    def test_http2_5_1_2_1_more_streams_than_advertised(self):
        for peer in self.each():
            self.assertEqual(peer.settings[http2.MAX_CONCURRENT_STREAMS], MAX_STREAMS)
            streams = range(1, 2 * MAX_STREAMS + 1, 2)
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 0)) + b"".join(head(each) for each in streams))
            peer.stream.send(head(2 * MAX_STREAMS + 1))
            refused = peer.message(2 * MAX_STREAMS + 1)
            peer.wait(lambda: refused.reset is not None)
            self.assertEqual((refused.reset, refused.head), (REFUSED, None))
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 65535)))
            for each in streams:
                self.assertEqual(peer.finish(each).body, BODY)
            Alive().check(self, peer)

    def test_http2_6_5_3_1_the_last_of_several_values_counts(self):
        for peer in self.each():
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)) + head())
            peer.wait(lambda: peer.lengths)
            self.assertEqual(peer.lengths, [1])

    def test_http2_6_5_3_2_settings_are_acknowledged(self):
        for peer in self.each():
            before = peer.acks
            peer.stream.send(settings())
            peer.wait(lambda: peer.acks == before + 1)

    def test_http2_6_7_1_ping_is_answered_with_its_payload(self):
        for peer in self.each():
            peer.send(PING, 0, 0, b"h2spec\1\2")
            peer.wait(lambda: peer.pings)
            self.assertEqual(peer.pings, [b"h2spec\1\2"])

    def test_http2_6_7_2_an_answer_is_not_answered(self):
        for peer in self.each():
            peer.send(PING, ACK, 0, b"invalid!")
            peer.send(PING, 0, 0, b"h2spec\1\2")
            peer.wait(lambda: peer.pings)
            self.assertEqual(peer.pings, [b"h2spec\1\2"])

    def test_http2_6_9_1_1_a_window_of_one_byte(self):
        for peer in self.each():
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 1)) + head())
            peer.wait(lambda: peer.lengths)
            self.assertEqual(peer.lengths, [1])

    def test_http2_6_9_2_1_a_window_opened_by_settings(self):
        for peer in self.each():
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 0)) + head())
            peer.wait(lambda: peer.message(1).head)
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 1)))
            peer.wait(lambda: peer.lengths)
            self.assertEqual(peer.lengths, [1])

    def test_http2_6_9_2_2_a_negative_window(self):
        for peer in self.each():
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 3)) + head())
            peer.wait(lambda: peer.lengths)
            peer.stream.send(settings((INITIAL_WINDOW_SIZE, 2)) + window(1, 2))
            peer.wait(lambda: len(peer.lengths) > 1)
            self.assertEqual(peer.lengths, [3, 1])


if __name__ == "__main__":
    unittest.main()

"""HTTP/2 on raw sockets for the integration tests, either role: frames as they are, field blocks read by nghttp2's
HPACK decoder and written as literals. Its own windows are wide unless a test says otherwise; it does not obey the
peer's, so that a test sees what comes of it."""

import ctypes
import struct
import threading

from harness import Client, Stream, serve_each

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR = 0, 1, 2
REFUSED_STREAM, CANCEL, CONNECT_ERROR, ENHANCE_YOUR_CALM = 7, 8, 10, 11
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, ENABLE_CONNECT_PROTOCOL = 3, 4, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_nghttp2 = ctypes.CDLL("libnghttp2.so.14")


class _Nv(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("value", ctypes.c_void_p), ("namelen", ctypes.c_size_t),
                ("valuelen", ctypes.c_size_t), ("flags", ctypes.c_uint8)]


_nghttp2.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
_nghttp2.nghttp2_hd_inflate_hd2.argtypes = [
    ctypes.c_void_p, ctypes.POINTER(_Nv), ctypes.POINTER(ctypes.c_int), ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_nghttp2.nghttp2_hd_inflate_end_headers.argtypes = [ctypes.c_void_p]


class Decoder:
    def __init__(self):
        self.inflater = ctypes.c_void_p()
        assert _nghttp2.nghttp2_hd_inflate_new(ctypes.byref(self.inflater)) == 0

    def decode(self, block):
        fields = []
        while True:
            nv, flags = _Nv(), ctypes.c_int(0)
            taken = _nghttp2.nghttp2_hd_inflate_hd2(self.inflater, nv, flags, block, len(block), 1)
            assert taken >= 0, taken
            block = block[taken:]
            if flags.value & 2:
                text = [ctypes.string_at(at, size).decode("latin-1")
                        for at, size in ((nv.name, nv.namelen), (nv.value, nv.valuelen))]
                fields.append(tuple(text))
            if flags.value & 1:
                break
        _nghttp2.nghttp2_hd_inflate_end_headers(self.inflater)
        return fields


def _integer(value, prefix):
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([value])
    out, value = bytes([limit]), value - limit
    while value >= 128:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def encode(fields):
    """A block of literals without indexing (RFC 7541 6.2.2): what is given is what is sent, well-formed or not."""
    block = b""
    for name, value in fields:
        block += b"\0"
        for text in (name, value):
            data = text.encode("latin-1") if isinstance(text, str) else text
            block += _integer(len(data), 7) + data
    return block


class Message:
    """What came on one stream. `head` is the last head that is not a 1xx; those stand in `informational`."""

    def __init__(self):
        self.informational = []
        self.head = None
        self.body = b""
        self.trailers = None
        self.ended = False
        self.reset = None  # The error code.

    @property
    def status(self):
        return int(self.get(":status"))

    def get(self, name, fields=None):
        for field, value in (self.head or []) if fields is None else fields:
            if field == name:
                return value
        return None

    def names(self):
        return [name for name, _ in self.head]


class Connection:
    """Either role on a harness Stream. Reads only when a test waits for something."""

    def __init__(self, stream, settings=(), window=1 << 30):
        self.stream = stream
        self.decoder = Decoder()
        self.messages = {}
        self.goaways = []
        self.settings = {}
        self.pongs = 0
        self.closed = False
        self.credit = {}
        self.sent = {}
        self.lock = threading.Lock()
        if isinstance(stream, Client):
            stream.send(PREFACE)
        else:
            assert stream.exactly(len(PREFACE)) == PREFACE
        settings = [(INITIAL_WINDOW_SIZE, window), *settings]
        self.send(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *each) for each in settings))
        if window > 65535:
            self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", window - 65535))

    def send(self, kind, flags, stream, payload=b""):
        with self.lock:
            head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream)
            self.stream.send(head + payload)

    def headers(self, stream, fields, end=False):
        self.send(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, encode(fields))

    def room(self, stream):
        """How many bytes of data the peer takes (RFC 9113 6.9.1)."""
        initial = self.settings.get(INITIAL_WINDOW_SIZE, 65535)
        return min(initial + self.credit.get(stream, 0) - self.sent.get(stream, 0),
                   65535 + self.credit.get(0, 0) - self.sent.get(0, 0))

    def data(self, stream, data, end=False):
        """Reads where it must for the peer's windows; gives up where the stream is reset."""
        at = 0
        while True:
            if at < len(data):
                self.wait(lambda: self.room(stream) > 0 or self.message(stream).reset is not None)
                if self.message(stream).reset is not None:
                    return
            piece = data[at:at + min(16384, max(self.room(stream), 0))]
            at += len(piece)
            for each in (0, stream):
                self.sent[each] = self.sent.get(each, 0) + len(piece)
            self.send(DATA, END_STREAM if end and at == len(data) else 0, stream, piece)
            if at == len(data):
                return

    def rst(self, stream, code=CANCEL):
        self.send(RST_STREAM, 0, stream, struct.pack(">I", code))

    def message(self, stream):
        return self.messages.setdefault(stream, Message())

    def read_frame(self):
        """Takes one frame in; false at the end of the connection."""
        try:
            header = self.stream.exactly(9)
            payload = self.stream.exactly(int.from_bytes(header[:3], "big"))
        except EOFError:
            self.closed = True
            return False
        self.on_frame(header[3], header[4], int.from_bytes(header[5:9], "big") & 0x7fffffff, payload)
        return True

    def on_frame(self, kind, flags, stream, payload):
        if kind == HEADERS:
            self._on_headers(self.message(stream), payload, flags)
        elif kind == DATA:
            self.message(stream).body += payload
            self.message(stream).ended |= bool(flags & END_STREAM)
        elif kind == RST_STREAM:
            self.message(stream).reset = int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", payload))
            self.send(SETTINGS, ACK, 0)
        elif kind == PING and flags & ACK:
            self.pongs += 1
        elif kind == PING:
            self.send(PING, ACK, 0, payload)
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack(">II", payload[:8]))
        elif kind == WINDOW_UPDATE:
            self.credit[stream] = self.credit.get(stream, 0) + int.from_bytes(payload, "big")

    def _on_headers(self, message, payload, flags):
        assert flags & END_HEADERS and not flags & 0x28, "a block in one frame without padding or priority"
        fields = self.decoder.decode(payload)
        status = message.get(":status", fields)
        if message.head is not None:
            message.trailers = fields
        elif status is not None and int(status) < 200:
            message.informational.append(fields)
        else:
            message.head = fields
        message.ended |= bool(flags & END_STREAM)

    def wait(self, condition):
        while not condition():
            if not self.read_frame():
                raise EOFError(f"the connection ended; GOAWAY {self.goaways}")

    def close(self):
        self.stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class Http2Client(Connection):
    def __init__(self, port, tls=None, **options):
        """`tls`: an SSLContext, where the port speaks TLS."""
        client = Client(port)
        if tls is not None:
            client.sock = tls.wrap_socket(client.sock)
        super().__init__(client, **options)
        self.last = -1

    def begin(self, fields, end=True):
        self.last += 2
        self.headers(self.last, fields, end)
        return self.last

    def request(self, path, method="GET", fields=(), authority="a.test"):
        return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path), *fields]

    def finish(self, stream):
        message = self.message(stream)
        self.wait(lambda: message.ended or message.reset is not None)
        return message

    def get(self, path, fields=(), body=None, method="GET"):
        stream = self.begin(self.request(path, method, fields), end=body is None)
        if body is not None:
            self.data(stream, body, end=True)
        return self.finish(stream)


class Http2Backend:
    """A server whose answers a test scripts: `answer(connection, stream, message)` is called, in a thread of the
    connection, with each request once its head is there. Over TLS with an ssl.SSLContext."""

    def __init__(self, answer=None, settings=(), context=None):
        import socket
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer = answer or self.echo
        self.settings = settings
        self.context = context
        self.requests = []
        self.accepted = []
        serve_each(self.listener, self._serve)

    @staticmethod
    def echo(connection, stream, message):
        connection.wait(lambda: message.ended or message.reset is not None)
        if message.reset is not None:
            return
        body = message.body or message.get(":path").encode()
        connection.headers(stream, [(":status", "200"), ("content-length", str(len(body)))])
        connection.data(stream, body, end=True)

    def _serve(self, sock):
        self.accepted.append(sock)
        stream = Stream(sock)
        sock.settimeout(None)
        try:
            if self.context is not None:
                stream.sock = self.context.wrap_socket(stream.sock, server_side=True)
            connection = Connection(stream, self.settings)
            seen = set()
            while True:
                fresh = [each for each, message in connection.messages.items()
                         if message.head is not None and each not in seen]
                for each in fresh:
                    seen.add(each)
                    self.requests.append(connection.messages[each])
                    self.answer(connection, each, connection.messages[each])
                if not fresh and not connection.read_frame():
                    break
        except (EOFError, OSError):
            pass
        finally:
            stream.close()

    @property
    def connections(self):
        return len(self.accepted)

    def last(self):
        return self.requests[-1]

    def cluster(self, name, **fields):
        from harness import cluster
        return cluster(name, [self.port], http2_protocol_options={}, **fields)

    def stop(self):
        import socket
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

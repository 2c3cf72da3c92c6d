"""Clients and servers of HTTP/1.1 and HTTP/2 with one face, so that an exchange is written once for every pairing.

A stream of either role has: `head` (a Head, once it came), `informational`, `read`, `rest`, `trailers`, `complete` (its
message ended by its own framing), `over` (nothing more comes), and to send: `send`, `end`, `reset`.
"""

import hashlib
import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from harness import serve_each
from wire import Wire

PATIENCE = 60.0


class Head:
    """`start` is the status of an answer, or the method of a request."""

    def __init__(self, start, path, fields):
        self.start, self.path, self.fields = start, path, fields

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None


class Incoming:
    """What one side of a stream has received. Guarded by its condition."""

    def __init__(self):
        self.changed = threading.Condition()
        self.head = None
        self.informational = []
        self.buffer = bytearray()
        self.received = 0
        self.digest = hashlib.sha256()
        self.trailers = []
        self.complete = False
        self.over = False

    def put(self, **values):
        with self.changed:
            for name, value in values.items():
                setattr(self, name, value)
            self.changed.notify_all()

    def put_data(self, data):
        with self.changed:
            self.buffer += data
            self.received += len(data)
            self.digest.update(data)
            self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(lambda: condition() or self.over, PATIENCE):
                raise AssertionError(f"did not happen in {PATIENCE} s: {what}")
            return condition()

    def wait_head(self):
        if not self.wait(lambda: self.head is not None, "a head"):
            raise EOFError("the stream ended without a head")
        return self.head

    def wait_informational(self, count=1):
        if not self.wait(lambda: len(self.informational) >= count, "an informational answer"):
            raise EOFError("the stream ended without an informational answer")
        return self.informational[count - 1]

    def read(self, size):
        """Exactly so many bytes of the body."""
        if not self.wait(lambda: len(self.buffer) >= size, f"{size} bytes"):
            raise EOFError(f"the body ended early, {len(self.buffer)} bytes are left")
        with self.changed:
            data = bytes(self.buffer[:size])
            del self.buffer[:size]
            return data

    def drain(self):
        """Waits for the end of the message, and drops its body. Whether it is complete."""
        while True:
            with self.changed:
                if not self.changed.wait_for(lambda: self.over or self.buffer, PATIENCE):
                    raise AssertionError(f"nothing came for {PATIENCE} s")
                self.buffer.clear()
                if self.over:
                    return self.complete

    def rest(self):
        self.wait(lambda: False, "the end of the message")
        with self.changed:
            data = bytes(self.buffer)
            self.buffer.clear()
            return data


# HTTP/1.1 -------------------------------------------------------------------------------------------------------------

class H1Parser:
    """Cuts the bytes of one connection into messages, for `new_message(head)`, which returns an Incoming."""

    def __init__(self, of_answers, new_message):
        self.of_answers, self.new_message = of_answers, new_message
        self.buffer = bytearray()
        self.step = self._head
        self.incoming = None
        self.left = 0
        self.to_head = False  # The next answer is to a HEAD.

    def feed(self, data):
        self.buffer += data
        while self.step():
            pass

    def end(self, clean):
        if self.incoming is None:
            return
        until_close = self.step == self._until_close
        self.incoming.put(complete=until_close and clean, over=True)

    def _line(self):
        at = self.buffer.find(b"\r\n")
        if at < 0:
            return None
        line = bytes(self.buffer[:at])
        del self.buffer[:at + 2]
        return line

    def _head(self):
        at = self.buffer.find(b"\r\n\r\n")
        if at < 0:
            return False
        lines = bytes(self.buffer[:at]).decode("latin-1").split("\r\n")
        del self.buffer[:at + 4]
        fields = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines[1:]]
        words = lines[0].split(" ", 2)
        head = Head(int(words[1]) if self.of_answers else words[0], None if self.of_answers else words[1], fields)
        if self.of_answers and 100 <= head.start < 200 and head.start != 101:
            incoming = self.new_message(None)
            with incoming.changed:
                incoming.informational.append(head)
                incoming.changed.notify_all()
            return True
        self.incoming = self.new_message(head)
        self.incoming.put(head=head)
        no_body = self.of_answers and (self.to_head or head.start in (204, 304))
        if not no_body and "chunked" in (head.get("transfer-encoding") or ""):
            self.step = self._chunk_size
        elif not no_body and head.get("content-length") is not None:
            self.left = int(head.get("content-length"))
            self.step = self._counted
        elif not no_body and self.of_answers:
            self.step = self._until_close
        else:
            self._finish()
        return True

    def _finish(self):
        incoming, self.incoming = self.incoming, None
        self.step = self._head
        incoming.put(complete=True, over=True)

    def _take(self):
        data = bytes(self.buffer[:self.left])
        del self.buffer[:self.left]
        self.left -= len(data)
        if data:
            self.incoming.put_data(data)
        return self.left == 0

    def _counted(self):
        if not self._take():
            return False
        self._finish()
        return True

    def _chunk_size(self):
        line = self._line()
        if line is None:
            return False
        self.left = int(line.split(b";")[0], 16)
        self.step = self._chunk if self.left else self._trailer
        return True

    def _chunk(self):
        if not self._take():
            return False
        self.step = self._chunk_end
        return True

    def _chunk_end(self):
        line = self._line()
        if line is None:
            return False
        assert line == b"", line
        self.step = self._chunk_size
        return True

    def _trailer(self):
        line = self._line()
        if line is None:
            return False
        if line:
            self.incoming.trailers.append(tuple(line.decode("latin-1").split(": ", 1)))
        else:
            self._finish()
        return True

    def _until_close(self):
        if not self.buffer:
            return False
        self.incoming.put_data(bytes(self.buffer))
        self.buffer.clear()
        return True


class H1Stream:
    """One exchange on an HTTP/1.1 connection."""

    def __init__(self, wire, incoming, is_client):
        self.wire, self.incoming, self.is_client = wire, incoming, is_client
        self.chunked = False
        self.ended = False

    def send_head(self, start, path, fields, end):
        line = f"{start} {path} HTTP/1.1" if self.is_client else f"HTTP/1.1 {start} Status"
        has_length = any(name.lower() == "content-length" for name, _ in fields)
        bodiless = start in (204, 304) or (not end and False)
        lines = [line] + [f"{name}: {value}" for name, value in fields]
        if not end and not has_length and not bodiless:
            self.chunked = True
            lines.append("transfer-encoding: chunked")
        elif end and not has_length and not self.is_client and not bodiless:
            lines.append("content-length: 0")
        self.wire.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        self.ended = end

    def inform(self, status, fields=()):
        lines = [f"HTTP/1.1 {status} Informational"] + [f"{name}: {value}" for name, value in fields]
        self.wire.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def send(self, data):
        if data:
            self.wire.send(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    def end(self, trailers=()):
        if self.chunked:
            lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
            self.wire.send(b"0\r\n" + lines.encode("latin-1") + b"\r\n")
        self.ended = True

    def reset(self):
        self.wire.end("reset")


class H1Client:
    """A connection of a client; one exchange at a time."""

    protocol = "h1"

    def __init__(self, wire):
        self.wire = wire
        self.current = None
        self.parser = H1Parser(True, lambda head: self.current)
        wire.start(self.parser.feed, self._on_end)

    def _on_end(self, clean):
        self.parser.end(clean)
        if self.current is not None:
            self.current.put(over=True)

    def open(self, method, path, fields=(), end=True, authority="pair.test"):
        self.current = Incoming()
        self.parser.to_head = method == "HEAD"
        stream = H1Stream(self.wire, self.current, True)
        stream.send_head(method, path, [("host", authority), *fields], end)
        return stream

    def close(self):
        self.wire.end("close")


class H1ServerConnection:
    def __init__(self, wire, handler):
        self.wire, self.handler = wire, handler
        self.turn = threading.Semaphore(1)
        self.parser = H1Parser(False, self._new_message)
        wire.start(self.parser.feed, self.parser.end)

    def _new_message(self, head):
        incoming = Incoming()
        threading.Thread(target=self._answer, args=(incoming,), daemon=True).start()
        return incoming

    def _answer(self, incoming):
        with self.turn:  # Answers of pipelined requests come in order.
            incoming.wait_head()
            self.handler(H1Stream(self.wire, incoming, False))


# HTTP/2 ---------------------------------------------------------------------------------------------------------------

class H2Stream:
    def __init__(self, connection, number):
        self.connection, self.number = connection, number
        self.incoming = Incoming()
        self.window_opened = threading.Condition()

    def send_head(self, start, path, fields, end):
        raise NotImplementedError

    def inform(self, status, fields=()):
        self.connection.act(lambda h2c: h2c.send_headers(self.number, [(":status", str(status)), *fields]))

    def send(self, data):
        at = 0
        while at < len(data):
            at += self.connection.send_some(self, data, at)

    def end(self, trailers=()):
        if trailers:
            self.connection.act(lambda h2c: h2c.send_headers(self.number, list(trailers), end_stream=True))
        else:
            self.connection.act(lambda h2c: h2c.end_stream(self.number))

    def reset(self, code=h2.errors.ErrorCodes.CANCEL):
        self.connection.act(lambda h2c: h2c.reset_stream(self.number, code))


class H2Connection:
    """Either role. Windows are credited as bytes arrive."""

    def __init__(self, wire, client_side):
        self.wire = wire
        self.lock = threading.RLock()
        self.window = threading.Condition(self.lock)
        self.streams = {}
        self.closed = False
        self.settings_seen = threading.Event()
        config = h2.config.H2Configuration(client_side=client_side, header_encoding="latin-1",
                                           validate_outbound_headers=False, normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        with self.lock:
            self.h2.initiate_connection()
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
            self.h2.increment_flow_control_window(8 << 20)
            self.wire.send(self.h2.data_to_send())
        wire.start(self._on_bytes, self._on_end)

    def act(self, action):
        """Does nothing on a stream or connection that is over."""
        with self.lock:
            try:
                action(self.h2)
            except h2.exceptions.ProtocolError:
                pass
            self.wire.send(self.h2.data_to_send())

    def send_some(self, stream, data, at):
        with self.lock:
            def room():
                if self.closed or stream.incoming.over and not stream.incoming.complete:
                    return -1
                try:
                    return min(self.h2.local_flow_control_window(stream.number), self.h2.max_outbound_frame_size)
                except h2.exceptions.ProtocolError:
                    return -1

            if not self.window.wait_for(lambda: room() != 0, PATIENCE):
                raise AssertionError(f"no window for {PATIENCE} s")
            size = room()
            if size < 0:
                return len(data) - at
            size = min(size, len(data) - at)
            try:
                self.h2.send_data(stream.number, data[at:at + size])
            except h2.exceptions.ProtocolError:
                return len(data) - at
            self.wire.send(self.h2.data_to_send())
            return size

    def _on_end(self, clean):
        with self.lock:
            self.closed = True
            self.window.notify_all()
            for stream in self.streams.values():
                stream.incoming.put(over=True)

    def _on_bytes(self, data):
        with self.lock:
            try:
                events = self.h2.receive_data(data)
            except h2.exceptions.ProtocolError as error:
                self.fault = error
                self.wire.send(self.h2.data_to_send())
                self.wire.end("close")
                return
            for event in events:
                self._on_event(event)
            self.wire.send(self.h2.data_to_send())
            self.window.notify_all()

    def _on_event(self, event):
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings_seen.set()
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            self.on_request(event)
        elif stream is None:
            return
        elif isinstance(event, h2.events.InformationalResponseReceived):
            with stream.incoming.changed:
                stream.incoming.informational.append(self.make_head(event.headers))
                stream.incoming.changed.notify_all()
        elif isinstance(event, h2.events.ResponseReceived):
            stream.incoming.put(head=self.make_head(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            stream.incoming.put_data(event.data)
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.incoming.put(trailers=[(name, value) for name, value in event.headers])
        elif isinstance(event, h2.events.StreamEnded):
            stream.incoming.put(complete=True, over=True)
        elif isinstance(event, h2.events.StreamReset):
            stream.incoming.put(over=True, reset_code=event.error_code)

    @staticmethod
    def make_head(fields):
        pseudo = {name: value for name, value in fields if name.startswith(":")}
        plain = [(name, value) for name, value in fields if not name.startswith(":")]
        if ":status" in pseudo:
            return Head(int(pseudo[":status"]), None, plain)
        if ":authority" in pseudo:
            plain.insert(0, ("host", pseudo[":authority"]))
        return Head(pseudo[":method"], pseudo.get(":path"), plain)


class H2ClientStream(H2Stream):
    pass


class H2Client(H2Connection):
    """A connection of a client; any number of exchanges at once."""

    protocol = "h2"

    def __init__(self, wire):
        self.scheme = "https" if wire.alpn else "http"
        super().__init__(wire, True)
        assert self.settings_seen.wait(PATIENCE), "no SETTINGS"

    def open(self, method, path, fields=(), end=True, authority="pair.test"):
        with self.lock:
            number = self.h2.get_next_available_stream_id()
            stream = self.streams[number] = H2ClientStream(self, number)
            self.h2.send_headers(number, [(":method", method), (":scheme", self.scheme), (":authority", authority),
                                          (":path", path), *fields], end_stream=end)
            self.wire.send(self.h2.data_to_send())
            return stream

    def close(self):
        self.act(lambda h2c: h2c.close_connection())
        self.wire.end("close")


class H2ServerStream(H2Stream):
    def send_head(self, start, path, fields, end):
        self.connection.act(lambda h2c: h2c.send_headers(self.number, [(":status", str(start)), *fields],
                                                         end_stream=end))


class H2ServerConnection(H2Connection):
    def __init__(self, wire, handler):
        self.handler = handler
        super().__init__(wire, False)

    def on_request(self, event):
        stream = self.streams[event.stream_id] = H2ServerStream(self, event.stream_id)
        stream.incoming.put(head=self.make_head(event.headers))
        threading.Thread(target=self.handler, args=(stream,), daemon=True).start()


# Both -----------------------------------------------------------------------------------------------------------------

class Server:
    """Answers every request with `handler(stream)`, on a thread each. `requests` keeps the streams by path."""

    def __init__(self, protocol, handler, context=None):
        self.protocol, self.handler, self.context = protocol, handler, context
        self.requests = {}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        serve_each(self.listener, self._serve)

    def _serve(self, sock):
        try:
            wire = Wire(sock, self.context, server_side=True)
        except OSError:
            sock.close()
            return
        (H2ServerConnection if self.protocol == "h2" else H1ServerConnection)(wire, self._on_stream)

    def _on_stream(self, stream):
        self.requests[stream.incoming.head.path] = stream
        self.handler(stream)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def connect(protocol, port, context=None):
    wire = Wire(socket.create_connection(("127.0.0.1", port)), context, hostname="pair.test")
    if context is not None:
        assert wire.alpn == {"h1": "http/1.1", "h2": "h2"}[protocol], wire.alpn
    return (H2Client if protocol == "h2" else H1Client)(wire)

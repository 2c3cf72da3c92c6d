"""Upgrades and CONNECT: WebSocket in every pairing of protocols, tunnels to plain TCP, what refuses them and how they
end."""

import base64
import contextlib
import hashlib
import os
import socket
import unittest

import http2
from harness import (AccessLog, Backend, Client, Message, Nuncio, bootstrap, cluster, directory, free_ports, listener,
                     serve_each, to, wait_for)

KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def frame(payload, masked):
    """A WebSocket text frame (RFC 6455 5.2)."""
    size = len(payload)
    head = bytes([0x81, (0x80 if masked else 0) | (size if size < 126 else 126)])
    if size >= 126:
        head += size.to_bytes(2, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class Frames:
    """Cuts frames out of a flow of bytes."""

    def __init__(self):
        self.bytes = b""

    def feed(self, data):
        self.bytes += data
        out = []
        while len(self.bytes) >= 2:
            masked, size, at = self.bytes[1] & 0x80, self.bytes[1] & 0x7f, 2
            if size == 126:
                size, at = int.from_bytes(self.bytes[2:4], "big"), 4
            end = at + (4 if masked else 0) + size
            if len(self.bytes) < end:
                break
            payload = self.bytes[end - size:end]
            if masked:
                mask = self.bytes[at:at + 4]
                payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            out.append(payload)
            self.bytes = self.bytes[end:]
        return out


def websocket_h1(stream, request):
    """An echo server over HTTP/1.1. Ends when its client does, with a last word."""
    assert request.get("upgrade").lower() == "websocket" and "upgrade" in request.get("connection").lower()
    key = request.get("sec-websocket-key")
    if request.path.endswith("/ignored"):
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True
    if request.path.endswith("/no"):
        stream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        return True
    proof = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    stream.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Accept: {proof}\r\n\r\n")
    frames = Frames()
    while True:
        for payload in frames.feed(stream.buffer):
            stream.send(frame(payload, False))
        stream.buffer = b""
        if not stream.more():
            stream.send(frame(b"bye", False))
            return False


def websocket_h2(connection, stream, message):
    """The same over HTTP/2."""
    assert message.get(":method") == "CONNECT" and message.get(":protocol") == "websocket", message.head
    if message.get(":path").endswith("/no"):
        connection.headers(stream, [(":status", "403"), ("content-length", "2")])
        connection.data(stream, b"no", end=True)
        return
    connection.headers(stream, [(":status", "200")])
    frames, taken = Frames(), 0
    while True:
        connection.wait(lambda: len(message.body) > taken or message.ended or message.reset is not None)
        for payload in frames.feed(message.body[taken:]):
            connection.data(stream, frame(payload, False))
        taken = len(message.body)
        if message.reset is not None:
            return
        if message.ended:
            connection.data(stream, frame(b"bye", False), end=True)
            return


class TcpEcho:
    """Plain TCP: greets, echoes, and says goodbye when its client half-closes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        serve_each(self.listener, self._serve)

    @staticmethod
    def _serve(sock):
        with sock, contextlib.suppress(ConnectionError):
            sock.sendall(b"hello\n")
            while data := sock.recv(65536):
                sock.sendall(data)
            sock.sendall(b"bye\n")

    def stop(self):
        self.listener.close()


def connect_proxy_h1(stream, request):
    """A proxy behind the proxy: accepts CONNECT and echoes."""
    if request.path.startswith("refused"):
        stream.send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        return True
    stream.send("HTTP/1.1 200 OK\r\n\r\n")
    while True:
        stream.send(stream.buffer)
        stream.buffer = b""
        if not stream.more():
            return False


def connect_proxy_h2(connection, stream, message):
    assert (message.get(":path"), message.get(":scheme")) == (None, None), message.head
    connection.headers(stream, [(":status", "200")])
    taken = 0
    while not message.ended:
        connection.wait(lambda: len(message.body) > taken or message.ended)
        connection.data(stream, message.body[taken:], end=message.ended)
        taken = len(message.body)


def setUpModule():
    global proxy, ws1, ws2, web, port, brief, admin, log, echo, connect1, connect2, nobody
    log = AccessLog(os.path.join(directory(), "access.log"))
    ws1 = Backend(websocket_h1)
    ws2 = http2.Http2Backend(websocket_h2, settings=[(http2.ENABLE_CONNECT_PROTOCOL, 1)])
    connect1, connect2, echo = Backend(connect_proxy_h1), http2.Http2Backend(connect_proxy_h2), TcpEcho()
    web = Backend()
    port, brief, admin, nobody = free_ports(4)

    def connect(host, cluster_name, **config):
        return {"match": {"connect_matcher": {}, "headers": [{"name": ":authority", "string_match": {"exact": host}}]},
                "route": {"cluster": cluster_name, "upgrade_configs": [{"upgrade_type": "CONNECT", **config}]}}

    routes = [
        to("h1"), to("h2"),
        to("h1", prefix="/forbidden", upgrade_configs=[{"upgrade_type": "websocket", "enabled": False}]),
        to("h1", prefix="/quiet", idle_timeout="0.3s"),
        connect("tcp.test:1", "tcp", connect_config={}),
        connect("nobody.test:1", "nobody", connect_config={}),
        connect("h1.test:1", "connect1"), connect("h2.test:1", "connect2"), connect("refused.test:1", "connect1"),
        {"match": {"connect_matcher": {}, "headers": [{"name": ":authority", "string_match": {"exact": "off.test:1"}}]},
         "route": {"cluster": "tcp"}},
    ]
    clusters = [ws1.cluster("h1"), ws2.cluster("h2"), cluster("tcp", [echo.port]), cluster("nobody", [nobody]),
                connect1.cluster("connect1"), connect2.cluster("connect2")]
    # Connections without a request have 0.2 s on either side.
    idle = {"common_http_protocol_options": {"idle_timeout": "0.2s"}}
    clusters += [ws1.cluster("brief_h1", **idle), ws2.cluster("brief_h2", **idle), web.cluster("brief_web", **idle),
                 cluster("brief_tcp", [echo.port], **idle)]
    silent = [to("brief_h1", timeout="0s"), to("brief_h2", timeout="0s"), to("brief_web"),
              connect("tcp.test:1", "brief_tcp", connect_config={})]
    options = {"upgrade_configs": [{"upgrade_type": "websocket"}], "http2_protocol_options": {"allow_connect": True}}
    proxy = Nuncio(bootstrap(
        [listener("main", port, routes, log=log.path, **options),
         listener("brief", brief, silent, stream_idle_timeout="0s", **idle, **options)],
        clusters, admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


class WebSocket1:
    """A client over HTTP/1.1."""

    def __init__(self, path, ahead=b"", at=None):
        self.client = Client(at or port)
        self.client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode() + ahead)
        self.head = self.client.head()
        self.status = self.head.status
        self.frames = Frames()
        self.queue = []

    def send(self, payload):
        self.client.send(frame(payload, True))

    def end(self):
        self.client.sock.shutdown(socket.SHUT_WR)

    def receive(self):
        while not self.queue:
            self.queue += self.frames.feed(self.client.buffer)
            self.client.buffer = b""
            if not self.queue and not self.client.more():
                return None
        return self.queue.pop(0)

    def close(self):
        self.client.close()


class WebSocket2:
    """A client over HTTP/2 (RFC 8441)."""

    def __init__(self, path, at=None):
        self.connection = http2.Http2Client(at or port)
        self.connection.wait(lambda: self.connection.settings.get(http2.ENABLE_CONNECT_PROTOCOL) == 1)
        self.stream = self.connection.begin(
            [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path),
             (":authority", "a"), ("sec-websocket-version", "13")], end=False)
        self.message = self.connection.message(self.stream)
        self.connection.wait(lambda: self.message.head)
        self.status = self.message.status
        self.frames = Frames()
        self.queue = []
        self.taken = 0

    def send(self, payload):
        self.connection.data(self.stream, frame(payload, True))

    def end(self):
        self.connection.data(self.stream, b"", end=True)

    def receive(self):
        message = self.message
        while not self.queue:
            self.queue += self.frames.feed(message.body[self.taken:])
            self.taken = len(message.body)
            if self.queue:
                break
            if message.ended or message.reset is not None:
                return None
            self.connection.wait(lambda: len(message.body) > self.taken or message.ended or message.reset is not None)
        return self.queue.pop(0)

    def close(self):
        self.connection.close()


def silence():
    """As long as it takes connections on either side of `brief` to be closed for being idle."""
    before = stat("cluster.brief_web.upstream_cx_idle_timeout")
    with Client(brief) as other:
        assert other.get("/brief_web").status == 200
        assert other.at_end()
    wait_for(lambda: stat("cluster.brief_web.upstream_cx_idle_timeout") == before + 1, "the idle host's end")


class WebSocket(unittest.TestCase):

    PAIRINGS = [(kind, upstream, accepted) for kind, accepted in ((WebSocket1, 101), (WebSocket2, 200))
                for upstream in ("h1", "h2")]

    def test_messages_both_ways_and_each_half_ends_alone(self):
        for kind, upstream, accepted in self.PAIRINGS:
            client = kind(f"/{upstream}/chat")
            self.assertEqual(client.status, accepted, (kind, upstream))
            for payload in (b"one", b"x" * 5000, b""):
                client.send(payload)
                self.assertEqual(client.receive(), payload)
            client.end()
            self.assertEqual(client.receive(), b"bye")
            self.assertIsNone(client.receive())
            client.close()

    def test_silence_longer_than_connections_may_be_idle(self):
        for kind in (WebSocket1, WebSocket2):
            clients = [kind(f"/brief_{upstream}/chat", at=brief) for upstream in ("h1", "h2")]
            for i in range(3):
                silence()
                for client in clients:
                    client.send(b"after silence %d" % i)
                    self.assertEqual(client.receive(), b"after silence %d" % i)
            for client in clients:
                client.end()
                self.assertEqual(client.receive(), b"bye")
                client.close()

    def test_a_refusal_is_passed_on(self):
        for kind, upstream, _ in self.PAIRINGS:
            client = kind(f"/{upstream}/no")
            self.assertEqual(client.status, 403, (kind, upstream))
            client.close()

    def test_a_host_that_ignores_the_upgrade(self):
        client = WebSocket1("/h1/ignored")
        self.assertEqual(client.status, 200)
        client.close()
        # Over HTTP/2 that status would say that the tunnel stands.
        client = WebSocket2("/h1/http2/ignored")
        self.assertEqual(client.status, 502)
        client.close()
        self.assertEqual(log.line("/h1/http2/ignored")["details"], "upgrade_failed")

    def test_the_proof_of_the_handshake(self):
        for upstream in ("h1", "h2"):
            client = WebSocket1(f"/{upstream}/proof")
            self.assertEqual(client.head.get("sec-websocket-accept"), ACCEPT, upstream)
            self.assertEqual(client.head.get("upgrade"), "websocket")
            client.close()

    def test_what_follows_the_request_at_once_is_the_tunnels(self):
        for upstream in ("h1", "h2"):
            client = WebSocket1(f"/{upstream}/ahead", frame(b"GET / HTTP/1.1\r\n\r\n", True))
            self.assertEqual(client.receive(), b"GET / HTTP/1.1\r\n\r\n", upstream)
            client.close()

    def test_refused_by_the_route_or_unknown(self):
        with Client(port) as client:
            client.send("GET /forbidden HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                        "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(client.answer().status, 403)
            self.assertTrue(client.at_end())
        with Client(port) as client:
            client.send("GET /h1/other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: spdy\r\n\r\n")
            self.assertEqual(client.answer().status, 403)
        self.assertEqual(log.line("/h1/other")["details"], "upgrade_failed")
        self.assertFalse([each for each in ws1.requests if each.path in ("/forbidden", "/smuggled", "/h1/other")])

    def test_a_quiet_tunnel_ends(self):
        client = WebSocket1("/quiet")
        self.assertEqual(client.status, 101)
        self.assertIsNone(client.receive())
        self.assertEqual(log.line("/quiet")["details"], "stream_idle_timeout")

    def test_a_client_that_vanishes_ends_the_hosts_side(self):
        before = stat("http.main.downstream_cx_upgrades_total")
        client = WebSocket1("/h1/gone")
        client.send(b"x")
        client.receive()
        self.assertEqual(stat("http.main.downstream_cx_upgrades_active"), 1)
        client.client.reset()
        wait_for(lambda: stat("http.main.downstream_cx_upgrades_active") == 0, "the tunnel's end")
        self.assertEqual(stat("http.main.downstream_cx_upgrades_total"), before + 1)
        self.assertEqual(log.line("/h1/gone")["flags"], "DC")

    def test_an_http2_client_that_resets_leaves_the_connection(self):
        client = WebSocket2("/h2/reset")
        client.send(b"x")
        client.receive()
        client.connection.rst(client.stream)
        answer = client.connection.get("/nothing")
        self.assertEqual(answer.status, 404)
        client.close()


class Connect(unittest.TestCase):

    def open1(self, authority, ahead=b"", at=None):
        client = Client(at or port)
        client.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode() + ahead)
        return client, client.head()

    def open2(self, authority, at=None):
        connection = http2.Http2Client(at or port)
        stream = connection.begin([(":method", "CONNECT"), (":authority", authority)], end=False)
        message = connection.message(stream)
        connection.wait(lambda: message.head or message.reset is not None)
        return connection, stream, message

    def test_ended_here_http1(self):
        client, head = self.open1("tcp.test:1", b"early")
        self.assertEqual((head.status, head.get("content-length"), head.get("transfer-encoding")), (200, None, None))
        self.assertEqual(client.until(b"early"), b"hello\nearly")
        client.send(b"more")
        self.assertEqual(client.exactly(4), b"more")
        client.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(client.rest(), b"bye\n")

    def test_ended_here_http2(self):
        connection, stream, message = self.open2("tcp.test:1")
        self.assertEqual(message.status, 200)
        connection.data(stream, b"ping", end=True)
        connection.wait(lambda: message.ended)
        self.assertEqual(message.body, b"hello\npingbye\n")
        connection.close()

    def test_silence_longer_than_connections_may_be_idle(self):
        client, head = self.open1("tcp.test:1", at=brief)
        connection, stream, message = self.open2("tcp.test:1", at=brief)
        self.assertEqual((head.status, client.exactly(6), message.status), (200, b"hello\n", 200))
        for i in range(3):
            silence()
            client.send(b"%d" % i)
            self.assertEqual(client.exactly(1), b"%d" % i)
            connection.data(stream, b"%d" % i)
            connection.wait(lambda: message.body.endswith(b"%d" % i) or message.reset is not None)
            self.assertIsNone(message.reset)
        self.assertEqual(message.body, b"hello\n012")
        connection.close()
        client.close()

    def test_nobody_there(self):
        client, head = self.open1("nobody.test:1")
        self.assertEqual(head.status, 503)
        connection, _, message = self.open2("nobody.test:1")
        self.assertEqual(message.status, 503)
        connection.close()
        client.close()

    def test_forwarded_in_every_pairing(self):
        for upstream in ("h1.test:1", "h2.test:1"):
            with self.subTest(client="http1", upstream=upstream):
                client, head = self.open1(upstream)
                self.assertEqual(head.status, 200)
                client.send(b"over there")
                self.assertEqual(client.exactly(10), b"over there")
                client.sock.shutdown(socket.SHUT_WR)
                self.assertEqual(client.rest(), b"")
            with self.subTest(client="http2", upstream=upstream):
                connection, stream, message = self.open2(upstream)
                self.assertEqual(message.status, 200)
                connection.data(stream, b"over there", end=True)
                connection.wait(lambda: message.ended)
                self.assertEqual(message.body, b"over there")
                connection.close()
        self.assertIn("h1.test:1", [each.path for each in connect1.requests])

    def test_a_refusal_is_passed_on(self):
        client, head = self.open1("refused.test:1", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(head.status, 502)
        self.assertTrue(client.at_end())

    def test_not_configured(self):
        for authority in ("off.test:1", "unknown.test:1"):
            client, head = self.open1(authority, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(head.status, 405)
            client.exactly(int(head.get("content-length")))
            self.assertTrue(client.at_end())


if __name__ == "__main__":
    unittest.main()

"""Every tunnel there is: upgrades and CONNECT, over either protocol on either side, and CONNECT ended here in plain
TCP. Through each go large amounts both ways at once; either side may end first and the other goes on; and a broken end
breaks the other."""

import hashlib
import queue
import socket
import threading
import unittest

import http2
from harness import Backend, Client, Nuncio, Stream, bootstrap, cluster, free_ports, listener, serve_each, to, wait_for

SIZE = 4 << 20
LAST_WORDS = b"last words"


def pattern(seed):
    """Bytes in which a lost, doubled or misplaced piece shows."""
    return b"".join(hashlib.sha256(b"%d.%d" % (seed, i)).digest() * 128 for i in range(SIZE // 4096))


DOWN, UP = pattern(1), pattern(2)


class OverSocket:
    """An end of a tunnel on a socket of its own."""

    def __init__(self, stream):
        self.stream = stream

    def send(self, data):
        self.stream.send(data)

    def end(self):
        self.stream.sock.shutdown(socket.SHUT_WR)

    def exactly(self, size):
        return self.stream.exactly(size)

    def rest(self):
        """What comes up to the other side's end, and whether that was a proper one."""
        try:
            while data := self.stream.sock.recv(1 << 20):
                self.stream.buffer += data
        except ConnectionError:
            return self.stream.buffer, False
        return self.stream.buffer, True

    def exchange(self, data):
        """Sends all of it and its own end while reading to the other's."""
        sender = threading.Thread(target=lambda: (self.send(data), self.end()))
        sender.start()
        got = self.rest()
        sender.join()
        return got

    def reset(self):
        self.stream.reset()

    def close(self):
        self.stream.close()


class OverHttp2:
    """An end of a tunnel on a stream."""

    def __init__(self, connection, stream):
        self.connection, self.stream, self.message = connection, stream, connection.message(stream)
        self.taken = 0

    def send(self, data):
        self.connection.data(self.stream, data)

    def end(self):
        self.connection.data(self.stream, b"", end=True)

    def exactly(self, size):
        self.connection.wait(lambda: len(self.message.body) >= size)
        self.taken = size
        return self.message.body[:size]

    def rest(self):
        self.connection.wait(lambda: self.message.ended or self.message.reset is not None)
        return self.message.body[self.taken:], self.message.ended

    def exchange(self, data):
        self.connection.data(self.stream, data, end=True)
        return self.rest()

    def reset(self):
        self.connection.rst(self.stream, http2.CANCEL)

    def close(self):
        self.connection.close()


# What the far side does, and hands to the test by `heard`.
def both(far):
    heard.put(far.exchange(DOWN))


def ends_first(far):
    far.send(LAST_WORDS)
    far.end()
    heard.put(far.rest())


def ends_second(far):
    heard.put(far.rest())
    far.send(LAST_WORDS)
    far.end()


def breaks(far):
    heard.put(far.exactly(5))
    far.reset()


def listens(far):
    heard.put(far.exactly(5))
    heard.put(far.rest())


CONDUCTS = {each.__name__.replace("_", "-"): each for each in (both, ends_first, ends_second, breaks, listens)}


def conduct(target):
    return next(act for name, act in CONDUCTS.items() if name in target)


def far_h1(stream, request):
    stream.sock.settimeout(15)
    if request.method == "CONNECT":
        stream.send("HTTP/1.1 200 OK\r\n\r\n")
    else:
        stream.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    conduct(request.path)(OverSocket(stream))
    return False


def far_h2(connection, stream, message):
    connection.headers(stream, [(":status", "200")])
    conduct(message.get(":path") or message.get(":authority"))(OverHttp2(connection, stream))


class FarTcp:
    def __init__(self, act):
        self.act = act
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        serve_each(self.listener, self._serve)

    def _serve(self, sock):
        with sock:
            try:
                self.act(OverSocket(Stream(sock)))
            except OSError:
                pass


def near_h1(host, upgrade, target):
    client = Client(port)
    if upgrade:
        client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    else:
        client.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")
    head = client.head()
    assert head.status == (101 if upgrade else 200), head.raw
    return OverSocket(client)


def near_h2(host, upgrade, target):
    connection = http2.Http2Client(port)
    connection.wait(lambda: connection.settings)
    fields = [(":method", "CONNECT")]
    if upgrade:
        fields += [(":protocol", "websocket"), (":scheme", "http"), (":path", target), (":authority", host),
                   ("sec-websocket-version", "13")]
    else:
        fields += [(":authority", target)]
    tunnel = OverHttp2(connection, connection.begin(fields, end=False))
    connection.wait(lambda: tunnel.message.head or tunnel.message.reset is not None)
    assert tunnel.message.reset is None and tunnel.message.status == 200, (tunnel.message.reset, tunnel.message.head)
    return tunnel


def tunnels(what):
    """(name, a function that opens one to a far side of that conduct)"""
    for near in (near_h1, near_h2):
        for far in ("h1", "h2"):
            yield f"websocket, {near.__name__}, far {far}", lambda: near("a.test", True, f"/{far}/{what}")
            yield f"CONNECT, {near.__name__}, far {far}", lambda: near(None, False, f"{what}.{far}.test:1")
        yield f"CONNECT, {near.__name__}, plain TCP", lambda: near(None, False, f"{what}.tcp.test:1")


def setUpModule():
    global proxy, port, admin, heard
    heard = queue.Queue()
    h1, h2 = Backend(far_h1), http2.Http2Backend(far_h2, settings=[(http2.ENABLE_CONNECT_PROTOCOL, 1)])
    tcp = {name: FarTcp(act) for name, act in CONDUCTS.items()}
    port, admin = free_ports(2)

    def connect(pattern, cluster_name, **config):
        matcher = {"name": ":authority", "string_match": pattern}
        return {"match": {"connect_matcher": {}, "headers": [matcher]},
                "route": {"cluster": cluster_name, "upgrade_configs": [{"upgrade_type": "CONNECT", **config}]}}

    routes = [to("h1"), to("h2"), connect({"suffix": ".h1.test:1"}, "h1"), connect({"suffix": ".h2.test:1"}, "h2")]
    routes += [connect({"exact": f"{name}.tcp.test:1"}, name, connect_config={}) for name in CONDUCTS]
    clusters = [h1.cluster("h1"), h2.cluster("h2")] + [cluster(name, [far.port]) for name, far in tcp.items()]
    proxy = Nuncio(bootstrap(
        [listener("main", port, routes, upgrade_configs=[{"upgrade_type": "websocket"}],
                  http2_protocol_options={"allow_connect": True, "initial_stream_window_size": 1 << 18})],
        clusters, admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


class Tunnels(unittest.TestCase):

    def each(self, what, check):
        for name, make in tunnels(what):
            with self.subTest(name):
                near = make()
                check(near)
                near.close()
                wait_for(lambda: stat("http.main.downstream_rq_active") == 0, f"the end of {name}")
                self.assertTrue(heard.empty())

    def far(self):
        return heard.get(timeout=15)

    def test_large_amounts_both_ways_at_once(self):
        def check(near):
            got, proper = near.exchange(UP)
            self.assertTrue(proper and got == DOWN, len(got))
            got, proper = self.far()
            self.assertTrue(proper and got == UP, len(got))
        self.each("both", check)

    def test_the_far_side_ends_first(self):
        def check(near):
            self.assertEqual(near.rest(), (LAST_WORDS, True))
            near.send(UP)
            near.end()
            got, proper = self.far()
            self.assertTrue(proper and got == UP, len(got))
        self.each("ends-first", check)

    def test_the_near_side_ends_first(self):
        def check(near):
            near.send(b"the end")
            near.end()
            self.assertEqual(self.far(), (b"the end", True))
            self.assertEqual(near.rest(), (LAST_WORDS, True))
        self.each("ends-second", check)

    def test_the_far_side_breaks(self):
        def check(near):
            near.send(b"break")
            self.assertEqual(self.far(), b"break")
            self.assertEqual(near.rest(), (b"", False))
        self.each("breaks", check)

    def test_the_near_side_breaks(self):
        def check(near):
            near.send(b"hello")
            self.assertEqual(self.far(), b"hello")
            near.reset()
            self.assertEqual(self.far(), (b"", False))
        self.each("listens", check)


if __name__ == "__main__":
    unittest.main()

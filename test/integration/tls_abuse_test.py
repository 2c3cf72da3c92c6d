"""TLS ports under bad input: what is no TLS, handshakes that are not finished, records and messages that are not
allowed. Each ends its own connection, in time, is counted, and costs the others nothing."""

import os
import random
import socket
import ssl
import struct
import subprocess
import unittest

import tls
from harness import Backend, Client, Nuncio, PATIENCE, bootstrap, free_ports, listener, to, wait_for

HANDSHAKE, ALERT, APPLICATION_DATA = 22, 21, 23


def record(kind, payload, length=None, version=0x0303):
    return struct.pack(">BHH", kind, version, len(payload) if length is None else length) + payload


def setUpModule():
    global proxy, backend, port, limited, inspected, clear, closing, admin
    certificate = tls.Authority().issue("server", ["DNS:a.test"])
    backend = Backend()
    port, limited, inspected, clear, closing, admin = free_ports(6)
    made = []
    # The kernel takes little, so that what the client does not read waits in the proxy.
    made.append(listener("closing", closing, [to("h1", prefix="/")], delayed_close_timeout="0.3s", listener_fields={
        "socket_options": [{"level": socket.SOL_SOCKET, "name": socket.SO_SNDBUF, "int_value": 8192}]}))
    made[0]["filter_chains"][0]["transport_socket"] = tls.downstream([certificate])
    for name, number in (("main", port), ("limited", limited), ("inspected", inspected), ("clear", clear)):
        made.append(listener(name, number, [to("h1", prefix="/")]))
        if name != "clear":
            made[-1]["filter_chains"][0]["transport_socket"] = tls.downstream([certificate])
    made[2]["filter_chains"][0]["transport_socket_connect_timeout"] = "0.3s"
    made[3].update(listener_filters=[tls.inspector(max_client_hello_size=4096)], listener_filters_timeout="0.3s")
    proxy = Nuncio(bootstrap(made, [backend.cluster("h1")],
                             admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


class Case(unittest.TestCase):
    """Around each test a good connection lives on."""
    LISTENER = property(lambda self: port)

    def setUp(self):
        self.good = tls.connect(self.LISTENER)
        self.assertEqual(self.exchange(), b"/good")
        self.errors = self.counted("ssl.connection_error")

    def tearDown(self):
        self.assertEqual(self.exchange(), b"/good")
        self.assertEqual(tls.curl(self.LISTENER, "/other").body, "/other")
        wait_for(lambda: self.counted("downstream_cx_active") == 1, "the end of all but the good one")
        self.good.close()

    def exchange(self):
        self.good.send("GET /good HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.good.until(b"\r\n\r\n")
        return self.good.exactly(5)

    def counted(self, name):
        return stat(f"listener.127.0.0.1_{self.LISTENER}.{name}")

    def refused(self, *pieces, alert=None):
        """Sends it, and is closed for it."""
        with Client(self.LISTENER) as client:
            for piece in pieces:
                try:
                    client.send(piece)
                except ConnectionError:
                    break
            answer = client.rest()
        self.assertEqual(self.counted("ssl.connection_error"), self.errors + 1)
        self.errors += 1
        if alert is not None:
            self.assertEqual((answer[:1], answer[-1]), (bytes([ALERT]), alert), answer)
        return answer


class Closing(Case):
    LISTENER = property(lambda self: closing)

    def test_a_client_that_does_not_read_the_rest(self):
        before = stat("http.closing.downstream_cx_delayed_close_timeout")
        body = b"x" * 100000
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", closing))
            with ssl._create_unverified_context().wrap_socket(sock) as client:
                client.sendall(b"POST /stuck HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                               % (len(body), body))
                wait_for(lambda: stat("http.closing.downstream_cx_delayed_close_timeout") == before + 1, "the end")


class Handshakes(Case):

    def test_plaintext_http(self):
        self.refused("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        self.refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    def test_garbage(self):
        chance = random.Random(1)
        for size in (5, 100, 20000):
            # The first byte is that of no record.
            self.refused(b"\xff" + chance.randbytes(size))

    def test_garbage_in_a_hello(self):
        hello = tls.client_hello()
        chance = random.Random(2)
        for _ in range(50):
            at = chance.randrange(5, 60)
            broken = bytearray(hello)
            broken[at:at + 4] = chance.randbytes(4)
            with Client(port) as client:
                client.send(bytes(broken))
                client.sock.shutdown(socket.SHUT_WR)
                client.rest()

    def test_records_that_are_too_long(self):
        self.refused(record(HANDSHAKE, b"x" * 100, length=0xffff))
        self.refused(record(HANDSHAKE, b"\1" + b"x" * 18000))

    def test_a_hello_that_is_too_long(self):
        body = b"\1" + (0xffffff).to_bytes(3, "big") + b"x" * 16000
        self.refused(*[record(HANDSHAKE, body)] * 4)

    def test_records_that_carry_nothing(self):
        self.refused(*[record(HANDSHAKE, b"")] * 100)
        self.refused(*[record(ALERT, bytes([1, 90]))] * 100)

    def test_data_before_the_handshake(self):
        self.refused(record(APPLICATION_DATA, b"GET / HTTP/1.1\r\n\r\n"), alert=10)

    def test_a_handshake_byte_by_byte(self):
        with Client(port) as client:
            peer = tls.Dribble()
            while flight := peer.step():
                for byte in flight:
                    client.send(bytes([byte]))
                if peer.tls.version() is None:
                    client.more()
                    peer.incoming.write(client.buffer)
                    client.buffer = b""
            peer.tls.write(b"GET /slow HTTP/1.0\r\nHost: a\r\n\r\n")
            client.send(peer.outgoing.read())

    def test_half_handshakes(self):
        """They wait, and cost the others nothing; their ends are no errors."""
        hello = tls.client_hello()
        clients = [Client(port) for _ in range(100)]
        for i, client in enumerate(clients):
            client.send(hello[:i * len(hello) // 100])
        wait_for(lambda: self.counted("downstream_cx_active") == 101, "all")
        self.assertEqual(self.exchange(), b"/good")
        for i, client in enumerate(clients):
            (client.reset if i % 2 else client.close)()
        wait_for(lambda: self.counted("downstream_cx_active") == 1, "their end")
        self.assertEqual(self.counted("ssl.connection_error"), self.errors)

    def test_half_of_the_other_half(self):
        """The client goes away once the server has spoken."""
        for _ in range(20):
            with Client(port) as client:
                client.send(tls.client_hello())
                client.exactly(5)
                client.reset()


class Stalls(Case):
    LISTENER = property(lambda self: limited)

    def test_they_are_closed_in_time(self):
        before = self.counted("downstream_cx_transport_socket_connect_timeout")
        hello = tls.client_hello()
        clients = [Client(limited) for _ in range(30)]
        for i, client in enumerate(clients):
            client.send([b"", hello[:100], hello][i % 3])
        for client in clients:
            client.rest()
        self.assertEqual(self.counted("downstream_cx_transport_socket_connect_timeout"), before + 30)
        self.assertEqual(self.counted("ssl.connection_error"), self.errors)


class Inspected(Case):
    LISTENER = property(lambda self: inspected)

    def test_a_hello_that_does_not_come(self):
        before = self.counted("downstream_pre_cx_timeout")
        clients = [Client(inspected) for _ in range(10)]
        for client in clients:
            client.send(tls.client_hello()[:50])
        for client in clients:
            client.rest()
        self.assertEqual(self.counted("downstream_pre_cx_timeout"), before + 10)

    def test_a_hello_that_is_too_long(self):
        before = stat("tls_inspector.client_hello_too_large")
        body = b"\1" + (8000).to_bytes(3, "big") + b"x" * 8000
        with Client(inspected) as client:
            client.send(record(HANDSHAKE, body))
            client.rest()
        self.assertEqual(stat("tls_inspector.client_hello_too_large"), before + 1)


class Session:
    """`openssl s_client` whose commands a test gives; it tells of each that it carried out."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = b""
        self.wait(b"Verify return code")

    def wait(self, text):
        """Whether it is said before the end."""
        while text not in self.output:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return False
            self.output += data
        return True

    def command(self, letter, said):
        self.output = b""
        try:
            self.process.stdin.write(letter + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        return self.wait(said)

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Established(Case):

    def test_renegotiation(self):
        session = Session("-tls1_2")
        self.assertTrue(session.command(b"R", b"RENEGOTIATING"))
        # The connection ends, and with it the client.
        self.assertEqual(session.process.wait(PATIENCE), 1)
        session.end()
        self.assertEqual(self.counted("ssl.connection_error"), self.errors + 1)

    def test_key_updates(self):
        session = Session("-tls1_3")
        done = 0
        while done < 1000 and session.command(b"k", b"KEYUPDATE"):
            done += 1
        session.end()
        self.assertLess(done, 1000)
        self.assertEqual(self.counted("ssl.connection_error"), self.errors + 1)

    def raw(self, **context):
        """A connection after its handshake, and its socket."""
        client = Client(port)
        self.addCleanup(client.close)
        peer = tls.Dribble(**context)
        while flight := peer.step():
            client.send(flight)
            if peer.tls.version() is not None and not peer.outgoing.pending:
                try:
                    peer.tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    pass
            client.more()
            peer.incoming.write(client.buffer)
            client.buffer = b""
        return client

    def test_records(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for bad in (record(APPLICATION_DATA, b"", length=0x4fff) + b"x" * 100, record(APPLICATION_DATA, b"x" * 100),
                        record(99, b"xx"), record(HANDSHAKE, b"\1\0\0\0"), b"\xff" * 100):
                client = self.raw(maximum_version=version)
                client.send(bad)
                client.rest()
                self.errors += 1
                self.assertEqual(self.counted("ssl.connection_error"), self.errors, (version, bad))

    def test_an_end_without_the_word_for_it(self):
        """A request that is not whole stays so."""
        with tls.connect(port) as client:
            client.send("POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            sock = socket.socket(fileno=client.sock.detach())
            sock.shutdown(socket.SHUT_WR)
            sock.close()
        wait_for(lambda: self.counted("downstream_cx_active") == 1, "the end")
        self.assertEqual(self.counted("ssl.connection_error"), self.errors)


class Plaintext(unittest.TestCase):

    def test_tls_where_there_is_none(self):
        with Client(clear) as client:
            client.send(tls.client_hello())
            self.assertTrue(client.rest().startswith(b"HTTP/1.1 400 "))


if __name__ == "__main__":
    unittest.main()

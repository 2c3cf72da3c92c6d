"""Connections forwarded byte by byte with TLS on either side, or on both."""

import random
import socket
import ssl
import threading
import time
import unittest

import tls
from harness import Nuncio, Stream, bootstrap, cluster, free_ports, wait_for
from tcp import MIB, HalfTls, Server, chain, connect, entry, log, stat, tcp_listener


class Tls(unittest.TestCase):
    """TLS on either side, or on both."""

    @classmethod
    def setUpClass(cls):
        cls.pki = tls.Authority()
        certificate = cls.pki.issue("server", ["DNS:a.test"])
        stranger = tls.Authority("Stranger").issue("stranger")
        cls.client = cls.pki.issue("client")
        cls.plain, cls.secure, cls.strange = Server(), Server(certificate), Server(stranger)
        cls.silent = Server()
        trusting = tls.upstream(tls.trusting(cls.pki), sni="a.test", auto_sni_san_validation=True)
        clusters = [cluster("plain", [cls.plain.port]), cluster("secure", [cls.secure.port], transport_socket=trusting),
                    cluster("strange", [cls.strange.port], transport_socket=trusting),
                    cluster("silent", [cls.silent.port], transport_socket=trusting, connect_timeout="0.3s")]
        names = ["out", "in", "both", "strange", "silent", "mutual", "stalled", "timed", "alpn"]
        *numbers, cls.admin = free_ports(len(names) + 1)
        cls.ports = dict(zip(names, numbers))
        towards = {"out": "secure", "in": "plain", "both": "secure", "mutual": "plain", "stalled": "plain",
                   "timed": "plain", "alpn": "plain"}
        listeners = []
        for name, port in cls.ports.items():
            fields = {"idle_timeout": "0.3s"} if name == "stalled" else {}
            made = tcp_listener(name, port, [chain(name, cluster=towards.get(name, name), **fields)])
            if name not in ("out", "strange", "silent"):
                mutual = {"require_client_certificate": True} if name == "mutual" else {}
                made["filter_chains"][0]["transport_socket"] = tls.downstream(
                    [certificate], tls.trusting(cls.pki) if mutual else None,
                    alpn=["custom"] if name == "alpn" else (), **mutual)
            if name == "timed":
                made["filter_chains"][0]["transport_socket_connect_timeout"] = "0.3s"
            listeners.append(made)
        cls.proxy = Nuncio(bootstrap(listeners, clusters, admin={
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": cls.admin}}}))

    @classmethod
    def tearDownClass(cls):
        cls.proxy.stop()

    def pair(self, name):
        client = connect(self.ports[name])
        if name != "out":
            client = HalfTls(client.sock, tls.client_context(), server_hostname="a.test")
        server = (self.plain if name == "in" else self.secure).accept()
        self.addCleanup(client.close)
        self.addCleanup(server.close)
        return client, server

    @staticmethod
    def end(stream):
        if isinstance(stream, HalfTls):
            stream.end()
        else:
            stream.sock.shutdown(socket.SHUT_WR)

    def test_each_direction_ends_on_its_own(self):
        for name in ("out", "in", "both"):
            for client_first in (True, False):
                client, server = self.pair(name)
                first, second = (client, server) if client_first else (server, client)
                first.send("question")
                self.end(first)
                self.assertEqual(second.rest(), b"question", name)
                second.send("answer")
                self.end(second)
                self.assertEqual(first.rest(), b"answer", name)

    def test_who_serves_speaks_first(self):
        for name in ("out", "in", "both"):
            client, server = self.pair(name)
            server.send("220 ready")
            self.assertEqual(client.exactly(9), b"220 ready")

    def test_big_transfers_with_a_reader_that_stalls(self):
        block = bytes(range(256)) * 4096
        for name in ("out", "in", "both"):
            for up in (True, False):
                client, server = self.pair(name)
                source, sink = (client, server) if up else (server, client)

                def send(source=source):
                    for _ in range(16):
                        source.send(block)
                    self.end(source)
                before = self.proxy.resident_kib()
                sender = threading.Thread(target=send, daemon=True)
                sender.start()
                time.sleep(0.2)
                self.assertLess(self.proxy.resident_kib() - before, 16 * 1024)
                self.assertTrue(sink.rest() == block * 16, (name, up))
                sender.join()
                self.end(sink)
                self.assertTrue(source.at_end())

    def test_a_server_that_is_not_trusted(self):
        client = connect(self.ports["strange"])
        with self.assertRaises((ssl.SSLError, OSError)):
            self.strange.accept()
        self.assertTrue(client.at_end())
        line = entry("strange")[0]
        self.assertEqual(sorted(line["flags"].split(",")), ["UF", "URX"])
        self.assertIn("CERTIFICATE_VERIFY_FAILED", line["why"])
        self.assertEqual(line["sent"], 0)

    def test_a_server_that_does_not_answer_the_handshake(self):
        with connect(self.ports["silent"]) as client:
            self.assertTrue(client.at_end())
        self.assertIn("UF", entry("silent")[0]["flags"])

    def test_a_client_that_fails_its_handshake_reaches_nobody(self):
        self.plain.listener.settimeout(0.2)
        with connect(self.ports["in"]) as client:
            client.send("GET / HTTP/1.1\r\n\r\n")
            self.assertNotIn(b"HTTP", client.rest())
        with connect(self.ports["stalled"]) as client:
            client.send(b"\x16\x03\x01")
            self.assertTrue(client.at_end())
        self.assertEqual(entry("stalled")[0]["end"], "tcp_session_idle_timeout")
        with connect(self.ports["timed"]) as client:
            client.send(b"\x16\x03\x01")
            self.assertTrue(client.at_end())
        self.assertEqual(entry("timed")[0]["refused"], "transport_socket_timeout_was_reached")
        name = f"listener.127.0.0.1_{self.ports['timed']}.downstream_cx_transport_socket_connect_timeout"
        self.assertEqual(stat(name, self.admin), 1)
        out = tls.s_client(self.ports["mutual"], "-tls1_2")
        self.assertIn("alert", out)
        reason = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
        wait_for(lambda: any(reason in (line["refused"] or "") for line in entry("mutual")),
                 "the reason of the refusal")
        with self.assertRaises(socket.timeout):
            self.plain.listener.accept()

    def test_a_client_certificate_and_alpn(self):
        client = tls.connect(self.ports["mutual"], certificate=self.client)
        server = self.plain.accept()
        client.send("hello")
        self.assertEqual(server.exactly(5), b"hello")
        client.close()
        server.close()
        line = wait_for(lambda: next((line for line in entry("mutual") if line["received"] == 5), None), "the entry")
        self.assertEqual((line["version"], line["subject"], line["upstream_version"]), ("TLSv1.3", "CN=client", None))
        client = tls.connect(self.ports["alpn"], alpn=["other", "custom"])
        self.assertEqual(client.sock.selected_alpn_protocol(), "custom")
        client.close()
        self.plain.accept().close()

    def sees_reset(self, stream):
        """Reads to the reset, before which nothing says that this was the end."""
        said = b""
        with self.assertRaises(ConnectionResetError):
            while data := stream.sock.recv(65536):
                said += data
        if isinstance(stream, HalfTls):
            stream.incoming.write(said)
            with self.assertRaises(ssl.SSLWantReadError):
                stream.tls.read(1)

    def test_resets_are_passed_on(self):
        for name in ("out", "in", "both"):
            for client_first in (True, False):
                with self.subTest(name=name, client_first=client_first):
                    client, server = self.pair(name)
                    first, second = (client, server) if client_first else (server, client)
                    for a, b in ((first, second), (second, first)):
                        a.send("x")
                        self.assertEqual(b.exactly(1), b"x")
                    Stream(first.sock).reset()
                    self.sees_reset(second)

    def test_a_reset_behind_the_end_harms_nothing(self):
        for name in ("out", "in", "both"):
            for client_first in (True, False):
                with self.subTest(name=name, client_first=client_first):
                    client, server = self.pair(name)
                    first, second = (client, server) if client_first else (server, client)
                    entries = len([line for line in log.lines() if line["listener"] == name])
                    first.send("all of it")
                    self.end(first)
                    self.assertEqual(second.exactly(9), b"all of it")
                    self.assertTrue(second.at_end())
                    Stream(first.sock).reset()
                    entry(name, entries + 1)
                    self.assertEqual(second.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)

    def test_a_reset_by_the_client(self):
        client, server = self.pair("both")
        client.send("x")
        server.exactly(1)
        Stream(client.sock).reset()
        with self.assertRaises(OSError):
            server.some()
        wait_for(lambda: any(line["flags"] == "DC" and line["upstream_version"] == "TLSv1.3" for line in entry("both")),
                 "the entry")


class Crowd(unittest.TestCase):
    """Echoes of random sizes over all pairings, cut off in any way and at any moment."""

    def serve(self, server):
        while True:
            try:
                stream = server.accept()
            except socket.timeout:
                return
            except OSError:
                continue
            threading.Thread(target=self.echo, args=(stream,), daemon=True).start()

    @staticmethod
    def echo(stream):
        end = random.choice(["whole", "whole", "close", "reset"])
        try:
            while data := (stream.some() if isinstance(stream, HalfTls) else stream.sock.recv(1 << 16)):
                stream.send(data)
                if end != "whole" and random.random() < 0.2:
                    if end == "reset":
                        Stream(stream.sock).reset()
                    break
        except OSError:
            pass
        stream.close()

    @staticmethod
    def send(client, size):
        try:
            client.send(bytes(size))
        except OSError:
            pass

    def visit(self, name):
        try:
            client = connect(self.ports[name])
            if name in ("in", "both"):
                client = HalfTls(client.sock, tls.client_context(), server_hostname="a.test")
            for _ in range(random.randrange(1, 4)):
                if isinstance(client, HalfTls):
                    # One thread at a time, so what is on its way must fit.
                    size = random.choice([1, 1000, 100_000])
                    client.send(bytes(size))
                else:
                    size = random.choice([1, 1000, 100_000, 4 * MIB])
                    threading.Thread(target=self.send, args=(client, size), daemon=True).start()
                if random.random() < 0.7:
                    client.exactly(size)
                if random.random() < 0.3:
                    Stream(client.sock).reset()
            client.close()
        except (OSError, EOFError):
            pass

    def test_leaves_nothing_behind(self):
        pki = tls.Authority()
        certificate = pki.issue("server", ["DNS:a.test"])
        servers = {"plain": Server(), "secure": Server(certificate)}
        transport = tls.upstream(tls.trusting(pki), sni="a.test")
        *numbers, admin_port = free_ports(5)
        self.ports = dict(zip(("neither", "out", "in", "both"), numbers))
        listeners = []
        for name, port in self.ports.items():
            listeners.append(tcp_listener(name, port, cluster="secure" if name in ("out", "both") else "plain"))
            if name in ("in", "both"):
                listeners[-1]["filter_chains"][0]["transport_socket"] = tls.downstream([certificate], alpn=())
        nuncio = Nuncio(bootstrap(
            listeners, [cluster("plain", [servers["plain"].port]),
                        cluster("secure", [servers["secure"].port], transport_socket=transport)],
            admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin_port}}}))
        for server in servers.values():
            threading.Thread(target=self.serve, args=(server,), daemon=True).start()
        for _ in range(8):
            visitors = [threading.Thread(target=self.visit, args=(random.choice(list(self.ports)),), daemon=True)
                        for _ in range(16)]
            for each in visitors:
                each.start()
            for each in visitors:
                each.join()
        for port in self.ports.values():
            self.assertGreater(stat(f"listener.127.0.0.1_{port}.downstream_cx_total", admin_port), 10)
            wait_for(lambda port=port: stat(f"listener.127.0.0.1_{port}.downstream_cx_active", admin_port) == 0,
                     "the end of all connections")
        for name in ("cluster.plain.upstream_cx_active", "cluster.plain.upstream_rq_active",
                     "cluster.secure.upstream_cx_active", "cluster.secure.upstream_rq_active",
                     *(f"tcp.{name}.{what}" for name in self.ports
                       for what in ("upstream_flush_active", "downstream_cx_tx_bytes_buffered"))):
            self.assertEqual(stat(name, admin_port), 0, name)
        self.assertGreater(stat("cluster.secure.upstream_cx_total", admin_port), 20)
        nuncio.stop()


if __name__ == "__main__":
    unittest.main()

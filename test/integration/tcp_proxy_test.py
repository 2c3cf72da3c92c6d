"""Connections forwarded byte by byte: ends and resets of either side, slow readers, limits, updates of the listener;
TLS on either side; and TLS that passes through by its server name, seen by real TLS servers."""

import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import tls
from harness import (AccessLog, Nuncio, Stream, bootstrap, cluster, directory, file_log, free_ports, wait_for)

TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
SNI_CLUSTER = "type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster"
TLS_INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
LOG_FIELDS = {
    "cluster": "%UPSTREAM_CLUSTER%",
    "flags": "%RESPONSE_FLAGS%",
    "sent": "%BYTES_SENT%",
    "received": "%BYTES_RECEIVED%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "sni": "%REQUESTED_SERVER_NAME%",
    "ja3": "%TLS_JA3_FINGERPRINT%",
    "end": "%CONNECTION_TERMINATION_DETAILS%",
    "why": "%UPSTREAM_TRANSPORT_FAILURE_REASON(ALLOW_WHITESPACES)%",
    "host": "%UPSTREAM_HOST%",
    "duration": "%DURATION%",
    "version": "%DOWNSTREAM_TLS_VERSION%",
    "subject": "%DOWNSTREAM_PEER_SUBJECT%",
    "upstream_version": "%UPSTREAM_TLS_VERSION%",
    "refused": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
}
MIB = 1 << 20


class Server:
    """Accepts; what happens on a connection is the test's to say."""

    def __init__(self, certificate=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.certificate, certificate.key)

    def accept(self):
        self.listener.settimeout(15)
        sock, _ = self.listener.accept()
        sock.settimeout(15)
        return Stream(sock) if self.context is None else HalfTls(sock, self.context, server_side=True)


class HalfTls:
    """TLS whose directions end one by one, which Python's sockets cannot."""

    def __init__(self, sock, context, **arguments):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **arguments)
        self._until_done(self.tls.do_handshake)

    def _until_done(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                self._more()
            finally:
                self._flush()

    def _flush(self):
        self.sock.sendall(self.outgoing.read())

    def _more(self):
        data = self.sock.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        for at in range(0, len(data), 1 << 16):
            self.tls.write(data[at:at + (1 << 16)])
            self._flush()

    def some(self):
        """b"" at the peer's word that this is the end. A mere FIN is an error."""
        try:
            return self._until_done(lambda: self.tls.read(1 << 16))
        except ssl.SSLZeroReturnError:
            return b""

    def exactly(self, size):
        taken = b""
        while len(taken) < size:
            data = self.some()
            if not data:
                raise EOFError(taken)
            taken += data
        return taken

    def rest(self):
        return b"".join(iter(self.some, b""))

    def at_end(self):
        return self.some() == b""

    def end(self):
        """No more is sent; reading goes on."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def close(self):
        self.sock.close()


def tcp_filter(name, **fields):
    return {"name": "envoy.filters.network.tcp_proxy",
            "typed_config": {"@type": TCP_PROXY, "stat_prefix": name,
                             "access_log": [file_log(log.path, json_format={"listener": name, **LOG_FIELDS})],
                             **({} if "weighted_clusters" in fields else {"cluster": name}), **fields}}


def chain(name, match=None, before=(), **fields):
    return {"name": name, "filters": [*before, tcp_filter(name, **fields)],
            **({"filter_chain_match": match} if match else {})}


def tcp_listener(name, port, chains=None, listener_fields=None, **fields):
    return {"name": name, "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": chains or [chain(name, **fields)], **(listener_fields or {})}


def connect(port, receive_buffer=None):
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(15)
    sock.connect(("127.0.0.1", port))
    return Stream(sock)


def entry(listener, count=1):
    """The listener's log entries, once there are so many."""
    def lines():
        found = [line for line in log.lines() if line["listener"] == listener]
        return found if len(found) >= count else None
    return wait_for(lines, f"{count} entries of {listener}")


def stat(name, port=None):
    with connect(port or admin) as client:
        client.send(f"GET /stats?filter=^{name}$ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = client.rest().decode().split("\r\n\r\n", 1)[1]
    for line in text.splitlines():
        if line.startswith(name + ": "):
            return int(line.split(": ")[1])
    return 0


def setUpModule():
    global proxy, servers, ports, admin, log
    log = AccessLog(os.path.join(directory(), "access.log"))
    names = ["plain", "idle", "short", "logged", "heavy", "reset", "big", "once", "periodic", "counted", "cut", "whole"]
    servers = {name: Server() for name in names}
    numbers = free_ports(len(names) + 7)
    admin, nobody = numbers.pop(), numbers.pop()
    ports = dict(zip(names + ["refused", "empty", "missing", "weighted", "second"], numbers))
    special = {"idle": {"idle_timeout": "0.3s"},
               "short": {"max_downstream_connection_duration": "0.3s",
                         "max_downstream_connection_duration_jitter_percentage": {"value": 10}},
               "logged": {"access_log_options": {"flush_access_log_on_connected": True,
                                                 "flush_access_log_on_start": True}},
               "periodic": {"access_log_options": {"access_log_flush_interval": "0.1s"}},
               "refused": {"max_connect_attempts": 3}, "second": {"max_connect_attempts": 2},
               "weighted": {"weighted_clusters": {"clusters": [{"name": "plain", "weight": 1},
                                                               {"name": "heavy", "weight": 3}]}}}
    limits = {"once": {"circuit_breakers": {"thresholds": [{"max_connections": 1}]}}}
    clusters = [cluster(name, [server.port], **limits.get(name, {})) for name, server in servers.items()]
    clusters += [cluster("refused", [nobody]), cluster("empty", []), cluster("second", [nobody, servers["plain"].port])]
    listeners = [tcp_listener(name, port, **special.get(name, {})) for name, port in ports.items()]
    proxy = Nuncio(bootstrap(listeners, clusters,
                             admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


class Forwarding(unittest.TestCase):

    def pair(self, name):
        client = connect(ports[name])
        self.addCleanup(client.close)
        server = servers[name].accept()
        self.addCleanup(server.close)
        return client, server

    def test_bytes_go_both_ways_and_each_side_ends_on_its_own(self):
        client, server = self.pair("plain")
        server.send("hello")
        self.assertEqual(client.exactly(5), b"hello")
        client.send("question")
        client.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(server.rest(), b"question")
        # The client has ended; it is still answered.
        server.send("answer")
        self.assertEqual(client.exactly(6), b"answer")
        server.close()
        self.assertTrue(client.at_end())
        line = entry("plain")[-1]
        self.assertEqual((line["received"], line["sent"], line["flags"], line["cluster"]), (8, 11, "-", "plain"))

    def test_the_servers_end_leaves_the_clients_direction_open(self):
        client, server = self.pair("heavy")
        server.sock.shutdown(socket.SHUT_WR)
        self.assertTrue(client.at_end())
        client.send("more")
        self.assertEqual(server.exactly(4), b"more")
        client.close()
        self.assertTrue(server.at_end())

    def test_resets_are_passed_on(self):
        client, server = self.pair("reset")
        server.send("x")
        client.exactly(1)
        server.reset()
        with self.assertRaises(ConnectionResetError):
            client.sock.recv(1)
        self.assertEqual(entry("reset", 1)[0]["flags"], "UC")
        client, server = self.pair("reset")
        client.send("x")
        server.exactly(1)
        client.reset()
        with self.assertRaises(ConnectionResetError):
            server.sock.recv(1)
        self.assertEqual(entry("reset", 2)[1]["flags"], "DC")

    def test_a_reset_behind_the_end_harms_nothing(self):
        for client_first in (True, False):
            client, server = self.pair("whole")
            first, second = (client, server) if client_first else (server, client)
            first.send("all of it")
            first.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(second.rest(), b"all of it")
            first.reset()
            entry("whole", 1 if client_first else 2)
            self.assertEqual(second.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)

    def test_a_reset_is_not_mistaken_for_the_end_by_a_slow_reader(self):
        client, server = self.pair("cut")
        server.sock.setblocking(False)
        try:
            while True:
                server.sock.send(bytes(MIB))
                time.sleep(0.001)
        except BlockingIOError:
            pass
        server.reset()
        with self.assertRaises(ConnectionResetError):
            while client.sock.recv(MIB):
                pass
            self.fail("it ended as if it were whole")
        self.assertEqual(entry("cut")[0]["flags"], "UC")

    def test_a_big_transfer_waits_for_its_reader_and_keeps_nothing(self):
        total = 64 * MIB
        block = bytes(range(256)) * 4096
        for direction in ("up", "down"):
            client, server = self.pair("big")
            source, sink = (client, server) if direction == "up" else (server, client)
            before = proxy.resident_kib()

            def send(source=source):
                for _ in range(total // len(block)):
                    source.send(block)
                source.sock.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            time.sleep(0.3)
            self.assertTrue(sender.is_alive(), "the reader that stalls did not stop the sender")
            self.assertLess(proxy.resident_kib() - before, 16 * 1024)
            got = 0
            while data := sink.sock.recv(MIB):
                self.assertEqual(data, (block * 3)[got % len(block):got % len(block) + len(data)])
                got += len(data)
            self.assertEqual(got, total)
            sender.join()
            sink.sock.shutdown(socket.SHUT_WR)
            self.assertTrue(source.at_end())

    def test_a_backend_on_a_path(self):
        # Such a path has room for some hundred bytes only.
        short = tempfile.mkdtemp(prefix="nuncio-", dir="/tmp")
        self.addCleanup(shutil.rmtree, short)
        path = os.path.join(short, "s")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        port = free_ports(1)[0]
        pipe = cluster("path", [])
        pipe["load_assignment"]["endpoints"][0]["lb_endpoints"] = [{"endpoint": {"address": {"pipe": {"path": path}}}}]
        nuncio = Nuncio(bootstrap([tcp_listener("path", port)], [pipe]))
        self.addCleanup(nuncio.stop)
        client = connect(port)
        server = Stream(listener.accept()[0])
        block = bytes(range(256)) * 4096
        for source, sink in ((client, server), (server, client)):
            sender = threading.Thread(target=lambda source=source: source.send(block * 32), daemon=True)
            sender.start()
            got = 0
            while got < 32 * MIB:
                data = sink.sock.recv(MIB)
                self.assertEqual(data, (block * 3)[got % MIB:got % MIB + len(data)])
                got += len(data)
            sender.join()
        client.close()
        self.assertTrue(server.at_end())

    def test_a_client_that_leaves_is_flushed_to_the_server(self):
        client, server = self.pair("big")
        client.send(b"y" * (4 * MIB))
        client.close()
        got = 0
        while data := server.sock.recv(MIB):
            got += len(data)
        self.assertEqual(got, 4 * MIB)

    def test_the_idle_timeout_counts_from_the_last_byte(self):
        client, _ = self.pair("idle")
        began = time.monotonic()
        while time.monotonic() - began < 0.6:
            client.send("x")
            time.sleep(0.05)
        self.assertTrue(client.at_end())
        self.assertEqual(entry("idle")[0]["end"], "tcp_session_idle_timeout")
        self.assertEqual(stat("tcp.idle.idle_timeout"), 1)

    def test_the_longest_life_of_a_connection(self):
        client, _ = self.pair("short")
        self.assertTrue(client.at_end())
        self.assertEqual(entry("short")[0]["flags"], "DT")
        self.assertEqual(stat("tcp.short.max_downstream_connection_duration"), 1)

    def test_no_host_no_cluster_and_a_host_that_refuses(self):
        for name, flags in (("empty", "UH"), ("missing", "NC"), ("refused", "UF,URX")):
            with connect(ports[name]) as client:
                self.assertTrue(client.at_end())
            self.assertEqual(sorted(entry(name)[0]["flags"].split(",")), sorted(flags.split(",")))
        self.assertEqual(entry("refused")[0]["attempts"], 3)
        self.assertEqual(stat("cluster.refused.upstream_cx_connect_fail"), 3)
        self.assertEqual(stat("cluster.refused.upstream_cx_connect_attempts_exceeded"), 1)
        self.assertEqual(stat("tcp.missing.downstream_cx_no_route"), 1)

    def test_another_host_is_tried(self):
        for _ in range(6):
            client = connect(ports["second"])
            server = servers["plain"].accept()
            server.send("here")
            self.assertEqual(client.exactly(4), b"here")
            client.close()
            server.close()
        lines = entry("second", 6)
        self.assertTrue(all(line["attempts"] in (1, 2) for line in lines), lines)
        self.assertIn(2, [line["attempts"] for line in lines])
        self.assertTrue(all(line["host"] == f"127.0.0.1:{servers['plain'].port}" for line in lines), lines)

    def test_no_more_connections_than_the_cluster_may_have(self):
        first, server = self.pair("once")
        with connect(ports["once"]) as second:
            self.assertTrue(second.at_end())
        self.assertEqual(entry("once")[0]["flags"], "UO")
        self.assertEqual(stat("cluster.once.upstream_cx_overflow"), 1)
        first.send("still")
        self.assertEqual(server.exactly(5), b"still")
        first.close()
        self.assertTrue(server.at_end())
        server.close()
        entry("once", 2)
        again, server = self.pair("once")
        again.send("again")
        self.assertEqual(server.exactly(5), b"again")

    def test_entries_by_the_clock(self):
        client, server = self.pair("periodic")
        client.send("abcd")
        server.exactly(4)
        entry("periodic", 3)
        client.close()
        server.close()
        wait_for(lambda: stat("cluster.periodic.upstream_cx_active") == 0, "the connection's end")
        lines = entry("periodic", 4)
        self.assertEqual(lines[-1]["received"], 4)
        durations = [line["duration"] for line in lines]
        self.assertEqual(durations, sorted(durations))
        self.assertGreaterEqual(durations[2], 300)

    def test_what_is_counted(self):
        client, server = self.pair("counted")
        client.send(b"u" * (8 * MIB))
        got = 0
        while got < 8 * MIB:
            got += len(server.sock.recv(MIB))
        # The client does not read.
        sender = threading.Thread(target=lambda: server.send(b"d" * (32 * MIB)), daemon=True)
        sender.start()
        wait_for(lambda: stat("cluster.counted.upstream_flow_control_paused_reading_total"), "a pause")
        got = 0
        while got < 32 * MIB:
            got += len(client.sock.recv(MIB))
        sender.join()
        client.close()
        server.close()
        entry("counted")
        for name, value in {"tcp.counted.downstream_cx_total": 1, "tcp.counted.downstream_cx_rx_bytes_total": 8 * MIB,
                            "tcp.counted.downstream_cx_tx_bytes_total": 32 * MIB,
                            "tcp.counted.downstream_cx_tx_bytes_buffered": 0,
                            "cluster.counted.upstream_cx_rx_bytes_total": 32 * MIB,
                            "cluster.counted.upstream_cx_tx_bytes_total": 8 * MIB,
                            "cluster.counted.upstream_cx_active": 0}.items():
            self.assertEqual(stat(name), value, name)
        self.assertEqual(stat("cluster.counted.upstream_flow_control_paused_reading_total"),
                         stat("cluster.counted.upstream_flow_control_resumed_reading_total"))
        line = entry("counted")[0]
        self.assertEqual((line["received"], line["sent"]), (8 * MIB, 32 * MIB))

    def test_entries_at_the_start_and_when_connected(self):
        client, server = self.pair("logged")
        entry("logged", 2)
        client.send("abc")
        server.exactly(3)
        client.close()
        server.close()
        self.assertEqual([line["received"] for line in entry("logged", 3)], [0, 0, 3])

    def test_weights_choose_among_clusters(self):
        for _ in range(40):
            with connect(ports["weighted"]):
                pass
        accepted = {"plain": 0, "heavy": 0}
        for name in accepted:
            servers[name].listener.settimeout(0.2)
            try:
                while True:
                    servers[name].listener.accept()[0].close()
                    accepted[name] += 1
            except socket.timeout:
                pass
        self.assertEqual(sum(accepted.values()), 40)
        self.assertTrue(0 < accepted["plain"] < 30, accepted)
        for name, count in accepted.items():
            self.assertEqual(sum(line["cluster"] == name for line in entry("weighted", 40)), count)


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


class TlsServer:
    """openssl s_server, which answers with what it was asked for."""

    def __init__(self, pki, name):
        certificate = pki.issue(name, [f"DNS:{name}"])
        self.port = free_ports(1)[0]
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", certificate.certificate, "-key",
             certificate.key, "-www", "-quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.listens, "s_server's start")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait()


class PassThrough(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.pki = tls.Authority()
        cls.servers = {name: TlsServer(cls.pki, name) for name in ("one.test", "two.test")}
        cls.plain = Server()
        by_name, by_match, cls.slow = free_ports(3)
        cls.ports = {"by_name": by_name, "by_match": by_match}
        inspector = {"name": "tls_inspector",
                     "typed_config": {"@type": TLS_INSPECTOR, "enable_ja3_fingerprinting": True}}
        sni = {"name": "sni_cluster", "typed_config": {"@type": SNI_CLUSTER}}
        clusters = [cluster(name, [server.port]) for name, server in cls.servers.items()]
        clusters.append(cluster("plain", [cls.plain.port]))
        cls.proxy = Nuncio(bootstrap([
            tcp_listener("by_name", by_name, [chain("by_name", before=[sni], cluster="plain")],
                         {"listener_filters": [inspector]}),
            tcp_listener("by_match", by_match, [
                chain("exact", {"server_names": ["one.test"]}, cluster="one.test"),
                chain("wild", {"server_names": ["*.test"], "transport_protocol": "tls"}, cluster="two.test"),
                chain("rest", {"transport_protocol": "raw_buffer"}, cluster="plain")]),
            tcp_listener("slow", cls.slow, [chain("slow", {"transport_protocol": "tls"}, cluster="plain")],
                         {"listener_filters_timeout": "0.3s"}),
        ], clusters))

    @classmethod
    def tearDownClass(cls):
        cls.proxy.stop()
        for server in cls.servers.values():
            server.stop()

    def certificate_of(self, port, name):
        context = ssl.create_default_context(cafile=self.pki.certificate)
        context.check_hostname = False
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=name) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"200 ok", sock.recv(4096))
            return dict(part[0] for part in sock.getpeercert()["subject"])["commonName"]

    def test_curl_verifies_the_server_behind(self):
        for name in self.servers:
            got = tls.curl(self.ports["by_match"], "/", "--no-insecure", "--cacert", self.pki.certificate, host=name)
            self.assertEqual(got.status, 200, got.error)
            self.assertIn("TLSv1.3", got.body)

    def test_the_server_name_names_the_cluster(self):
        for name in self.servers:
            self.assertEqual(self.certificate_of(self.ports["by_name"], name), name)
        lines = entry("by_name", 2)
        self.assertEqual([(line["sni"], line["cluster"]) for line in lines], [(name, name) for name in self.servers])
        self.assertEqual(len(lines[0]["ja3"]), 32)

    def test_filter_chains_by_server_name_and_protocol(self):
        self.assertEqual(self.certificate_of(self.ports["by_match"], "one.test"), "one.test")
        self.assertEqual(self.certificate_of(self.ports["by_match"], "three.test"), "two.test")
        with connect(self.ports["by_match"]) as client:
            client.send("plain text")
            with self.plain.accept() as server:
                self.assertEqual(server.exactly(10), b"plain text")

    def test_a_client_hello_in_pieces(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="one.test")
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        with connect(self.ports["by_match"]) as client:
            for i in range(0, len(hello), 64):
                client.send(hello[i:i + 64])
                time.sleep(0.005)
            self.assertEqual(client.exactly(1), b"\x16")

    def test_who_says_nothing_is_closed_and_hurts_nobody(self):
        with connect(self.slow) as silent, connect(self.slow) as garbage:
            garbage.send("GET / HTTP/1.1\r\n\r\n")
            self.assertTrue(garbage.at_end())
            began = time.monotonic()
            self.assertTrue(silent.at_end())
            self.assertLess(time.monotonic() - began, 5)


def replace(path, *resources):
    """Writes a file of resources that is watched."""
    with open(path + ".new", "w", encoding="ascii") as file:
        json.dump({"resources": resources}, file)
    os.rename(path + ".new", path)


class Updates(unittest.TestCase):

    def test_connections_stay_when_their_endpoint_leaves(self):
        path = os.path.join(directory(), "eds.json")
        old, new = Server(), Server()
        port = free_ports(1)[0]

        def point_to(server):
            replace(path, {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
                           **cluster("moving", [server.port])["load_assignment"]})
        point_to(old)
        moving = {"name": "moving", "type": "EDS", "connect_timeout": "2s",
                  "eds_cluster_config": {"eds_config": {"path_config_source": {"path": path}}}}
        nuncio = Nuncio(bootstrap([tcp_listener("moving", port)], [moving]))
        try:
            stayed, stayed_server = connect(port), old.accept()
            stayed.send("before")
            self.assertEqual(stayed_server.exactly(6), b"before")
            point_to(new)
            new.listener.settimeout(0.05)

            def moved():
                # Until the update is in force connections go to the old one.
                with connect(port) as client:
                    try:
                        new.listener.accept()[0].close()
                        return client
                    except socket.timeout:
                        return None
            wait_for(moved, "the new endpoint")
            stayed.send("after")
            self.assertEqual(stayed_server.exactly(5), b"after")
            stayed_server.send("answer")
            self.assertEqual(stayed.exactly(6), b"answer")
        finally:
            nuncio.stop()

    def test_the_drain_time_ends_them_with_the_process(self):
        server = Server()
        port = free_ports(1)[0]
        nuncio = Nuncio(bootstrap([tcp_listener("ends", port, cluster="ends")], [cluster("ends", [server.port])]),
                        "--drain-time-s", "1")
        client, backend = connect(port), server.accept()
        client.send("x")
        backend.exactly(1)
        nuncio.signal(signal.SIGTERM)
        wait_for(lambda: b"draining" in nuncio.log(), "the drain")
        client.send("still")
        self.assertEqual(backend.exactly(5), b"still")
        self.assertTrue(client.at_end())
        self.assertTrue(backend.at_end())
        self.assertEqual(nuncio.exit_status(), 0)

    def test_connections_of_unchanged_chains_stay(self):
        where = directory()
        server = Server()
        port = free_ports(1)[0]
        path = os.path.join(where, "lds.json")

        def write(**fields):
            chains = [chain("kept", {"source_prefix_ranges": [{"address_prefix": "127.0.0.1", "prefix_len": 32}]},
                            cluster="up"),
                      chain("changed", {"source_prefix_ranges": [{"address_prefix": "127.0.0.2", "prefix_len": 32}]},
                            cluster="up", **fields)]
            replace(path, {"@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
                           **tcp_listener("dynamic", port, chains)})

        def from_address(address):
            sock = socket.socket()
            sock.settimeout(15)
            sock.bind((address, 0))
            sock.connect(("127.0.0.1", port))
            return Stream(sock), server.accept()

        write()
        nuncio = Nuncio(bootstrap([], [cluster("up", [server.port])],
                                  dynamic_resources={"lds_config": {"path_config_source": {"path": path}}}),
                        "--drain-time-s", "1")
        try:
            kept, kept_server = from_address("127.0.0.1")
            changed, _ = from_address("127.0.0.2")
            write(max_connect_attempts=2)
            # It drains, and is closed at the end of the drain time.
            self.assertTrue(changed.at_end())
            kept.send("still here")
            self.assertEqual(kept_server.exactly(10), b"still here")
            again, _ = from_address("127.0.0.2")
            kept.close()
            again.close()
        finally:
            nuncio.stop()


if __name__ == "__main__":
    unittest.main()

"""Connections forwarded byte by byte: ends and resets of either side, slow readers, limits, updates of the listener."""

import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import unittest

from harness import Nuncio, Stream, bootstrap, cluster, directory, free_ports, wait_for
from tcp import MIB, Server, chain, connect, entry, stat, tcp_listener


def setUpModule():
    global proxy, servers, ports, admin
    names = ["plain", "idle", "short", "logged", "heavy", "reset", "big", "once", "periodic", "counted", "cut", "whole",
             "urgent"]
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

    def test_urgent_data_holds_nothing_up(self):
        """Its byte is dropped; what is behind arrives, and the end after it."""
        block = bytes(range(256)) * 4096
        for direction in ("up", "down"):
            client, server = self.pair("urgent")
            source, sink = (client, server) if direction == "up" else (server, client)

            def send(end, source=source):
                source.send(block * 2)
                source.sock.send(b"!", socket.MSG_OOB)
                source.send(block)
                if end:
                    source.sock.shutdown(socket.SHUT_WR)

            for end in (False, True):
                sender = threading.Thread(target=send, args=(end,), daemon=True)
                sender.start()
                self.assertEqual(sink.exactly(3 * MIB), block * 3)
                sender.join()
            self.assertTrue(sink.at_end())

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
        self.assertEqual(stat("tcp.idle.idle_timeout", admin), 1)

    def test_the_longest_life_of_a_connection(self):
        client, _ = self.pair("short")
        self.assertTrue(client.at_end())
        self.assertEqual(entry("short")[0]["flags"], "DT")
        self.assertEqual(stat("tcp.short.max_downstream_connection_duration", admin), 1)

    def test_no_host_no_cluster_and_a_host_that_refuses(self):
        for name, flags in (("empty", "UH"), ("missing", "NC"), ("refused", "UF,URX")):
            with connect(ports[name]) as client:
                self.assertTrue(client.at_end())
            self.assertEqual(sorted(entry(name)[0]["flags"].split(",")), sorted(flags.split(",")))
        self.assertEqual(entry("refused")[0]["attempts"], 3)
        self.assertEqual(stat("cluster.refused.upstream_cx_connect_fail", admin), 3)
        self.assertEqual(stat("cluster.refused.upstream_cx_connect_attempts_exceeded", admin), 1)
        self.assertEqual(stat("tcp.missing.downstream_cx_no_route", admin), 1)

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
        self.assertEqual(stat("cluster.once.upstream_cx_overflow", admin), 1)
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
        wait_for(lambda: stat("cluster.periodic.upstream_cx_active", admin) == 0, "the connection's end")
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
        wait_for(lambda: stat("cluster.counted.upstream_flow_control_paused_reading_total", admin), "a pause")
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
            self.assertEqual(stat(name, admin), value, name)
        self.assertEqual(stat("cluster.counted.upstream_flow_control_paused_reading_total", admin),
                         stat("cluster.counted.upstream_flow_control_resumed_reading_total", admin))
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

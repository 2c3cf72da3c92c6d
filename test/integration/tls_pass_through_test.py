"""TLS that passes through by its server name, seen by real TLS servers."""

import socket
import ssl
import time
import unittest

import tls
from harness import Nuncio, bootstrap, cluster, free_ports
from tcp import Server, chain, connect, entry, tcp_listener

SNI_CLUSTER = "type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster"


class PassThrough(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.pki = tls.Authority()
        cls.servers = {name: tls.s_server(cls.pki.issue(name, [f"DNS:{name}"])) for name in ("one.test", "two.test")}
        cls.plain = Server()
        by_name, by_match, cls.slow = free_ports(3)
        cls.ports = {"by_name": by_name, "by_match": by_match}
        inspector = tls.inspector(enable_ja3_fingerprinting=True)
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
        hello = tls.client_hello("one.test")
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


if __name__ == "__main__":
    unittest.main()

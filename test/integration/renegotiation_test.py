"""Hosts of TLS 1.2 that ask for another handshake on a connection in use, as `openssl s_server` does when it is told
to."""

import os
import subprocess
import unittest

import tls
from harness import AccessLog, Client, Nuncio, bootstrap, cluster, directory, free_ports, listener, to, wait_for

ANSWER = b"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody"
# As many as a host may ask for on one connection.
LIMIT = 16


class Server:
    """Says what it receives and what becomes of its commands, and sends what it is given. It serves one connection at a
    time."""

    def __init__(self, port, certificate):
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.certificate, "-key",
             certificate.key, "-tls1_2", "-crlf", "-no_cache", "-no_ticket"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.output = b""
        self.wait(b"ACCEPT\n")

    def read(self):
        self.output += self.process.stdout.read() or b""
        return self.output

    def wait(self, text, times=1):
        wait_for(lambda: self.read().count(text) >= times, f"s_server saying {text} {times} times")

    def give(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def renegotiate(self):
        """Asks for it; the handshake comes when its client answers."""
        self.give(b"r\n")

    def stop(self):
        self.process.kill()
        self.process.communicate()


def setUpModule():
    global proxy, port, admin, log, servers
    authority = tls.Authority()
    certificate = authority.issue("server", ["DNS:a.test"])
    log = AccessLog(os.path.join(directory(), "access.log"))
    port, admin, *ports = free_ports(6)
    names = ["allowed", "refused", "upload", "many"]
    servers = {name: Server(each, certificate) for name, each in zip(names, ports)}
    clusters = []
    for name, each in zip(names, ports):
        transport = tls.upstream(tls.trusting(authority), sni="a.test", allow_renegotiation=name != "refused")
        clusters.append(cluster(name, [each], transport_socket=transport))
    proxy = Nuncio(bootstrap(
        [listener("main", port, [to(name) for name in names], log=log.path)], clusters,
        admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()
    for each in servers.values():
        each.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


class Renegotiation(unittest.TestCase):

    def begin(self, name, head=""):
        """A request that its host has and has not answered."""
        client = Client(port)
        self.addCleanup(client.close)
        client.send(head or f"GET /{name} HTTP/1.1\r\nHost: a.test\r\n\r\n")
        servers[name].wait(f" /{name} HTTP/1.1".encode())
        return client

    def test_where_it_is_allowed(self):
        client, server = self.begin("allowed"), servers["allowed"]
        server.renegotiate()
        server.wait(b"Read BLOCK\n")
        server.give(ANSWER)
        self.assertEqual(client.answer().body, b"body")
        # The connection goes on: the next request comes on it too.
        client.send("GET /allowed/next HTTP/1.1\r\nHost: a.test\r\n\r\n")
        server.wait(b"GET /allowed/next HTTP/1.1")
        server.give(ANSWER)
        self.assertEqual(client.answer().body, b"body")
        self.assertEqual(stat("cluster.allowed.upstream_cx_total"), 1)

    def test_where_it_is_not(self):
        client = self.begin("refused")
        servers["refused"].renegotiate()
        self.assertEqual(client.answer().status, 503)
        line = log.line("/refused")
        self.assertEqual(line["flags"], "UC", line)
        wait_for(lambda: stat("cluster.refused.upstream_cx_active") == 0, "the connection's end")
        self.assertEqual(stat("cluster.refused.ssl.connection_error"), 1)

    def test_what_is_sent_meanwhile_waits_and_arrives(self):
        size = 1 << 20
        client = self.begin("upload", f"POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: {4 * size}\r\n\r\n")
        server = servers["upload"]
        for part in range(1, 5):
            server.renegotiate()
            client.send(b"~" * size)
            server.wait(b"~", part * size)
        server.give(ANSWER)
        self.assertEqual(client.answer().body, b"body")
        self.assertEqual(server.read().count(b"~"), 4 * size)

    def test_a_host_that_asks_for_it_again_and_again(self):
        client, server = self.begin("many"), servers["many"]
        for i in range(LIMIT):
            server.renegotiate()
            server.wait(b"Read BLOCK\n", i + 1)
        server.give(ANSWER)
        self.assertEqual(client.answer().status, 200)
        # Nothing that would be tried again elsewhere.
        client.send("POST /many/more HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
        server.wait(b"POST /many/more HTTP/1.1")
        server.renegotiate()
        self.assertEqual(client.answer().status, 503)
        self.assertEqual(log.line("/many/more")["flags"], "UC")


if __name__ == "__main__":
    unittest.main()

"""Connections that are silent between requests: only a record is kept of them, and nobody can tell."""

import signal
import time
import unittest

from harness import (AccessLog, Backend, Client, Nuncio, bootstrap, directory, file_log, free_ports, listener, to,
                     wait_for)

COUNT = 2000


class Parked(unittest.TestCase):

    def setUp(self):
        self.backend = Backend()
        self.port, self.brief, self.old, self.admin, self.tunnels = free_ports(5)
        log = directory() + "/connections.log"
        self.log = AccessLog(log)
        connections = file_log(log, json_format={"path": "%CONNECTION_ID%", "received": "%BYTES_RECEIVED%",
                                                 "sent": "%BYTES_SENT%", "duration": "%DURATION%",
                                                 "peer": "%DOWNSTREAM_REMOTE_ADDRESS%",
                                                 "local": "%DOWNSTREAM_LOCAL_ADDRESS%"})
        routes = [to("echo", prefix="/")]
        self.proxy = Nuncio(bootstrap(
            [listener("main", self.port, routes, listener_fields={"access_log": [connections]},
                      common_http_protocol_options={"max_requests_per_connection": 3}),
             listener("brief", self.brief, routes, common_http_protocol_options={"idle_timeout": "1s"}),
             listener("old", self.old, routes, common_http_protocol_options={"max_connection_duration": "1s"}),
             listener("tunnels", self.tunnels, routes, upgrade_configs=[{"upgrade_type": "websocket"}])],
            [self.backend.cluster("echo")],
            admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.admin}}}),
            "--drain-time-s", "5")
        self.addCleanup(self.proxy.stop)

    def stat(self, name):
        with Client(self.admin) as client:
            text = client.get(f"/stats?filter=^{name.replace('.', '[.]')}$").body.decode()
        return int(text.rsplit(":", 1)[1]) if text else 0

    def parked(self, prefix, count):
        wait_for(lambda: self.stat(f"http.{prefix}.downstream_cx_parked") == count, f"{count} parked connections")

    def test_requests_go_on(self):
        client = Client(self.port)
        for number in range(2):
            self.assertEqual(client.get(f"/{number}").status, 200)
            self.parked("main", 1)
            self.assertEqual(self.stat("http.main.downstream_cx_active"), 1)
            self.assertEqual(self.stat("http.main.downstream_cx_http1_active"), 1)
        # Requests are counted over all of its life.
        last = client.get("/2")
        self.assertEqual(last.get("connection"), "close")
        self.assertTrue(client.at_end())
        self.assertEqual(self.stat("http.main.downstream_cx_http1_total"), 1)
        self.assertEqual(self.stat("http.main.downstream_cx_total"), 1)
        # The client has the FIN before the proxy has counted it.
        wait_for(lambda: self.stat("http.main.downstream_cx_destroy") == 1, "the end of the connection")
        self.assertEqual(self.stat("http.main.downstream_cx_parked"), 0)
        line, = wait_for(self.log.lines, "the connection's log")
        self.assertEqual(line["sent"], self.stat("http.main.downstream_cx_tx_bytes_total"))
        self.assertEqual(line["received"], self.stat("http.main.downstream_cx_rx_bytes_total"))
        self.assertGreaterEqual(line["duration"], 500)
        self.assertEqual(line["peer"], "127.0.0.1:%d" % client.sock.getsockname()[1])
        self.assertEqual(line["local"], f"127.0.0.1:{self.port}")

    def test_before_the_first_request(self):
        with Client(self.port) as client:
            self.parked("main", 1)
            # In pieces, with pauses in which a connection would be parked that had nothing begun.
            client.send("GET / HT")
            time.sleep(0.6)
            self.assertEqual(self.stat("http.main.downstream_cx_parked"), 0)
            client.send("TP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(client.answer().status, 200)

    def test_the_client_leaves(self):
        for reset in (False, True):
            client = Client(self.port)
            client.get("/")
            self.parked("main", 1)
            client.reset() if reset else client.close()
            wait_for(lambda: self.stat("http.main.downstream_cx_active") == 0, "the end of the connection")
            self.assertEqual(self.stat("http.main.downstream_cx_parked"), 0)
        self.assertEqual(self.stat("http.main.downstream_cx_destroy_remote"), 2)

    def test_deadlines(self):
        with Client(self.brief) as idle, Client(self.old) as old:
            idle.get("/")
            old.get("/")
            self.parked("brief", 1)
            self.parked("old", 1)
            self.assertTrue(idle.at_end())
            self.assertTrue(old.at_end())
        self.assertEqual(self.stat("http.brief.downstream_cx_idle_timeout"), 1)
        self.assertEqual(self.stat("http.old.downstream_cx_max_duration_reached"), 1)

    def test_draining(self):
        clients = [Client(self.port) for _ in range(20)]
        for client in clients:
            client.get("/")
        self.parked("main", 20)
        self.proxy.signal(signal.SIGTERM)
        for client in clients:
            self.assertTrue(client.at_end())
        self.assertEqual(self.proxy.exit_status(), 0)

    def test_the_end_of_the_process(self):
        with Client(self.port) as client:
            client.get("/")
            self.parked("main", 1)
            self.proxy.stop()

    def test_exchanges_are_not_parked(self):
        """Neither an answer that takes long, nor a tunnel without traffic."""
        def late(stream, request):
            time.sleep(0.7)
            if request.get("upgrade"):
                stream.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                stream.send(stream.exactly(4))
                return False
            return Backend.echo(stream, request)

        self.backend.answer = late
        with Client(self.port) as client:
            self.assertEqual(client.get("/").status, 200)
        with Client(self.tunnels) as client:
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
            self.assertEqual(client.head().status, 101)
            time.sleep(0.7)
            self.assertEqual(self.stat("http.tunnels.downstream_cx_parked"), 0)
            client.send("ping")
            self.assertEqual(client.exactly(4), b"ping")

    def test_thousands_cost_little(self):
        with Client(self.port) as first:
            first.get("/")
        before = self.proxy.resident_kib()
        clients = [Client(self.port) for _ in range(COUNT)]
        for client in clients:
            client.get("/")
        self.parked("main", COUNT)
        # What each connection took before it was parked is several times this. The memory goes back a moment later.
        wait_for(lambda: self.proxy.resident_kib() - before < COUNT * 0.5, "half a KiB per connection")
        for client in clients[::100]:
            self.assertEqual(client.get("/again").status, 200)
        for client in clients:
            client.close()
        wait_for(lambda: self.stat("http.main.downstream_cx_active") == 0, "the end of the connections")


if __name__ == "__main__":
    unittest.main()

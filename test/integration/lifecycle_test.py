"""The process: its start and end, signals, and what it does when descriptors or connections run out."""

import json
import os
import signal
import subprocess
import threading
import time
import unittest

from harness import (BINARY, CONNECTIONS_MONITOR, Backend, Client, Nuncio, bootstrap, directory, free_ports, listener,
                     to, wait_for)


def simple(backend, port, **fields):
    return bootstrap([listener("main", port, [to("echo", prefix="/")])], [backend.cluster("echo")], **fields)


class Slow:
    """An answer whose end a test decides."""

    def __init__(self):
        self.began = threading.Event()
        self.finish = threading.Event()

    def whole(self, stream, request):
        self.began.set()
        self.finish.wait(10)
        return Backend.echo(stream, request)

    def in_halves(self, stream, request):
        stream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        self.began.set()
        self.finish.wait(10)
        stream.send("cd")
        return True


class Draining(unittest.TestCase):

    def setUp(self):
        self.slow = Slow()
        self.backend = Backend()
        self.port, = free_ports(1)
        self.proxy = Nuncio(simple(self.backend, self.port), "--drain-time-s", "30")

    def test_busy_requests_end_and_idle_connections_close(self):
        idle, fresh, busy, begun = (Client(self.port) for _ in range(4))
        self.assertEqual(idle.get("/").status, 200)
        self.backend.answer = self.slow.whole
        busy.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n")
        self.slow.began.wait(10)
        halves = Slow()
        self.backend.answer = halves.in_halves
        begun.send("GET /begun HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIsNone(begun.head().get("connection"))
        self.proxy.signal(signal.SIGTERM)
        self.assertTrue(idle.at_end())
        self.assertTrue(fresh.at_end())
        self.assertIsNone(self.proxy.process.poll())
        with self.assertRaises(ConnectionRefusedError):
            Client(self.port)
        self.slow.finish.set()
        answer = busy.answer()
        self.assertEqual((answer.status, answer.body, answer.get("connection")), (200, b"/busy", "close"))
        # An answer that could not say so any more ends its connection all the same.
        halves.finish.set()
        self.assertEqual(begun.exactly(4), b"abcd")
        self.assertTrue(begun.at_end())
        self.assertEqual(self.proxy.exit_status(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        self.backend.answer = self.slow.whole
        with Client(self.port) as busy:
            busy.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n")
            self.slow.began.wait(10)
            self.proxy.signal(signal.SIGTERM)
            wait_for(lambda: b"draining" in self.proxy.log(), "the drain")
            self.proxy.signal(signal.SIGTERM)
            self.assertEqual(self.proxy.exit_status(), 0)
        self.slow.finish.set()

    def test_connections_in_the_accept_queue_are_served(self):
        self.proxy.signal(signal.SIGSTOP)
        clients = [Client(self.port) for _ in range(5)]
        for client in clients:
            client.send("GET /queued HTTP/1.1\r\nHost: a\r\n\r\n")
        self.proxy.signal(signal.SIGTERM)
        self.proxy.signal(signal.SIGCONT)
        for client in clients:
            self.assertEqual(client.answer().body, b"/queued")
        self.assertEqual(self.proxy.exit_status(), 0)


class DrainedListeners(unittest.TestCase):
    """By the admin interface, without the process ending."""

    def setUp(self):
        self.port, self.admin = free_ports(2)
        self.proxy = Nuncio(simple(Backend(), self.port, admin={"address": {"socket_address": {
            "address": "127.0.0.1", "port_value": self.admin}}}), "--drain-time-s", "1")

    def tearDown(self):
        self.proxy.stop()

    def drain(self, query):
        with Client(self.admin) as client:
            client.send(f"POST /drain_listeners?{query} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            self.assertEqual(client.answer().status, 200)

    def drains(self):
        return self.proxy.log().count(b"draining all listeners")

    def begins_another(self, query):
        self.drain(query)
        return self.drains() == 2

    def listens(self):
        try:
            with Client(self.port):
                return True
        except ConnectionRefusedError:
            return False

    def test_listening_goes_on_where_that_is_asked(self):
        self.drain("graceful&skip_exit")
        # Another one begins only when the first is over.
        wait_for(lambda: self.begins_another("graceful&skip_exit"), "the end of the first drain")
        self.assertTrue(self.listens())

    def test_unless_a_second_request_wants_it_to_end(self):
        self.drain("graceful&skip_exit")
        self.drain("graceful")
        wait_for(lambda: not self.listens(), "the end of listening")
        self.assertEqual(self.drains(), 1)


class DrainTime(unittest.TestCase):

    def test_the_drain_time_ends_everything(self):
        slow = Slow()
        backend = Backend(slow.whole)
        port, = free_ports(1)
        proxy = Nuncio(simple(backend, port), "--drain-time-s", "1")
        with Client(port) as busy:
            busy.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n")
            slow.began.wait(10)
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.exit_status(), 0)
        slow.finish.set()


class Shortage(unittest.TestCase):

    def test_out_of_descriptors(self):
        """Those that are served go on, the others wait in the kernel's queue, nothing spins, and it recovers."""
        port, = free_ports(1)
        proxy = Nuncio(simple(Backend(), port), descriptors=40)
        clients = [Client(port) for _ in range(60)]
        wait_for(lambda: b"accepting pauses" in proxy.log(), "the pause")
        before = proxy.cpu_seconds()
        time.sleep(1)
        self.assertLess(proxy.cpu_seconds() - before, 0.3)
        for client in clients:
            client.close()
        with Client(port) as client:
            self.assertEqual(client.get("/after").body, b"/after")
        proxy.stop()

    def test_limit_of_connections(self):
        port, = free_ports(1)
        proxy = Nuncio(simple(Backend(), port, overload_manager={"resource_monitors": [
            {"name": "envoy.resource_monitors.global_downstream_max_connections",
             "typed_config": {"@type": CONNECTIONS_MONITOR, "max_active_downstream_connections": 2}}]}))
        first, second = Client(port), Client(port)
        self.assertEqual(first.get("/1").status, 200)
        self.assertEqual(second.get("/2").status, 200)
        self.assertTrue(Client(port).at_end())
        self.assertEqual(first.get("/3").status, 200)
        first.close()

        def served():
            with Client(port) as client:
                try:
                    return client.get("/4").status == 200
                except (EOFError, ConnectionError):
                    return False

        wait_for(served, "a place for the next")
        second.close()
        proxy.stop()


class Counting(unittest.TestCase):
    """Of what the process was started with."""

    def figures(self, pattern):
        with Client(self.admin) as client:
            text = client.get(f"/stats?filter={pattern}").body.decode()
        return {name: int(value) for name, value in (line.split(": ") for line in text.splitlines())}

    def test_fields_without_effect_and_routes(self):
        port, self.admin = free_ports(2)
        backend = Backend()
        path = os.path.join(directory(), "rds.json")

        def write(*resources):
            with open(path + ".new", "w", encoding="ascii") as file:
                json.dump({"resources": resources}, file)
            os.replace(path + ".new", path)

        write()
        config = simple(backend, port, admin={"address": {"socket_address": {"address": "127.0.0.1",
                                                                             "port_value": self.admin}}})
        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        routes = manager.pop("route_config")
        manager["rds"] = {"route_config_name": "routes", "config_source": {
            "initial_fetch_timeout": "0.2s", "path_config_source": {"path": path}}}
        manager["of_another_proxy"] = config["of_another_proxy"] = True
        proxy = Nuncio(config, "--allow-unknown-static-fields")
        try:
            self.assertEqual(self.figures("unknown_fields"),
                             {"server.static_unknown_fields": 2, "server.dynamic_unknown_fields": 0})
            self.assertEqual(self.figures("workers_started"), {"listener_manager.workers_started": 1})
            write({"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
                   **routes, "name": "routes"})
            begin = time.time() * 1000
            wait_for(lambda: sum(self.figures("config_reload$").values()) == 1, "the routes")
            at, = self.figures("config_reload_time_ms").values()
            self.assertLess(abs(at - begin), 60_000)
            with Client(port) as client:
                self.assertEqual(client.get("/a").status, 200)
        finally:
            proxy.stop()


class Validation(unittest.TestCase):

    def run_on(self, text, *arguments):
        path = os.path.join(directory(), "bootstrap.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        got = subprocess.run([BINARY, "-c", path, *arguments], capture_output=True, text=True, timeout=30, check=False)
        return got, path

    def test_a_good_one(self):
        port, = free_ports(1)
        text = json.dumps(simple(Backend(), port))
        got, path = self.run_on(text, "--mode", "validate")
        self.assertEqual((got.returncode, got.stderr), (0, ""))
        self.assertIn("OK", got.stdout)
        with self.assertRaises(ConnectionRefusedError):
            Client(port)

    def test_faults_name_file_field_and_reason(self):
        for mode in ("validate", "serve"):
            for text, wanted in (
                    ("static_resources:\n  clusters:\n  - name: c\n    connect_timeout: soon\n",
                     "static_resources.clusters[0].connect_timeout"),
                    ("static_resources:\n  listeners:\n  - name: l\n    adress: {}\n", "static_resources.listeners[0]"),
                    ("static_resources: [", "bootstrap.yaml")):
                with self.subTest(wanted, mode=mode):
                    got, path = self.run_on(text, "--mode", mode)
                    self.assertEqual(got.returncode, 1)
                    self.assertIn(path, got.stderr)
                    self.assertIn(wanted, got.stderr)

    def test_a_file_that_is_not_there(self):
        got = subprocess.run([BINARY, "-c", "/nowhere/b.yaml"], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(got.returncode, 1)
        self.assertIn("/nowhere/b.yaml", got.stderr)

    def test_an_address_in_use(self):
        """Another process's: the start fails as a whole and says which listener."""
        taken = Backend()
        got, path = self.run_on(json.dumps(simple(Backend(), taken.port)))
        self.assertEqual(got.returncode, 1)
        self.assertIn("listeners[0]", got.stderr)
        self.assertIn(str(taken.port), got.stderr)


if __name__ == "__main__":
    unittest.main()

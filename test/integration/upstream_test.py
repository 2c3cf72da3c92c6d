"""Requests and their servers: connections that die, servers that are not there, answers that must reach their own
client."""

import os
import threading
import time
import unittest

from harness import (AccessLog, Backend, Client, Nuncio, bootstrap, cluster, directory, free_ports, listener, read_body,
                     to, wait_for)

GET = "GET {} HTTP/1.1\r\nHost: a\r\n\r\n"


def setUpModule():
    global proxy, backends, port, admin, log
    log = AccessLog(os.path.join(directory(), "access.log"))
    names = ("echo", "retry", "retrypost", "twice", "silent", "tight", "cancel", "single", "cut")
    backends = {name: Backend() for name in names}
    port, nobody, admin = free_ports(3)
    special = {
        "tight": {"circuit_breakers": {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}},
        "single": {"max_requests_per_connection": 1},
    }
    clusters = [backend.cluster(name, **special.get(name, {})) for name, backend in backends.items()]
    clusters += [cluster("empty", []), cluster("refused", [nobody])]
    routes = [to(name) for name in sorted([*names, "empty", "refused"], key=len, reverse=True)]
    routes.append({"match": {"prefix": "/byheader"}, "route": {"cluster_header": "x-cluster"}})
    routes.append({"match": {"prefix": "/missing"},
                   "route": {"cluster_header": "x-cluster", "cluster_not_found_response_code": "NOT_FOUND"}})
    proxy = Nuncio(bootstrap([listener("main", port, routes, log=log.path)], clusters,
                             admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        return int(client.get(f"/stats?filter=^{name}$").body.decode().split(": ")[1])


def once(stream, request):
    """Answers, as if to keep the connection, and closes when the next request comes."""
    if len([each for each in stream.__dict__.setdefault("served", [])]) == 0:
        stream.served.append(request)
        return Backend.echo(stream, request)
    return False


class Upstream(unittest.TestCase):

    def fails(self, path, status, flag, fields=""):
        with Client(port) as client:
            answer = client.get(path, fields)
            self.assertEqual(answer.status, status)
        line = log.line(path)
        self.assertEqual(line["flags"], flag)
        return line

    def test_a_reused_connection_that_dies_is_retried(self):
        backends["retry"].answer = once
        with Client(port) as client:
            self.assertEqual(client.get("/retry/first").body, b"/retry/first")
            # The server closes when it reads this; a fresh connection serves it.
            self.assertEqual(client.get("/retry/second").body, b"/retry/second")
        self.assertEqual(log.line("/retry/first")["attempts"], 1)
        self.assertEqual(log.line("/retry/second")["attempts"], 2)

    def test_a_post_is_not_sent_twice(self):
        backends["retrypost"].answer = once
        with Client(port) as client:
            self.assertEqual(client.get("/retrypost/first").status, 200)
            client.send("POST /retrypost/second HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            self.assertEqual(client.answer().status, 503)
        line = log.line("/retrypost/second")
        self.assertEqual((line["flags"], line["attempts"]), ("UC", 1))
        self.assertEqual(len([each for each in backends["retrypost"].requests if each.method == "POST"]), 1)

    def test_a_fresh_connection_that_dies_is_not_retried(self):
        backends["twice"].answer = lambda stream, request: False
        line = self.fails("/twice", 503, "UC")
        self.assertEqual(line["attempts"], 1)
        self.assertEqual(len(backends["twice"].requests), 1)

    def test_an_idle_connection_that_closed_is_not_used(self):
        def answer(stream, request):
            Backend.echo(stream, request)
            return False

        backends["silent"].answer = answer
        with Client(port) as client:
            for number in range(5):
                self.assertEqual(client.get(f"/silent/{number}").status, 200)

    def test_no_healthy_host(self):
        self.fails("/empty", 503, "UH")

    def test_connect_refused(self):
        line = self.fails("/refused", 503, "UF")
        self.assertTrue(line["host"].startswith("127.0.0.1:"))

    def test_what_no_host_answered_counts_as_its_clusters(self):
        for name, flag in (("refused", "UF"), ("empty", "UH")):
            before = (stat(f"cluster.{name}.upstream_rq_503"), stat(f"cluster.{name}.upstream_rq_completed"))
            self.fails(f"/{name}/counted", 503, flag)
            after = (stat(f"cluster.{name}.upstream_rq_503"), stat(f"cluster.{name}.upstream_rq_completed"))
            self.assertEqual(after, (before[0] + 1, before[1] + 1), name)

    def test_no_route(self):
        self.fails("/nowhere", 404, "NR")

    def test_no_cluster(self):
        self.fails("/byheader", 503, "NC", "X-Cluster: unknown\r\n")
        self.fails("/missing", 404, "NC", "X-Cluster: unknown\r\n")

    def test_circuit_breakers(self):
        release = threading.Event()

        def answer(stream, request):
            release.wait(10)
            return Backend.echo(stream, request)

        backends["tight"].answer = answer
        with Client(port) as busy, Client(port) as waiting:
            busy.send(GET.format("/tight/busy"))
            wait_for(lambda: backends["tight"].requests, "the first request")
            waiting.send(GET.format("/tight/waiting"))
            # The order of two clients' requests is the proxy's: this one's answer tells that the other was seen.
            with Client(port) as other:
                self.assertEqual(other.get("/echo").status, 200)
            with Client(port) as third:
                answer = third.get("/tight/third")
                self.assertEqual((answer.status, answer.get("x-envoy-overloaded")), (503, "true"))
            self.assertEqual(log.line("/tight/third")["flags"], "UO")
            release.set()
            self.assertEqual(busy.answer().body, b"/tight/busy")
            self.assertEqual(waiting.answer().body, b"/tight/waiting")

    def test_answers_are_never_mixed_after_a_cancel(self):
        """A client goes in the middle of its answer; the next one's request must not meet what is left of it."""
        began = threading.Event()

        def answer(stream, request):
            if request.path.endswith("victim"):
                stream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + "v" * 1000)
                began.set()
                try:
                    for _ in range(999):
                        stream.send("v" * 1000)
                        time.sleep(0.001)
                except OSError:
                    return False
                return True
            return Backend.echo(stream, request)

        backends["cancel"].answer = answer
        for _ in range(5):
            began.clear()
            victim = Client(port)
            victim.send(GET.format("/cancel/victim"))
            victim.head()
            began.wait(5)
            victim.reset()
            with Client(port) as client:
                self.assertEqual(client.get("/cancel/mine").body, b"/cancel/mine")
        self.assertEqual(log.line("/cancel/victim")["flags"], "DC")

    def test_a_client_that_leaves_while_the_server_thinks(self):
        arrived, gone = threading.Event(), threading.Event()

        def answer(stream, request):
            arrived.set()
            stream.rest()
            gone.set()

        backends["cut"].answer = answer
        client = Client(port)
        client.send(GET.format("/cut"))
        self.assertTrue(arrived.wait(10))
        client.reset()
        self.assertTrue(gone.wait(10), "the server's connection stays open")
        self.assertEqual(log.line("/cut")["flags"], "DC")

    def test_an_answer_that_breaks_off_is_counted(self):
        def answer(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            return False

        before = stat("http.main.rq_reset_after_downstream_response_started")
        backends["cut"].answer = answer
        with Client(port) as client:
            client.send(GET.format("/cut/off"))
            self.assertRaises(Exception, client.answer)
        self.assertEqual(log.line("/cut/off")["flags"], "UC")
        self.assertEqual(stat("http.main.rq_reset_after_downstream_response_started"), before + 1)

    def test_answers_reach_their_own_clients(self):
        errors = []

        def run(number):
            with Client(port) as client:
                for turn in range(50):
                    path = f"/echo/{number}/{turn}"
                    if client.get(path).body != path.encode():
                        errors.append(path)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])

    def test_one_request_per_connection(self):
        before = backends["single"].connections
        with Client(port) as client:
            for _ in range(3):
                self.assertEqual(client.get("/single").status, 200)
        self.assertEqual(backends["single"].connections - before, 3)

    def test_a_body_that_comes_before_the_connection(self):
        body = "b" * 300_000
        with Client(port) as client:
            client.send(f"POST /echo/body HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}")
            self.assertEqual(len(client.answer().body), len(body))


if __name__ == "__main__":
    unittest.main()

"""Routes, rewrites, headers and access logs of the running proxy."""

import os
import signal
import subprocess
import unittest

from harness import (AccessLog, Backend, Client, Nuncio, bootstrap, directory, file_log, free_ports, listener, to,
                     wait_for)


def setUpModule():
    global proxy, one, two, log, text_log, inner, edge, hops, admin
    one = Backend()
    two = Backend()
    log = AccessLog(os.path.join(directory(), "access.log"))
    text_log = os.path.join(directory(), "text.log")
    inner, edge, hops, admin = free_ports(4)

    def add(key, value):
        return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}

    weights = [{"name": "one", "weight": 70}, {"name": "two", "weight": 30}]
    routes = [
        {"match": {"prefix": "/weighted"}, "route": {"weighted_clusters": {"clusters": weights}}},
        {"match": {"path": "/direct"},
         "direct_response": {"status": 418, "body": {"inline_string": "short and stout"}}},
        {"match": {"prefix": "/old"}, "redirect": {"prefix_rewrite": "/new", "response_code": "FOUND"}},
        {"match": {"prefix": "/tls"}, "redirect": {"https_redirect": True, "host_redirect": "b.test"}},
        {"match": {"prefix": "/rewrite/"},
         "route": {"cluster": "one", "prefix_rewrite": "/", "host_rewrite_literal": "in.test"}},
        {"match": {"path_separated_prefix": "/apart"}, "route": {"cluster": "two"}},
        {"match": {"safe_regex": {"regex": "/item/[0-9]+"}}, "route": {"cluster": "two"}},
        {"match": {"prefix": "/", "headers": [{"name": "x-to", "string_match": {"exact": "two"}}]},
         "route": {"cluster": "two"}},
        {"match": {"prefix": "/", "query_parameters": [{"name": "to", "string_match": {"exact": "two"}}]},
         "route": {"cluster": "two"}},
        {**to("one", prefix="/"), "name": "last",
         "request_headers_to_add": [add("X-Client", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
         "request_headers_to_remove": ["x-secret"],
         "response_headers_to_add": [add("X-Cluster", "%UPSTREAM_CLUSTER%")],
         "response_headers_to_remove": ["x-internal"]},
    ]
    form = "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS%\n"
    text = file_log(text_log, text_format_source={"inline_string": form})
    proxy = Nuncio(bootstrap(
        [listener("inner", inner, routes, log=log.path, server_name="gate", access_log=[text]),
         listener("edge", edge, routes, use_remote_address=True),
         listener("hops", hops, routes, use_remote_address=True, xff_num_trusted_hops=1)],
        [one.cluster("one"), two.cluster("two")],
        admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def get(port, path, fields=""):
    with Client(port) as client:
        return client.get(path, fields)


def text_of(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Routing(unittest.TestCase):

    def setUp(self):
        for backend in (one, two):
            backend.answer = Backend.echo
            backend.clear()

    def test_weighted_clusters(self):
        with Client(inner) as client:
            for _ in range(400):
                self.assertEqual(client.get("/weighted").status, 200)
        # 280 expected; ten standard deviations either way.
        self.assertTrue(190 < len(one.requests) < 370, len(one.requests))
        self.assertEqual(len(one.requests) + len(two.requests), 400)

    def test_direct_response(self):
        answer = get(inner, "/direct")
        self.assertEqual((answer.status, answer.body), (418, b"short and stout"))
        self.assertEqual(one.requests + two.requests, [])

    def test_redirects(self):
        answer = get(inner, "/old/page?q=1")
        self.assertEqual((answer.status, answer.get("location")), (302, "http://a.test/new/page?q=1"))
        answer = get(inner, "/tls/x")
        self.assertEqual((answer.status, answer.get("location")), (301, "https://b.test/tls/x"))

    def test_rewrites(self):
        get(inner, "/rewrite/page?q=1")
        request = one.last()
        self.assertEqual((request.path, request.get("host")), ("/page?q=1", "in.test"))
        self.assertEqual(request.get("x-envoy-original-path"), "/rewrite/page?q=1")

    def test_matches(self):
        for path, fields, backend in (("/apart/x", "", two), ("/apartment", "", one), ("/item/12", "", two),
                                      ("/item/x", "", one), ("/x", "X-To: two\r\n", two), ("/x?to=two", "", two)):
            with self.subTest(path, fields=fields):
                before = len(backend.requests)
                self.assertEqual(get(inner, path, fields).status, 200)
                self.assertEqual(len(backend.requests), before + 1)

    def test_headers_are_added_and_removed(self):
        one.answer = Backend.fixed("HTTP/1.1 200 OK\r\nX-Internal: 1\r\nContent-Length: 0\r\n\r\n")
        answer = get(inner, "/", "X-Secret: 1\r\nX-Client: forged\r\n")
        self.assertEqual(answer.get("x-cluster"), "one")
        self.assertIsNone(answer.get("x-internal"))
        self.assertEqual(one.last().all("x-client"), ["127.0.0.1"])
        self.assertIsNone(one.last().get("x-secret"))

    def test_the_answer_says_who_and_how_long(self):
        answer = get(inner, "/")
        self.assertEqual(answer.get("server"), "gate")
        self.assertRegex(answer.get("x-envoy-upstream-service-time"), r"^[0-9]+$")
        self.assertRegex(answer.get("date"), r"^[A-Z][a-z]{2}, [0-9]{2} ")

    def test_an_edge_trusts_nobody(self):
        get(edge, "/", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Request-Id: mine\r\n"
                       "X-Envoy-Internal: true\r\nX-Envoy-Upstream-Rq-Timeout-Ms: 1\r\nX-Envoy-Max-Retries: 9\r\n"
                       "X-Envoy-Original-Path: /forged\r\nX-Envoy-Decorator-Operation: x\r\n")
        request = one.last()
        self.assertEqual(request.get("x-forwarded-for"), "6.6.6.6,127.0.0.1")
        self.assertEqual(request.get("x-forwarded-proto"), "http")
        self.assertRegex(request.get("x-request-id"), r"^[0-9a-f]{8}-[0-9a-f]{4}-4")
        self.assertEqual(request.get("x-envoy-external-address"), "127.0.0.1")
        for name in ("x-envoy-internal", "x-envoy-upstream-rq-timeout-ms", "x-envoy-max-retries",
                     "x-envoy-original-path", "x-envoy-decorator-operation"):
            self.assertIsNone(request.get(name), name)

    def test_an_inner_proxy_passes_on_what_the_edge_said(self):
        get(inner, "/", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Request-Id: mine\r\n")
        request = one.last()
        self.assertEqual([request.get(name) for name in ("x-forwarded-for", "x-forwarded-proto", "x-request-id")],
                         ["6.6.6.6", "https", "mine"])

    def test_trusted_hops(self):
        get(hops, "/", "X-Forwarded-For: 6.6.6.6, 7.7.7.7\r\n")
        request = one.last()
        self.assertEqual(request.get("x-client"), "7.7.7.7")
        self.assertEqual(request.get("x-forwarded-for"), "6.6.6.6, 7.7.7.7,127.0.0.1")

    def test_curl_finds_nothing_strange(self):
        url = f"http://127.0.0.1:{inner}"
        got = subprocess.run(["curl", "-sS", "--max-time", "10", "-w", "%{http_code} %{num_connects}\n",
                              "-o", "/dev/null", f"{url}/a", "-o", "/dev/null", f"{url}/b"],
                             capture_output=True, text=True, check=True)
        self.assertEqual(got.stdout, "200 1\n200 0\n")
        big = "x" * 2_000_000
        got = subprocess.run(["curl", "-sS", "--max-time", "20", "-H", "Transfer-Encoding: chunked",
                              "-H", "Expect: 100-continue", "--data-binary", "@-", f"{url}/up"],
                             input=big, capture_output=True, text=True, check=True)
        self.assertEqual(len(got.stdout), len(big))


class Stats(unittest.TestCase):

    def value(self, name):
        for line in get(admin, "/stats?filter=" + name).body.decode().splitlines():
            key, _, value = line.partition(": ")
            if key == name:
                return int(value)
        return None

    def test_bytes_are_counted_while_their_connection_lives(self):
        name = "http.hops.downstream_cx_{}_bytes_total"
        with Client(hops) as client:
            client.get("/x")
            before = [self.value(name.format(way)) for way in ("rx", "tx")]
            client.get("/x", f"X: {'x' * 1000}\r\n")
            client.get("/x")
            after = [self.value(name.format(way)) for way in ("rx", "tx")]
        self.assertGreater(after[0] - before[0], 1000)
        self.assertGreater(after[1] - before[1], 100)


class Logs(unittest.TestCase):

    def test_text_json_and_reopening(self):
        get(inner, "/logged?x=1")
        line = log.line("/logged?x=1")
        self.assertEqual((line["code"], line["flags"], line["cluster"], line["sent"]), (200, "-", "one", 11))
        wait_for(lambda: "GET /logged?x=1 200 -\n" in text_of(text_log), "the text log")
        moved = text_log + ".1"
        os.rename(text_log, moved)
        proxy.signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(text_log), "the reopened log")
        get(inner, "/reopened")
        wait_for(lambda: "GET /reopened 200 -\n" in text_of(text_log), "a line in the new file")
        self.assertNotIn("/reopened", text_of(moved))

    def test_hostile_text_stays_within_its_line(self):
        agent = 'x"\\{}\t%0A", "code": 500'
        get(inner, "/hostile", f"User-Agent: {agent}\r\n")
        self.assertEqual(log.line("/hostile")["agent"], agent)


if __name__ == "__main__":
    unittest.main()

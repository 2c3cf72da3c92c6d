"""Limits in time and number, for clients that are slow and for servers that are: each with its answer and its flag."""

import os
import time
import unittest

from harness import AccessLog, Backend, Client, Nuncio, bootstrap, directory, free_ports, listener, read_body, to

GET = "GET {} HTTP/1.1\r\nHost: a\r\n\r\n"


def setUpModule():
    global proxy, backend, log, ports
    backend = Backend()
    log = AccessLog(os.path.join(directory(), "access.log"))
    # As long as durations get.
    ages = "9223372035s"
    settings = {
        "endless": {"request_headers_timeout": ages, "request_timeout": ages, "stream_idle_timeout": ages,
                    "delayed_close_timeout": ages, "drain_timeout": ages,
                    "common_http_protocol_options": {"idle_timeout": ages, "max_connection_duration": ages,
                                                     "max_stream_duration": ages}},
        "headers": {"request_headers_timeout": "0.3s"},
        "request": {"request_timeout": "0.3s"},
        "stream_idle": {"stream_idle_timeout": "0.3s"},
        "idle": {"common_http_protocol_options": {"idle_timeout": "0.3s"}},
        "requests": {"common_http_protocol_options": {"max_requests_per_connection": 3}},
        "duration": {"common_http_protocol_options": {"max_connection_duration": "0.5s"}},
        "stream": {"common_http_protocol_options": {"max_stream_duration": "0.3s"}},
        # The kernel takes little, so that what the client does not read waits in the proxy.
        "plain": {"delayed_close_timeout": "0.3s",
                  "listener_fields": {"socket_options": [{"level": 1, "name": 7, "int_value": 8192}]}},
    }
    routes = [
        {"match": {"prefix": "/slow"}, "route": {"cluster": "echo", "timeout": "0.3s"}},
        {"match": {"prefix": "/patient"}, "route": {"cluster": "echo", "timeout": "0s", "idle_timeout": "0s"}},
        {"match": {"prefix": "/impatient"}, "route": {"cluster": "echo", "timeout": "0s", "idle_timeout": "0.3s"}},
        {"match": {"prefix": "/endless"}, "route": {"cluster": "endless", "timeout": ages, "idle_timeout": ages}},
        {"match": {"prefix": "/grpc"}, "route": {"cluster": "echo", "max_stream_duration": {
            "grpc_timeout_header_max": "0s"}}},
        to("echo", prefix="/"),
    ]
    ports = dict(zip(settings, free_ports(len(settings))))
    proxy = Nuncio(bootstrap(
        [listener(name, ports[name], routes, log=log.path, **fields) for name, fields in settings.items()],
        [backend.cluster("echo"), backend.cluster("endless", connect_timeout=ages)]))


def tearDownModule():
    proxy.stop()


def never(stream, request):
    stream.rest()


def after(seconds):
    def answer(stream, request):
        time.sleep(seconds)
        return Backend.echo(stream, request)
    return answer


class Limits(unittest.TestCase):

    def setUp(self):
        backend.answer = Backend.echo

    def fails(self, port, text, status, flag, path):
        with Client(ports[port]) as client:
            client.send(text)
            self.assertEqual(client.answer().status, status)
            line = log.line(path)
            self.assertEqual((line["flags"], line["code"]), (flag, status))

    def test_a_head_that_does_not_end(self):
        with Client(ports["headers"]) as client:
            client.send("GET /head HTTP/1.1\r\nHost: a\r\nX: ")
            answer = client.answer()
            self.assertEqual((answer.status, answer.get("connection")), (408, "close"))
            self.assertTrue(client.at_end())
        # The time runs from the first byte, not while the connection waits for one.
        with Client(ports["headers"]) as client:
            self.assertEqual(client.get("/").status, 200)
            self.assertTrue(client.quiet(0.5))
            self.assertEqual(client.get("/").status, 200)
        # What may yet become HTTP/2 has no more time than a head.
        with Client(ports["headers"]) as client:
            client.send("PRI * HT")
            self.assertTrue(client.at_end())

    def test_a_request_that_does_not_end(self):
        self.fails("request", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 408, "DT", "/upload")

    def test_request_timeout_ends_with_the_request(self):
        backend.answer = after(0.5)
        with Client(ports["request"]) as client:
            self.assertEqual(client.get("/patient").status, 200)

    def test_an_exchange_without_a_byte(self):
        backend.answer = never
        self.fails("stream_idle", GET.format("/patience"), 504, "SI", "/patience")
        self.fails("stream_idle", "POST /stuck HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 408, "SI", "/stuck")
        self.fails("plain", GET.format("/impatient"), 504, "SI", "/impatient")

    def test_a_route_may_have_no_idle_timeout(self):
        backend.answer = after(0.6)
        with Client(ports["stream_idle"]) as client:
            self.assertEqual(client.get("/patient").status, 200)

    def test_bytes_keep_an_exchange_alive(self):
        def drip(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
            for _ in range(6):
                time.sleep(0.1)
                stream.send("x")
            return True

        backend.answer = drip
        with Client(ports["stream_idle"]) as client:
            self.assertEqual(client.get("/drip").body, b"xxxxxx")

    def test_a_server_that_does_not_answer(self):
        backend.answer = never
        self.fails("plain", GET.format("/slow"), 504, "UT", "/slow")

    def test_a_server_that_does_not_finish(self):
        def half(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            stream.rest()

        backend.answer = half
        with Client(ports["plain"]) as client:
            client.send(GET.format("/slow/half"))
            self.assertEqual(client.head().status, 200)
            self.assertEqual(client.rest(), b"half")
        self.assertEqual(log.line("/slow/half")["flags"], "UT")

    def test_an_exchange_that_takes_too_long(self):
        backend.answer = never
        self.fails("stream", GET.format("/patient/long"), 504, "UMSDR", "/patient/long")

    def test_limits_that_are_never_reached(self):
        with Client(ports["endless"]) as client:
            for path in ("/endless/1", "/endless/2"):
                self.assertEqual(client.get(path).body, path.encode())
            client.send("POST /endless HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            self.assertEqual(client.answer().body, b"abc")

    def test_a_client_that_has_all_the_time(self):
        backend.answer = after(0.2)
        with Client(ports["plain"]) as client:
            for timeout in ("10S", "2562047H", "99999999H"):
                path = "/grpc/" + timeout
                self.assertEqual(client.get(path, f"grpc-timeout: {timeout}\r\n").body, path.encode())

    def test_an_idle_connection(self):
        with Client(ports["idle"]) as client:
            self.assertEqual(client.get("/").status, 200)
            began = time.monotonic()
            self.assertTrue(client.at_end())
            self.assertGreater(time.monotonic() - began, 0.2)
        with Client(ports["idle"]) as client:
            self.assertTrue(client.at_end())

    def test_an_idle_timeout_spares_the_busy(self):
        backend.answer = after(0.6)
        with Client(ports["idle"]) as client:
            self.assertEqual(client.get("/patient").status, 200)

    def test_the_last_request_of_a_connection(self):
        with Client(ports["requests"]) as client:
            self.assertEqual([client.get("/").get("connection") for _ in range(3)], [None, None, "close"])
            self.assertTrue(client.at_end())

    def test_the_longest_life_of_a_connection(self):
        with Client(ports["duration"]) as client:
            self.assertIsNone(client.get("/").get("connection"))
            self.assertTrue(client.at_end())
        # A busy one finishes first, and says so.
        backend.answer = after(0.8)
        with Client(ports["duration"]) as client:
            answer = client.get("/patient")
            self.assertEqual((answer.status, answer.get("connection")), (200, "close"))
            self.assertTrue(client.at_end())

    def test_the_longest_life_ends_after_an_answer_that_had_begun(self):
        def half(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            time.sleep(0.8)
            stream.send("cd")
            return True

        backend.answer = half
        with Client(ports["duration"]) as client:
            self.assertEqual(client.get("/patient").body, b"abcd")
            self.assertTrue(client.at_end())

    def test_a_client_that_does_not_fetch_its_last_answer(self):
        big = b"x" * 900_000

        def answer(stream, request):
            read_body(stream, request)
            stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(big), big))
            return True

        backend.answer = answer
        with Client(ports["plain"], receive_buffer=4096) as client:
            client.send("GET /unread HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            log.line("/unread")
            # The answer waits in the proxy. With no byte taken for delayed_close_timeout it is given up.
            time.sleep(1.5)
            got = client.rest()
            self.assertLess(len(got), len(big))


if __name__ == "__main__":
    unittest.main()

"""HTTP/2 with clients: who speaks it, many streams on a connection, what passes in each pairing with HTTP/1, how
connections end, and that nothing of it can be used to smuggle a request into HTTP/1."""

import os
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import http2
from harness import (AccessLog, Backend, Client, Nuncio, bootstrap, directory, free_ports, listener, read_body, to,
                     wait_for)


def setUpModule():
    global proxy, h1, h2, slow, port, fixed1, fixed2, limits, admin, log
    log = AccessLog(os.path.join(directory(), "access.log"))
    h1, h2, slow = Backend(), http2.Http2Backend(), Backend()
    port, fixed1, fixed2, limits, admin = free_ports(5)
    routes = [to("h1"), to("h2"), to("slow")]
    trailers = {"http_protocol_options": {"enable_trailers": True}}
    proxy = Nuncio(bootstrap(
        [listener("main", port, routes, log=log.path, proxy_100_continue=True, drain_timeout="0.3s", **trailers),
         listener("fixed1", fixed1, routes, codec_type="HTTP1"),
         listener("fixed2", fixed2, routes, codec_type="HTTP2"),
         listener("limits", limits, routes, drain_timeout="0.2s", delayed_close_timeout="0.2s",
                  common_http_protocol_options={"idle_timeout": "0.5s", "max_requests_per_connection": 3,
                                                "max_headers_count": 20},
                  max_request_headers_kb=4,
                  http2_protocol_options={"max_concurrent_streams": 2, "initial_stream_window_size": 65535,
                                          "connection_keepalive": {"interval": "0.1s", "timeout": "0.2s"}})],
        [h1.cluster("h1", **trailers), h2.cluster("h2"), slow.cluster("slow", per_connection_buffer_limit_bytes=65536)],
        admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


class Speaking(unittest.TestCase):

    def test_by_the_first_bytes(self):
        with http2.Http2Client(port) as client:
            self.assertEqual(client.get("/h1/a").body, b"/h1/a")
            self.assertEqual(client.get("/h2/a").body, b"/h2/a")
        with Client(port) as client:
            self.assertEqual(client.get("/h1/b").body, b"/h1/b")
        self.assertGreaterEqual(stat("http.main.downstream_cx_http2_total"), 1)
        self.assertGreaterEqual(stat("http.main.downstream_cx_http1_total"), 1)
        self.assertGreaterEqual(stat("http.main.downstream_rq_http2_total"), 2)
        wait_for(lambda: stat("http.main.downstream_cx_http2_active") == 0, "the connection's end")

    def test_a_preface_in_pieces(self):
        client = Client(port)
        for byte in http2.PREFACE[:-1]:
            client.send(bytes([byte]))
        self.assertTrue(client.quiet(0.1))
        client.send(http2.PREFACE[-1:] + struct.pack(">I", 0)[1:] + b"\4\0\0\0\0\0")
        self.assertEqual(client.exactly(9)[3], http2.SETTINGS)
        client.close()

    def test_fixed(self):
        with Client(fixed1) as client:
            client.send(http2.PREFACE)
            self.assertEqual(client.answer().status, 505)
        with http2.Http2Client(fixed2) as client:
            self.assertEqual(client.get("/h1/c").body, b"/h1/c")
        with Client(fixed2) as client:
            # The server's preface does not wait for the client's.
            self.assertEqual(client.exactly(9)[3], http2.SETTINGS)
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertNotIn(b"HTTP/1", client.rest())

    def test_curl_and_nghttp(self):
        for tool in (["curl", "-s", "--http2-prior-knowledge"], ["curl", "-s", "--http1.1"], ["nghttp"]):
            out = subprocess.run([*tool, f"http://127.0.0.1:{port}/h1/tool"], capture_output=True, timeout=20,
                                 check=True)
            self.assertIn(b"/h1/tool", out.stdout, tool)


class Refusing(unittest.TestCase):

    def test_a_tunnel_that_looks_like_grpc(self):
        # An answer of gRPC's would have the status 200, which accepts a tunnel.
        with http2.Http2Client(port) as client:
            for end in (True, False):
                stream = client.begin([(":method", "CONNECT"), (":authority", "a.test:443"),
                                       ("content-type", "application/grpc")], end=end)
                self.assertEqual(client.finish(stream).status, 405)
            self.assertEqual(client.get("/h1/after").status, 200)
        with Client(port) as client:
            client.send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Type: application/grpc\r\n\r\n")
            self.assertEqual(client.answer().status, 405)
        wait_for(lambda: stat("http.main.downstream_rq_active") == 0, "the end of all streams")


class Streams(unittest.TestCase):

    def test_each_its_own_answer(self):
        with http2.Http2Client(port) as client:
            streams = {}
            for i in range(100):
                path = f"/{'h1' if i % 2 else 'h2'}/{i}"
                streams[client.begin(client.request(path))] = path
            for stream, path in streams.items():
                self.assertEqual(client.finish(stream).body, path.encode())

    def test_a_body_both_ways(self):
        body = os.urandom(300000)
        for upstream in ("h1", "h2"):
            with http2.Http2Client(port) as client:
                self.assertEqual(client.get(f"/{upstream}/body", body=body, method="POST").body, body, upstream)

    def test_a_stalled_upstream_stops_its_stream_alone(self):
        stalled = threading.Event()

        def wait(stream, request):
            stalled.wait(10)
            return Backend.echo(stream, request)
        slow.answer = wait
        with http2.Http2Client(port) as client:
            # The wide windows hold from the acknowledgement of SETTINGS on.
            client.wait(lambda: client.settings)
            upload = client.begin(client.request("/slow/up", "POST", [("content-length", str(32 << 20))]), end=False)
            client.stream.sock.settimeout(0.5)
            client.data(upload, b"x" * (8 << 20))
            # The window of the stream is not refilled while nobody takes what came.
            other = client.get("/h1/meanwhile")
            self.assertEqual(other.body, b"/h1/meanwhile")
            self.assertLess(client.credit.get(upload, 0), 8 << 20)
            client.rst(upload)
            stalled.set()

    def test_a_client_that_does_not_read_stops_its_upstream(self):
        sent = [0]

        def pour(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            stream.sock.settimeout(1)
            try:
                while True:
                    sent[0] += stream.sock.send(b"y" * 65536)
            except OSError:
                return False
        slow.answer = pour
        with http2.Http2Client(port, window=65535) as client:
            stream = client.begin(client.request("/slow/down"))
            client.wait(lambda: len(client.message(stream).body) >= 65535)
            time.sleep(1.5)
            self.assertLess(sent[0], 20 << 20)
            self.assertEqual(len(client.message(stream).body), 65535)


class Passing(unittest.TestCase):

    def test_trailers(self):
        h1.answer = lambda stream, request: read_body(stream, request) is not None and stream.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-end: 1\r\n\r\n") is None

        def with_trailers(connection, stream, message):
            connection.wait(lambda: message.ended)
            connection.headers(stream, [(":status", "200")])
            connection.data(stream, b"ok")
            connection.headers(stream, [("x-end", "1")], end=True)
        h2.answer = with_trailers
        try:
            with http2.Http2Client(port) as client:
                for upstream in ("h1", "h2"):
                    stream = client.begin(client.request(f"/{upstream}/t", "POST", [("te", "trailers")]), end=False)
                    client.data(stream, b"body")
                    client.headers(stream, [("x-client", "2")], end=True)
                    answer = client.finish(stream)
                    self.assertEqual((answer.body, answer.trailers), (b"ok", [("x-end", "1")]), upstream)
            self.assertEqual(h1.last().trailers, [("x-client", "2")])
            self.assertEqual(h2.last().trailers, [("x-client", "2")])
            with Client(port) as client:
                client.send("POST /h2/t1 HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-client: 3\r\n\r\n")
                self.assertEqual(client.answer().trailers, [("x-end", "1")])
            self.assertEqual(h2.last().trailers, [("x-client", "3")])
        finally:
            h1.answer, h2.answer = Backend.echo, http2.Http2Backend.echo

    def test_early_hints(self):
        h1.answer = lambda stream, request: stream.send(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") is None

        def hint(connection, stream, message):
            connection.headers(stream, [(":status", "103"), ("link", "</a>")])
            connection.headers(stream, [(":status", "200")], end=True)
        h2.answer = hint
        try:
            for upstream in ("h1", "h2"):
                with http2.Http2Client(port) as client:
                    answer = client.get(f"/{upstream}/hints")
                    self.assertEqual(answer.get(":status", answer.informational[0]), "103", upstream)
                    self.assertEqual(answer.status, 200)
                with Client(port) as client:
                    self.assertEqual(client.get(f"/{upstream}/hints").status, 103)
                    self.assertEqual(client.answer().status, 200)
        finally:
            h1.answer, h2.answer = Backend.echo, http2.Http2Backend.echo

    def test_expect_continue_is_the_upstreams_business(self):
        def go_on(stream, request):
            assert request.get("expect") == "100-continue"
            stream.send("HTTP/1.1 100 Continue\r\n\r\n")
            return Backend.echo(stream, request)

        def go_on2(connection, stream, message):
            assert message.get("expect") == "100-continue"
            connection.headers(stream, [(":status", "100")])
            http2.Http2Backend.echo(connection, stream, message)
        h1.answer, h2.answer = go_on, go_on2
        try:
            for upstream in ("h1", "h2"):
                with http2.Http2Client(port) as client:
                    fields = [("expect", "100-continue"), ("content-length", "4")]
                    stream = client.begin(client.request(f"/{upstream}/expect", "POST", fields), end=False)
                    client.wait(lambda: client.message(stream).informational)
                    client.data(stream, b"body", end=True)
                    self.assertEqual(client.finish(stream).body, b"body", upstream)
                with Client(port) as client:
                    client.send(f"POST /{upstream}/expect HTTP/1.1\r\nHost: a\r\n"
                                "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
                    self.assertEqual(client.head().status, 100)
                    client.send("body")
                    self.assertEqual(client.answer().body, b"body")
        finally:
            h1.answer, h2.answer = Backend.echo, http2.Http2Backend.echo

    def test_an_answer_before_the_request_is_whole(self):
        def early(stream, request):
            stream.send("HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno")
            return True

        def early2(connection, stream, message):
            connection.headers(stream, [(":status", "413"), ("content-length", "2")])
            connection.data(stream, b"no", end=True)
            connection.rst(stream, http2.NO_ERROR)
        h1.answer, h2.answer = early, early2
        try:
            for upstream in ("h1", "h2"):
                with http2.Http2Client(port) as client:
                    stream = client.begin(client.request(f"/{upstream}/early", "POST"), end=False)
                    client.data(stream, b"x" * 1000)
                    message = client.message(stream)
                    client.wait(lambda: message.ended and message.reset is not None)
                    self.assertEqual((message.status, message.body, message.reset), (413, b"no", http2.NO_ERROR),
                                     upstream)
                    self.assertEqual(client.get("/nowhere").status, 404)
                with Client(port) as client:
                    client.send(f"POST /{upstream}/early HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
                    answer = client.answer()
                    self.assertEqual((answer.status, answer.body, answer.get("connection")), (413, b"no", "close"))
        finally:
            h1.answer, h2.answer = Backend.echo, http2.Http2Backend.echo

    def test_what_breaks_off_is_not_taken_for_whole(self):
        h1.answer = lambda stream, request: stream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") is not None

        def broken(connection, stream, message):
            connection.headers(stream, [(":status", "200"), ("content-length", "10")])
            connection.data(stream, b"half")
            connection.rst(stream, http2.INTERNAL_ERROR)
        h2.answer = broken
        try:
            for upstream in ("h1", "h2"):
                with http2.Http2Client(port) as client:
                    answer = client.get(f"/{upstream}/broken")
                    self.assertEqual((answer.ended, answer.reset), (False, http2.INTERNAL_ERROR), upstream)
                    self.assertEqual(client.get("/nowhere").status, 404)
                with Client(port) as client:
                    client.send(f"GET /{upstream}/broken HTTP/1.1\r\nHost: a\r\n\r\n")
                    client.until(b"\r\n\r\n")
                    self.assertEqual(client.rest(), b"half")
        finally:
            h1.answer, h2.answer = Backend.echo, http2.Http2Backend.echo

    def test_a_refused_request_is_sent_again(self):
        refusals = []

        def refuse(connection, stream, message):
            if len(refusals) < 1:
                refusals.append(stream)
                connection.wait(lambda: message.ended)
                connection.rst(stream, http2.REFUSED_STREAM)
            else:
                http2.Http2Backend.echo(connection, stream, message)
        h2.answer = refuse
        try:
            with http2.Http2Client(port) as client:
                answer = client.get("/h2/refused", body=b"posted once", method="POST")
                self.assertEqual((answer.status, answer.body), (200, b"posted once"))
            self.assertEqual(log.line("/h2/refused")["attempts"], 2)
        finally:
            h2.answer = http2.Http2Backend.echo


    def test_a_request_that_is_refused_everywhere_fails_in_the_end(self):
        for name, body, attempts, counted in (
                ("often", b"little", 3, "cluster.h2.upstream_rq_retry_limit_exceeded"),
                # Too long to be kept.
                ("long", b"x" * 100_000, 1, "http.main.rq_retry_skipped_request_not_complete")):
            with self.subTest(name):
                before = stat(counted)

                def refuse(connection, stream, message):
                    connection.wait(lambda: message.ended)
                    connection.rst(stream, http2.REFUSED_STREAM)
                h2.answer = refuse
                try:
                    with http2.Http2Client(port) as client:
                        self.assertEqual(client.get(f"/h2/{name}", body=body, method="POST").status, 503)
                    self.assertEqual(log.line(f"/h2/{name}")["attempts"], attempts)
                    self.assertEqual(stat(counted), before + 1)
                finally:
                    h2.answer = http2.Http2Backend.echo


class Ending(unittest.TestCase):

    def test_requests_by_number(self):
        with http2.Http2Client(limits) as client:
            for i in range(3):
                self.assertEqual(client.get(f"/h1/{i}").status, 200)
            client.wait(lambda: len(client.goaways) == 1)
            self.assertEqual(client.goaways[0], (0x7fffffff, 0))
            # Between the two a request is still served.
            self.assertEqual(client.get("/h1/late").status, 200)
            client.wait(lambda: len(client.goaways) == 2)
            self.assertEqual(client.goaways[1], (client.last, 0))
            self.assertFalse(client.read_frame())
        self.assertGreaterEqual(stat("http.limits.downstream_cx_max_requests_reached"), 1)

    def test_idle(self):
        with http2.Http2Client(limits) as client:
            self.assertEqual(client.get("/h1/idle").status, 200)
            client.wait(lambda: client.goaways)
            self.assertEqual(client.goaways[0], (1, 0))
            self.assertFalse(client.read_frame())

    def test_pings_unanswered(self):
        before = stat("http2.keepalive_timeout")
        client = Client(limits)
        client.send(http2.PREFACE + struct.pack(">I", 0)[1:] + b"\4\0\0\0\0\0")
        client.rest()
        self.assertEqual(stat("http2.keepalive_timeout"), before + 1)

    def test_more_streams_than_allowed(self):
        hold = threading.Event()
        slow.answer = lambda stream, request: hold.wait(10) and Backend.echo(stream, request)
        with http2.Http2Client(limits) as client:
            client.wait(lambda: client.settings.get(http2.MAX_CONCURRENT_STREAMS) == 2)
            first = [client.begin(client.request(f"/slow/{i}")) for i in range(2)]
            third = client.begin(client.request("/slow/third"))
            self.assertEqual(client.finish(third).reset, http2.REFUSED_STREAM)
            hold.set()
            for stream in first:
                self.assertEqual(client.finish(stream).status, 200)

    def test_heads_over_the_limits(self):
        with http2.Http2Client(limits) as client:
            answer = client.get("/h1/big", fields=[("x", "y" * 5000)])
            self.assertEqual(answer.status, 431)
            answer = client.get("/h1/many", fields=[(f"x{i}", "y") for i in range(30)])
            self.assertEqual(answer.status, 431)
        self.assertEqual(stat("http.limits.downstream_rq_headers_too_large"), 1)
        self.assertEqual(stat("http.limits.downstream_rq_too_many_headers"), 1)


class Smuggling(unittest.TestCase):
    """What HTTP/2 can carry and HTTP/1 would read differently never reaches a host."""

    BASE = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/h1/smuggle")]

    def replaced(self, name, value):
        return [(each, value if each == name else text) for each, text in self.BASE]

    def test_nothing_malformed_is_forwarded(self):
        h1.clear()
        cases = {
            "LF in a value": self.BASE + [("x", "a\nGET /evil HTTP/1.1")],
            "CRLF in a value": self.BASE + [("x", "a\r\n\r\nGET /evil HTTP/1.1")],
            "NUL in a value": self.BASE + [("x", "a\0b")],
            "CR in a value": self.BASE + [("x", "a\rb")],
            "LF in a name": self.BASE + [("x\ny", "a")],
            "colon in a name": self.BASE + [("x: y", "a")],
            "space in a name": self.BASE + [("x y", "a")],
            "empty name": self.BASE + [("", "a")],
            "capital name": self.BASE + [("X-Y", "a")],
            "transfer-encoding": self.BASE + [("transfer-encoding", "chunked")],
            "connection": self.BASE + [("connection", "keep-alive")],
            "keep-alive": self.BASE + [("keep-alive", "1")],
            "proxy-connection": self.BASE + [("proxy-connection", "x")],
            "upgrade": self.BASE + [("upgrade", "websocket")],
            "te": self.BASE + [("te", "gzip")],
            "space in the path": self.replaced(":path", "/h1/a HTTP/1.1\r\nx: y"),
            "space alone in the path": self.replaced(":path", "/h1/a b"),
            "control in the path": self.replaced(":path", "/h1/a\x01"),
            "empty path": self.replaced(":path", ""),
            "relative path": self.replaced(":path", "h1/a"),
            "method with a space": self.replaced(":method", "GET /evil HTTP/1.1\r\n"),
            "empty method": self.replaced(":method", ""),
            "authority with CRLF": self.replaced(":authority", "a\r\nx: y"),
            "authority with a path": self.replaced(":authority", "a/b"),
            "authority with userinfo": self.replaced(":authority", "u@a"),
            "other host": self.BASE + [("host", "b")],
            "pseudo after regular": self.BASE[:3] + [("x", "y")] + self.BASE[3:],
            "two paths": self.BASE + [(":path", "/h1/b")],
            "unknown pseudo": self.BASE + [(":evil", "x")],
            "no method": self.BASE[1:],
            "two lengths": self.BASE + [("content-length", "1"), ("content-length", "2")],
            "length with a plus": self.BASE + [("content-length", "+1")],
            "length without a body": self.BASE + [("content-length", "5")],
        }
        for what, fields in cases.items():
            with self.subTest(what), http2.Http2Client(port) as client:
                message = client.finish(client.begin(fields))
                refused = message.reset == http2.PROTOCOL_ERROR or (message.head and message.status == 400)
                self.assertTrue(refused, (message.reset, message.head))
                self.assertEqual(client.get("/nowhere").status, 404, "the connection lives")
        # What the other test cuts off may come late.
        self.assertEqual([each.raw for each in h1.requests if each.path != "/h1/incomplete"], [])

    def test_a_length_that_the_data_does_not_keep(self):
        for what, data in {"less": b"abc", "more": b"abcdefgh"}.items():
            with self.subTest(what), http2.Http2Client(port) as client:
                stream = client.begin(client.request("/h1/incomplete", "POST", [("content-length", "5")]), end=False)
                client.data(stream, data, end=True)
                message = client.finish(stream)
                self.assertEqual(message.reset, http2.PROTOCOL_ERROR)
        # What went out before could be seen is never completed: the host's connection is closed, not reused.
        with http2.Http2Client(port) as client:
            self.assertEqual(client.get("/h1/after").body, b"/h1/after")


class Draining(unittest.TestCase):

    def test_the_end_of_the_process(self):
        own, own_admin = free_ports(2)
        hold = threading.Event()
        backend = Backend(lambda stream, request: hold.wait(10) and Backend.echo(stream, request))
        other = Nuncio(bootstrap([listener("main", own, [to("h1")], drain_timeout="0.2s")], [backend.cluster("h1")],
                                 admin={"address": {"socket_address": {"address": "127.0.0.1",
                                                                       "port_value": own_admin}}}),
                       "--drain-time-s", "5")
        with http2.Http2Client(own) as client:
            stream = client.begin(client.request("/h1/busy"))
            wait_for(lambda: backend.requests, "the request")
            with Client(own_admin) as console:
                console.get("/drain_listeners?graceful", method="POST")
            client.wait(lambda: len(client.goaways) == 2)
            self.assertEqual([last for last, _ in client.goaways], [0x7fffffff, stream])
            hold.set()
            self.assertEqual(client.finish(stream).status, 200)
            self.assertFalse(client.read_frame())
        other.stop()


if __name__ == "__main__":
    unittest.main()

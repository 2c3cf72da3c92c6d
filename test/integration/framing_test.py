"""HTTP/1.1 on the wire: framing, persistence, limits, and what is refused rather than forwarded."""

import os
import unittest

from harness import (AccessLog, Backend, Client, Nuncio, bootstrap, directory, free_ports, listener, read_body, to,
                     wait_for)


def setUpModule():
    global proxy, backend, strict, main, through, old, small, log
    backend = Backend()
    # Malformed bodies come here, where their heads disturb nobody.
    strict = Backend()
    log = AccessLog(os.path.join(directory(), "access.log"))
    main, through, old, small = free_ports(4)
    routes = [to("strict"), to("echo", prefix="/")]
    trailers = {"http_protocol_options": {"enable_trailers": True}}
    proxy = Nuncio(bootstrap(
        [listener("main", main, routes, log=log.path, **trailers),
         listener("through", through, routes, proxy_100_continue=True),
         listener("old", old, routes, http_protocol_options={"accept_http_10": True}),
         listener("small", small, routes, max_request_headers_kb=1,
                  common_http_protocol_options={"max_headers_count": 10})],
        [backend.cluster("echo", http_protocol_options={"enable_trailers": True}), strict.cluster("strict")]))


def tearDownModule():
    proxy.stop()


class Case(unittest.TestCase):

    def setUp(self):
        backend.answer = Backend.echo
        backend.clear()


class Persistence(Case):

    def test_connections_are_kept_on_both_sides(self):
        before = backend.connections
        with Client(main) as client:
            for number in range(5):
                self.assertEqual(client.get(f"/{number}").body, b"/%d" % number)
        self.assertLessEqual(backend.connections, before + 1)

    def test_pipelined_requests_are_answered_in_order(self):
        with Client(main) as client:
            client.send("".join(f"GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n" for number in range(20)))
            for number in range(20):
                self.assertEqual(client.answer().body, b"/%d" % number)

    def test_a_pipelined_request_waits_behind_a_body(self):
        with Client(main) as client:
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                        "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(client.answer().body, b"hello")
            self.assertEqual(client.answer().body, b"/next")

    def test_connection_close_is_answered_and_kept(self):
        with Client(main) as client:
            answer = client.get("/", "Connection: close\r\n")
            self.assertEqual(answer.get("connection"), "close")
            self.assertTrue(client.at_end())

    def test_a_half_closed_client_gets_its_answer(self):
        with Client(main) as client:
            client.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
            client.sock.shutdown(1)
            self.assertEqual(client.answer().body, b"/half")
            self.assertTrue(client.at_end())

    def test_http_10_is_refused_unless_accepted(self):
        with Client(main) as client:
            client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            self.assertEqual(client.answer().status, 426)
            self.assertTrue(client.at_end())

    def test_http_10_closes_unless_asked_to_keep_alive(self):
        with Client(old) as client:
            client.send("GET /a HTTP/1.0\r\nHost: a\r\n\r\n")
            answer = client.answer()
            self.assertEqual((answer.body, answer.get("connection")), (b"/a", "close"))
            self.assertTrue(client.at_end())
        with Client(old) as client:
            for _ in range(2):
                client.send("GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
                self.assertEqual(client.answer().get("connection"), "keep-alive")

    def test_http_10_gets_an_answer_of_unknown_length_until_the_close(self):
        backend.answer = Backend.fixed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        with Client(old) as client:
            client.send("GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            answer = client.head()
            self.assertIsNone(answer.get("transfer-encoding"))
            self.assertEqual(answer.get("connection"), "close")
            self.assertEqual(client.rest(), b"abc")


class Bodies(Case):

    def test_chunks_and_trailers_pass_both_ways(self):
        def answer(stream, request):
            read_body(stream, request)
            stream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n0\r\nX-Sum: 1\r\n\r\n")
            return True

        backend.answer = answer
        with Client(main) as client:
            client.send("POST /t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Up: 2\r\n\r\n")
            got = client.answer()
            self.assertEqual((got.body, got.trailers), (b"data", [("X-Sum", "1")]))
        request = backend.last()
        self.assertEqual((request.body, request.trailers), (b"abcde", [("X-Up", "2")]))

    def test_head_has_the_length_and_no_body(self):
        backend.answer = Backend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with Client(main) as client:
            self.assertEqual(client.get("/", method="HEAD").get("content-length"), "1000")
            backend.answer = Backend.echo
            self.assertEqual(client.get("/after").body, b"/after")

    def test_204_and_304_have_no_body(self):
        for status in (204, 304):
            backend.answer = Backend.fixed(f"HTTP/1.1 {status} X\r\nETag: e\r\n\r\n")
            with Client(main) as client:
                self.assertEqual(client.get("/").status, status)
                backend.answer = Backend.echo
                self.assertEqual(client.get("/after").body, b"/after")

    def test_an_answer_until_the_close_is_framed_for_the_client(self):
        def answer(stream, request):
            stream.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
            return False

        backend.answer = answer
        with Client(main) as client:
            got = client.get("/")
            self.assertEqual((got.get("transfer-encoding"), got.body), ("chunked", b"until the end"))
            backend.answer = Backend.echo
            self.assertEqual(client.get("/after").body, b"/after")

    def test_an_answer_cut_short_is_cut_for_the_client(self):
        def answer(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            return False

        backend.answer = answer
        with Client(main) as client:
            client.send("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(client.head().status, 200)
            self.assertEqual(client.rest(), b"half")
        self.assertEqual(log.line("/cut")["flags"], "UC")

    def test_bytes_after_an_answer_are_nobodys(self):
        def answer(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
            return True

        backend.answer = answer
        with Client(main) as client:
            self.assertEqual(client.get("/").body, b"ok")
            backend.answer = Backend.echo
            self.assertEqual(client.get("/mine").body, b"/mine")

    def test_a_malformed_answer_is_a_502(self):
        for number, bad in enumerate((
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
                "HTTP/1.1 2OO OK\r\n\r\n",
                "nonsense\r\n\r\n")):
            with self.subTest(bad=bad), Client(main) as client:
                backend.answer = Backend.fixed(bad)
                self.assertEqual(client.get(f"/malformed/{number}").status, 502)
                self.assertEqual(log.line(f"/malformed/{number}")["flags"], "UPE")


class Interim(Case):

    UPLOAD = "POST /c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"

    def test_the_proxy_says_100_itself(self):
        with Client(main) as client:
            client.send(self.UPLOAD)
            self.assertEqual(client.head().status, 100)
            client.send("body")
            self.assertEqual(client.answer().body, b"body")
        self.assertIsNone(backend.last().get("expect"))

    def test_the_server_says_100(self):
        def answer(stream, request):
            stream.send("HTTP/1.1 100 Continue\r\n\r\n")
            return Backend.echo(stream, request)

        backend.answer = answer
        with Client(through) as client:
            client.send(self.UPLOAD)
            self.assertEqual(client.head().status, 100)
            client.send("body")
            self.assertEqual(client.answer().body, b"body")
        self.assertEqual(backend.last().get("expect"), "100-continue")

    def test_the_server_refuses_instead_of_saying_100(self):
        def answer(stream, request):
            stream.send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
            return True

        backend.answer = answer
        with Client(through) as client:
            client.send(self.UPLOAD)
            answer = client.answer()
            self.assertEqual((answer.status, answer.get("connection")), (413, "close"))
            self.assertTrue(client.at_end())

    def test_a_1xx_never_ends_an_answer(self):
        backend.answer = Backend.fixed("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                       "HTTP/1.1 102 Processing\r\n\r\n"
                                       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal")
        with Client(main) as client:
            first = client.get("/")
            self.assertEqual((first.status, first.get("link")), (103, "</a>"))
            self.assertEqual(client.answer().status, 102)
            self.assertEqual(client.answer().body, b"final")
            backend.answer = Backend.echo
            self.assertEqual(client.get("/next").body, b"/next")

    def test_an_early_answer_is_delivered_and_both_sides_close(self):
        closed = []

        def answer(stream, request):
            stream.send("HTTP/1.1 403 No\r\nContent-Length: 7\r\n\r\nrefused")
            closed.append(stream.rest())
            return False

        backend.answer = answer
        with Client(main) as client:
            client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + "x" * 1000)
            answer = client.answer()
            self.assertEqual((answer.status, answer.body, answer.get("connection")), (403, b"refused", "close"))
            self.assertTrue(client.at_end())
        self.assertEqual(log.line("/early")["code"], 403)
        self.assertEqual(len(closed), 1)


class Fields(Case):

    def test_case_of_names_is_kept_both_ways(self):
        backend.answer = Backend.fixed("HTTP/1.1 200 OK\r\nX-CamelCase: 1\r\nEtag: e\r\nContent-Length: 0\r\n\r\n")
        with Client(main) as client:
            answer = client.get("/", "SOAPAction: go\r\nx-lower: 1\r\nX-UPPER: 2\r\n")
        self.assertTrue({"X-CamelCase", "Etag"} <= set(answer.names()))
        self.assertTrue({"Host", "SOAPAction", "x-lower", "X-UPPER"} <= set(backend.last().names()))

    def test_hop_by_hop_fields_end_here(self):
        backend.answer = Backend.fixed("HTTP/1.1 200 OK\r\nConnection: X-Back\r\nX-Back: 1\r\nKeep-Alive: timeout=5\r\n"
                                       "Proxy-Connection: x\r\nContent-Length: 0\r\nX-Stays: 1\r\n\r\n")
        with Client(main) as client:
            answer = client.get("/", "Connection: keep-alive, X-Mine\r\nX-Mine: secret\r\nKeep-Alive: 1\r\nTE: gzip\r\n"
                                     "Proxy-Connection: keep-alive\r\nX-Stays: 1\r\n")
        request = backend.last()
        for name in ("connection", "x-mine", "keep-alive", "proxy-connection", "te"):
            self.assertIsNone(request.get(name), name)
        self.assertEqual(request.get("x-stays"), "1")
        for name in ("connection", "x-back", "keep-alive", "proxy-connection"):
            self.assertIsNone(answer.get(name), name)
        self.assertEqual(answer.get("x-stays"), "1")

    def test_connection_cannot_take_away_fields_that_the_message_needs(self):
        with Client(main) as client:
            client.get("/", "Connection: Host, X-Forwarded-For\r\n")
        for request in backend.requests:
            self.assertEqual(request.get("host"), "a.test")


class Refusals(Case):
    """Each is answered with the status, the connection is closed, and the backend sees nothing."""

    GET = "GET /x HTTP/1.1\r\nHost: a\r\n"
    POST = "POST /x HTTP/1.1\r\nHost: a\r\n"
    TABLE = {
        "length and coding": (400, POST + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "coding and length": (400, POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
        "differing lengths": (400, POST + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
        "differing lengths in a list": (400, POST + "Content-Length: 4, 5\r\n\r\nabcde"),
        "signed length": (400, POST + "Content-Length: +4\r\n\r\nabcd"),
        "negative length": (400, POST + "Content-Length: -1\r\n\r\n"),
        "hexadecimal length": (400, POST + "Content-Length: 0x4\r\n\r\nabcd"),
        "length beyond 64 bits": (400, POST + "Content-Length: 18446744073709551617\r\n\r\na"),
        "empty length": (400, POST + "Content-Length:\r\n\r\n"),
        "coding not chunked at last": (400, POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        "coding twice": (400, POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "coding with vertical tab": (400, POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
        "unknown coding": (501, POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        "space before the colon": (400, POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        "tab before the colon": (400, POST + "Content-Length\t: 4\r\n\r\nabcd"),
        "folded line": (400, GET + "X: a\r\n b\r\n\r\n"),
        "folded first line": (400, "GET /x HTTP/1.1\r\n Host: a\r\n\r\n"),
        "bare LF": (400, "GET /x HTTP/1.1\nHost: a\n\n"),
        "bare LF in a field": (400, GET + "X: a\nContent-Length: 4\r\n\r\n"),
        "bare CR in a value": (400, GET + "X: a\rb\r\n\r\n"),
        "NUL in a value": (400, GET + "X: a\0b\r\n\r\n"),
        "control character in a name": (400, GET + "X\x01: a\r\n\r\n"),
        "no name": (400, GET + ": a\r\n\r\n"),
        "no colon": (400, GET + "nonsense\r\n\r\n"),
        "no host": (400, "GET /x HTTP/1.1\r\n\r\n"),
        "two hosts": (400, GET + "Host: b\r\n\r\n"),
        "host with a path": (400, "GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        "space in the target": (400, "GET /x y HTTP/1.1\r\nHost: a\r\n\r\n"),
        "two spaces": (400, "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        "tab in the request line": (400, "GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        "control character in the target": (400, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
        "bad method": (400, "G@T /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        "lower-case protocol": (400, "GET /x http/1.1\r\nHost: a\r\n\r\n"),
        "version with more digits": (400, "GET /x HTTP/1.10\r\nHost: a\r\n\r\n"),
        "later version": (505, "GET /x HTTP/3.0\r\nHost: a\r\n\r\n"),
        "CONNECT": (405, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
    }
    # The head is good; the fault comes later. No backend may take the request for complete.
    LATE = {
        "chunk size not hexadecimal": "z\r\nabc\r\n0\r\n\r\n",
        "empty chunk size": "\r\nabc\r\n0\r\n\r\n",
        "signed chunk size": "+3\r\nabc\r\n0\r\n\r\n",
        "prefixed chunk size": "0x3\r\nabc\r\n0\r\n\r\n",
        "huge chunk size": "10000000000000000\r\nabc\r\n0\r\n\r\n",
        "space in front of the size": " 3\r\nabc\r\n0\r\n\r\n",
        "chunk longer than its size": "3\r\nabcd\r\n0\r\n\r\n",
        "bare LF after the size": "3\nabc\r\n0\r\n\r\n",
        "bare LF after the chunk": "3\r\nabc\n0\r\n\r\n",
        "bare CR in an extension": "3;a\rb\r\nabc\r\n0\r\n\r\n",
        "folded trailer": "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n",
        "space before a trailer's colon": "3\r\nabc\r\n0\r\nX : a\r\n\r\n",
    }

    def refused(self, status, port, text):
        with Client(port) as client:
            client.send(text)
            answer = client.answer()
            self.assertEqual(answer.status, status, answer.raw)
            self.assertEqual(answer.get("connection"), "close")
            self.assertTrue(client.at_end())

    def test_malformed_heads(self):
        for name, (status, text) in self.TABLE.items():
            with self.subTest(name):
                # A request behind the bad one must not be served either.
                self.refused(status, main, text + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual([request.raw for request in backend.requests], [])

    def test_malformed_bodies(self):
        complete = []

        def answer(stream, request):
            read_body(stream, request)
            complete.append(request)
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return True

        strict.answer = answer
        for name, body in self.LATE.items():
            with self.subTest(name):
                self.refused(400, main, "POST /strict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
                             + "GET /strict/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(complete, [])
        self.assertNotIn("/strict/smuggled", [request.path for request in strict.requests])

    def test_an_upgrade_is_forbidden(self):
        with Client(main) as client:
            answer = client.get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n")
            self.assertEqual(answer.status, 403)
        self.assertEqual(backend.requests, [])

    def test_limits(self):
        line = "GET /" + "x" * 2000 + " HTTP/1.1\r\nHost: a\r\n\r\n"
        self.refused(414, small, line)
        self.refused(431, small, self.GET + "X: " + "x" * 2000 + "\r\n\r\n")
        # Refused before its end came.
        self.refused(431, small, self.GET + "X: " + "x" * 2000)
        self.refused(431, small, self.GET + "".join(f"X{n}: 1\r\n" for n in range(10)) + "\r\n")
        self.assertEqual(backend.requests, [])
        with Client(small) as client:
            client.send(self.GET + "".join(f"X{n}: 1\r\n" for n in range(9)) + "\r\n")
            self.assertEqual(client.answer().status, 200)

    def test_what_the_log_says(self):
        with Client(main) as client:
            client.send(self.GET + "X : y\r\n\r\n")
            client.answer()
        told = {"flags": "DPE", "code": 400, "details": "http1.codec_error.space_before_colon"}
        wait_for(lambda: any(told.items() <= line.items() for line in log.lines()), "the log line of the refusal")


if __name__ == "__main__":
    unittest.main()

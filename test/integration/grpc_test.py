"""gRPC's own client and server with the real binary between them: calls of all four kinds, their ends on either side,
messages of any size, what is counted and logged. And gRPC-Web in front of the same server."""

import base64
import json
import os
import subprocess
import threading
import unittest

import tls
from harness import (PATIENCE, AccessLog, Backend, Client, Nuncio, bootstrap, cluster, directory, free_ports, listener,
                     to, wait_for)

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "grpc_peer")
TYPES = "type.googleapis.com/envoy.extensions."
HTTP_OPTIONS = TYPES + "upstreams.http.v3.HttpProtocolOptions"
OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, FAILED_PRECONDITION, ABORTED = 0, 1, 2, 4, 9, 10
UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 12, 13, 14
LOG = {"path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "code": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%",
       "camel": "%GRPC_STATUS%", "snake": "%GRPC_STATUS(SNAKE_STRING)%", "number": "%GRPC_STATUS_NUMBER%"}
MIB = 1 << 20


class Server:
    """grpc_peer serve."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PEER, "serve", *arguments], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def wait(self, line):
        wait_for(lambda: line in self.lines, f"the server saying {line!r}")
        self.lines.remove(line)

    def stop(self):
        self.process.kill()
        self.process.wait(PATIENCE)


class Call:
    """grpc_peer call, under way."""

    def __init__(self, port, method, **options):
        words = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen([PEER, "call", f"127.0.0.1:{port}", method, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def go_on(self):
        """With cancel_on_input: cancels. With on_input: sends the next message."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def line(self):
        """With tell."""
        return self.process.stdout.readline().strip()

    def result(self):
        out, _ = self.process.communicate(timeout=4 * PATIENCE)
        return json.loads(out)


def call(method, at=None, **options):
    return Call(at or plain, method if "/" in method else f"/test.Peer/{method}", **options).result()


def http_options(protocol, **fields):
    return {"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": HTTP_OPTIONS, "explicit_http_config": {protocol: {}}, **fields}}}


def http2(**fields):
    return {**http_options("http2_protocol_options"), **fields}


def route(prefix, name, **action):
    return {"match": {"prefix": prefix, "grpc": {}}, "route": {"cluster": name, "timeout": "0s", **action}}


def setUpModule():
    global server, tls_server, mortal, mortal_too, web_server, proxy, plain, secure, brief, admin
    global log, errors, authority
    authority = tls.Authority()
    certificate = authority.issue("server", ["DNS:a.test"])
    server, mortal, mortal_too = Server(), Server(), Server()
    tls_server = Server(certificate.certificate, certificate.key)
    web_server = Backend()
    plain, secure, brief, admin, closed = free_ports(5)
    log, errors = (AccessLog(os.path.join(directory(), "access.log")) for _ in range(2))
    routes = [
        route("/test.Peer/Short", "grpc", prefix_rewrite="/test.Peer/Hang",
              max_stream_duration={"grpc_timeout_header_max": "0.2s"}),
        route("/test.Peer/", "grpc", max_stream_duration={"grpc_timeout_header_max": "0s"}),
        route("/none.", "none"),
        route("/refused.", "refused"),
        {"match": {"prefix": "/nowhere.", "grpc": {}}, "route": {"cluster_header": "x-cluster"}},
        route("/mortal.", "mortal"),
        route("/mortal_too.", "mortal_too"),
        route("/tls.", "tls", prefix_rewrite="/test.Peer/"),
    ]
    logs = {"access_log": [
        {"name": "all", "typed_config": {"@type": TYPES + "access_loggers.file.v3.FileAccessLog", "path": log.path,
                                         "log_format": {"json_format": LOG}}},
        {"name": "errors", "filter": {"grpc_status_filter": {"statuses": ["OK"], "exclude": True}},
         "typed_config": {"@type": TYPES + "access_loggers.file.v3.FileAccessLog", "path": errors.path,
                          "log_format": {"json_format": LOG}}}]}
    filters = {"http_filters": [
        {"name": "web", "typed_config": {"@type": TYPES + "filters.http.grpc_web.v3.GrpcWeb"}},
        {"name": "stats", "typed_config": {"@type": TYPES + "filters.http.grpc_stats.v3.FilterConfig",
                                           "stats_for_all_methods": True, "enable_upstream_stats": True}},
        {"name": "router", "typed_config": {"@type": TYPES + "filters.http.router.v3.Router"}}]}
    # gRPC-Web is not gRPC when its route is decided.
    routes.append({"match": {"prefix": "/test.Peer/"}, "route": {"cluster": "grpc"}})
    over_tls = listener("secure", secure, routes, **logs, **filters)
    over_tls["filter_chains"][0]["transport_socket"] = tls.downstream([certificate])
    # Connections without a request have 0.2 s on either side.
    idle = {"common_http_protocol_options": {"idle_timeout": "0.2s"}}
    briefly = listener("brief", brief, [route("/test.Peer/", "brief"), to("brief_web", prefix="/")],
                       stream_idle_timeout="0s", **idle, **filters)
    proxy = Nuncio(bootstrap(
        [listener("plain", plain, routes, **logs, **filters), over_tls, briefly],
        [cluster("grpc", [server.port], **http2()),
         cluster("brief", [server.port], **http_options("http2_protocol_options", **idle)),
         cluster("brief_web", [web_server.port], **http_options("http_protocol_options", **idle)),
         cluster("mortal", [mortal.port], **http2()), cluster("mortal_too", [mortal_too.port], **http2()),
         cluster("tls", [tls_server.port], **http2(transport_socket=tls.upstream(
             {**tls.trusting(authority), "alpn_protocols": ["h2"]}, sni="a.test"))),
         cluster("refused", [closed], **http2()), cluster("none", [], **http2())],
        admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    for each in (proxy, server, tls_server, mortal, mortal_too, web_server):
        each.stop()


def stat(name):
    with Client(admin) as console:
        text = console.get(f"/stats?filter=^{name}$").body.decode()
    return int(text.split(": ")[1]) if text else None


def logged(path, **fields):
    """The line of a call, among those of the path, that has these."""
    wanted = {"path": path, **fields}
    return wait_for(lambda: next((line for line in log.lines() if wanted.items() <= line.items()), None),
                    f"a line with {wanted}")


class Kinds(unittest.TestCase):
    """Over plaintext; TLS below has them again."""
    at = None

    def call(self, method, **options):
        return call(method, **options)

    def test_unary(self):
        result = self.call("Echo", size=1000)
        self.assertEqual((result["code"], result["received"], result["echoes"]), (OK, 1, 1), result)

    def test_an_empty_message(self):
        result = self.call("Echo", size=0)
        self.assertEqual((result["code"], result["received"], result["bytes"]), (OK, 1, 0), result)

    def test_client_streaming(self):
        result = self.call("Sum", messages=500, size=3000)
        self.assertEqual((result["code"], result["received"], result["first"]), (OK, 1, "1500000"), result)

    def test_server_streaming(self):
        result = self.call("Count", text="700 5000")
        self.assertEqual((result["code"], result["received"], result["bytes"]), (OK, 700, 3500000), result)

    def test_bidirectional_in_turn(self):
        result = self.call("Echo", messages=200, size=100, in_turn=1)
        self.assertEqual((result["code"], result["echoes"]), (OK, 200), result)

    def test_bidirectional_at_once(self):
        result = self.call("Echo", messages=300, size=20000)
        self.assertEqual((result["code"], result["echoes"]), (OK, 300), result)

    def test_an_answer_of_trailers_only(self):
        result = self.call("Fail", size=10)
        self.assertEqual((result["code"], result["message"], result["received"]),
                         (FAILED_PRECONDITION, "not now: 100%", 0), result)

    def test_an_error_after_messages(self):
        result = self.call("Break", size=10)
        self.assertEqual((result["code"], result["message"], result["received"]), (ABORTED, "broken", 1), result)

    def test_4_mib(self):
        result = self.call("Echo", size=4 * MIB)
        self.assertEqual((result["code"], result["echoes"]), (OK, 1), result)

    def test_64_mib(self):
        result = self.call("Echo", size=64 * MIB)
        self.assertEqual((result["code"], result["echoes"]), (OK, 1), result)


class Tls(Kinds):
    """TLS on both sides."""

    def call(self, method, **options):
        return call(f"/tls.{method}", at=secure, ca=authority.certificate, server_name="a.test", **options)


class Ends(unittest.TestCase):
    def test_the_client_cancels_a_call_without_answer(self):
        under_way = Call(plain, "/test.Peer/Hang", open=1, cancel_on_input=1)
        server.wait("begun Hang")
        under_way.go_on()
        self.assertEqual(under_way.result()["code"], CANCELLED)
        server.wait("cancelled Hang")
        server.wait("done Hang")
        self.assertIn("DC", logged("/test.Peer/Hang", code=0)["flags"])

    def test_the_client_cancels_amid_the_answer(self):
        result = call("Count", text="1000000 1000", cancel_after=3)
        self.assertEqual(result["code"], CANCELLED, result)
        server.wait("cancelled Count")

    def test_the_server_cancels(self):
        result = call("Abort", size=10)
        self.assertEqual((result["code"], result["received"]), (CANCELLED, 0), result)
        server.wait("cancelled Abort")
        self.assertEqual(logged("/test.Peer/Abort")["snake"], "CANCELLED")

    def test_the_server_dies_before_it_answers(self):
        under_way = Call(plain, "/mortal.Peer/Hang", open=1)
        mortal.wait("begun Hang")
        mortal.stop()
        self.assertEqual(under_way.result()["code"], UNAVAILABLE)
        self.assertIn("UC", logged("/mortal.Peer/Hang")["flags"])

    def test_the_server_dies_amid_the_answer(self):
        under_way = Call(plain, "/mortal_too.Peer/Echo", open=1, size=10, tell=1)
        self.assertEqual(under_way.line(), "received")
        mortal_too.stop()
        result = under_way.result()
        self.assertNotEqual(result["code"], OK, result)
        self.assertEqual(result["echoes"], 1, result)
        self.assertEqual(logged("/mortal_too.Peer/Echo")["camel"], "Unknown")

    def test_a_stream_that_is_silent_longer_than_connections_may_be_idle(self):
        def silence():
            # As long as it takes other connections on either side to be closed for it.
            before = stat("cluster.brief_web.upstream_cx_idle_timeout") or 0
            with Client(brief) as other:
                self.assertEqual(other.get("/").status, 200)
                self.assertTrue(other.at_end())
            wait_for(lambda: stat("cluster.brief_web.upstream_cx_idle_timeout") == before + 1, "the idle host's end")

        under_way = Call(brief, "/test.Peer/Echo", messages=4, size=100, on_input=1, tell=1)
        for _ in range(3):
            self.assertEqual(under_way.line(), "received")
            silence()
            under_way.go_on()
        self.assertEqual(under_way.line(), "received")
        result = under_way.result()
        self.assertEqual((result["code"], result["echoes"]), (OK, 4), result)
        self.assertGreaterEqual(stat("http.brief.downstream_cx_idle_timeout"), 3)
        # It was one connection to the host, which went when the stream was over.
        wait_for(lambda: stat("cluster.brief.upstream_cx_idle_timeout") == 1, "the idle host's end")
        self.assertEqual(stat("cluster.brief.upstream_cx_total"), 1)

    def test_the_clients_deadline_reaches_the_server(self):
        result = call("Hang", open=1, deadline_ms=300)
        self.assertEqual(result["code"], DEADLINE_EXCEEDED, result)
        server.wait("cancelled Hang")
        server.wait("done Hang")

    def test_the_proxy_ends_what_takes_longer_than_it_allows(self):
        # The client waits for a minute; the proxy takes that for 0.2 s.
        result = call("Short", open=1, deadline_ms=60000)
        self.assertEqual(result["code"], DEADLINE_EXCEEDED, result)
        self.assertEqual(result["message"], "stream duration limit reached")
        server.wait("cancelled Hang")
        line = logged("/test.Peer/Short", camel="DeadlineExceeded")
        self.assertIn("UMSDR", line["flags"])

    def test_no_host(self):
        result = call("/none.Service/Method", size=10)
        self.assertEqual((result["code"], result["message"]), (UNAVAILABLE, "no healthy upstream"), result)
        line = logged("/none.Service/Method")
        self.assertEqual((line["code"], line["flags"], line["snake"], line["number"]), (200, "UH", "UNAVAILABLE", 14))

    def test_no_connection(self):
        result = call("/refused.Service/Method", size=10)
        self.assertEqual(result["code"], UNAVAILABLE, result)

    def test_no_cluster_and_no_route(self):
        self.assertEqual(call("/nowhere.Service/Method")["code"], UNAVAILABLE)
        self.assertEqual(call("/other.Service/Method")["code"], UNIMPLEMENTED)


class Figures(unittest.TestCase):
    def test_calls_and_messages_of_a_method(self):
        names = ["total", "success", "failure", "request_message_count", "response_message_count"]
        # Calls of this method alone: another path of the same server.
        self.assertEqual(call("Sum", messages=7, size=10)["code"], OK)
        before = [stat(f"cluster.grpc.grpc.test.Peer.Sum.{name}") or 0 for name in names]
        self.assertEqual(call("Sum", messages=7, size=10)["code"], OK)
        after = [stat(f"cluster.grpc.grpc.test.Peer.Sum.{name}") for name in names]
        self.assertEqual([now - then for now, then in zip(after, before)], [1, 1, 0, 7, 1])

    def test_statuses(self):
        call("Fail")
        self.assertGreaterEqual(stat("cluster.grpc.grpc.test.Peer.Fail.9"), 1)
        self.assertEqual(stat("cluster.grpc.grpc.test.Peer.Fail.success"), 0)
        # The proxy's own answers are counted like the host's.
        call("/none.Service/Method")
        self.assertGreaterEqual(stat("cluster.none.grpc.none.Service.Method.14"), 1)

    def test_logged_statuses(self):
        call("Break", size=10)
        line = logged("/test.Peer/Break")
        self.assertEqual((line["code"], line["camel"], line["snake"], line["number"]), (200, "Aborted", "ABORTED", 10))
        wait_for(lambda: any(each["path"] == "/test.Peer/Break" for each in errors.lines()),
                 "the line among the errors")
        self.assertNotIn(OK, [each["number"] for each in errors.lines()])

    def test_the_hosts_success(self):
        def host():
            with Client(admin) as console:
                text = console.get("/clusters").body.decode()
            figures = dict(line.split("::")[2:] for line in text.splitlines()
                           if line.startswith(f"grpc::127.0.0.1:{server.port}::"))
            return int(figures["rq_success"]), int(figures["rq_error"])

        before = host()
        call("Echo", size=1)
        # The caller's fault.
        call("Fail")
        self.assertEqual(tuple(now - then for now, then in zip(host(), before)), (2, 0))


def frame(message, flags=0):
    return bytes([flags]) + len(message).to_bytes(4, "big") + message


class Web(unittest.TestCase):
    """gRPC-Web over HTTP/1.1, as browsers speak it through a proxy of their own."""

    def exchange(self, method, body, kind, accept=None):
        with Client(plain) as client:
            client.send(f"POST /test.Peer/{method} HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/{kind}\r\n"
                        f"Accept: application/{accept or kind}\r\nX-Grpc-Web: 1\r\nContent-Length: {len(body)}\r\n\r\n")
            client.send(body)
            return client.answer()

    def test_binary(self):
        answer = self.exchange("Echo", frame(b"hello"), "grpc-web+proto")
        self.assertEqual((answer.status, answer.get("content-type")), (200, "application/grpc-web+proto"))
        message, trailers = answer.body[:10], answer.body[10:]
        self.assertEqual(message, frame(b"hello"))
        self.assertEqual(trailers[0], 0x80)
        self.assertIn(b"grpc-status:0\r\n", trailers[5:])
        self.assertEqual(int.from_bytes(trailers[1:5], "big"), len(trailers) - 5)
        self.assertEqual(answer.trailers, [])
        self.assertEqual(logged("/test.Peer/Echo", number=0)["camel"], "OK")

    def test_text(self):
        # Two messages, each encoded alone.
        body = base64.b64encode(frame(b"hello")) + base64.b64encode(frame(b"world!"))
        answer = self.exchange("Echo", body, "grpc-web-text")
        self.assertEqual(answer.get("content-type"), "application/grpc-web-text+proto")
        groups = [answer.body[at:at + 4] for at in range(0, len(answer.body), 4)]
        decoded = b"".join(base64.b64decode(group, validate=True) for group in groups)
        self.assertTrue(decoded.startswith(frame(b"hello") + frame(b"world!") + b"\x80"), decoded)
        self.assertIn(b"grpc-status:0\r\n", decoded)

    def test_trailers_only(self):
        answer = self.exchange("Fail", frame(b""), "grpc-web")
        self.assertEqual((answer.status, answer.get("grpc-status"), answer.body), (200, "9", b""))
        self.assertEqual(answer.get("grpc-message"), "not now: 100%25")

    def test_bad_text(self):
        answer = self.exchange("Echo", b"!!!!", "grpc-web-text")
        self.assertEqual((answer.status, answer.get("grpc-status")), (200, "13"))

    def test_counted(self):
        before = stat("cluster.grpc.grpc-web.test.Peer.Echo.success") or 0
        self.exchange("Echo", frame(b"hello"), "grpc-web")
        self.assertEqual(stat("cluster.grpc.grpc-web.test.Peer.Echo.success"), before + 1)


if __name__ == "__main__":
    unittest.main()

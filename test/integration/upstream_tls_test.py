"""TLS towards backends, seen by real servers: whom the proxy trusts, which name it asks for, what it shows of itself,
what it agrees on, and what becomes of requests where there is no agreement."""

import itertools
import os
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

import tls
from harness import (AccessLog, Backend, Client, Nuncio, Stream, bootstrap, cluster, directory, file_log, free_ports,
                     listener, to)

PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
RAW = {"name": "envoy.transport_sockets.raw_buffer",
       "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}
numbers = itertools.count()
LOG_FIELDS = {
    "path": "%REQ(:PATH)%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "why": "%UPSTREAM_TRANSPORT_FAILURE_REASON(ALLOW_WHITESPACES)%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
}


class TlsBackend(Backend):
    """A Backend behind Python's TLS, which remembers what each handshake brought."""

    def __init__(self, certificate, context=None, **arguments):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.certificate, certificate.key)
        self.context.sni_callback = self._named
        self.names, self.handshakes, self.failures = [], [], []
        if context:
            context(self.context)
        super().__init__(**arguments)

    def _named(self, sock, name, context):
        self.names.append(name)

    def _serve(self, sock):
        sock.settimeout(15)
        try:
            sock = self.context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError) as error:
            self.failures.append(str(error))
            sock.close()
            return
        subject = {key: value for part in (sock.getpeercert() or {}).get("subject", ()) for key, value in part}
        self.handshakes.append({"alpn": sock.selected_alpn_protocol(), "version": sock.version(),
                                "cipher": sock.cipher()[0], "client": subject.get("commonName"),
                                "reused": sock.session_reused})
        super()._serve(sock)

    def forget(self):
        for seen in (self.names, self.handshakes, self.failures, self.requests):
            seen.clear()


class Rude(Backend):
    """Answers in plaintext before it was asked."""

    def _serve(self, sock):
        stream = Stream(sock)
        stream.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        stream.rest()


def haproxy(certificate):
    """HTTP/1.1 and HTTP/2 by ALPN on the first port, HTTP/1.1 without ALPN on the second."""
    where = directory()
    both = os.path.join(where, "both.pem")
    with open(both, "w", encoding="ascii") as out:
        for path in (certificate.certificate, certificate.key):
            with open(path, encoding="ascii") as file:
                out.write(file.read())
    first, second = free_ports(2)
    path = os.path.join(where, "haproxy.cfg")
    shown = "%[req.ver] %[ssl_fc_alpn] %[ssl_fc_sni]"
    answer = f'http-request return status 200 content-type text/plain lf-string "{shown}"'
    with open(path, "w", encoding="ascii") as file:
        file.write(f"""
            defaults
              mode http
              timeout client 30s
              timeout http-request 30s
            frontend both
              bind 127.0.0.1:{first} ssl crt {both} alpn h2,http/1.1
              {answer}
            frontend old
              bind 127.0.0.1:{second} ssl crt {both}
              {answer}
            """.replace("\n            ", "\n"))
    return tls.Process(first, shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", path), second


def options(**fields):
    return {"typed_extension_protocol_options": {PROTOCOL: {"@type": "type.googleapis.com/" + PROTOCOL, **fields}}}


def by_request(**names):
    return options(explicit_http_config={"http_protocol_options": {}}, upstream_http_protocol_options=names)


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


def add(name, port, transport, **fields):
    clusters.append(cluster(name, [port], transport_socket=transport, **fields))


def endpoint(name, port, hostname):
    """A load assignment whose endpoint has a host name."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    only = {"endpoint": {"address": address, "hostname": hostname}}
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [only]}]}


def verification():
    trusting = tls.trusting
    add("trusted", backend.port, tls.upstream(trusting(pki), sni="a.test"))
    add("blind", backend.port, tls.upstream())
    add("stranger", backend.port, tls.upstream(trusting(stranger), sni="a.test"))
    for name, kind, matcher in (("dns", "DNS", {"exact": "a.test"}), ("wrong", "DNS", {"exact": "b.test"}),
                                ("suffix", "DNS", {"suffix": ".test"}), ("uri", "URI", {"prefix": "spiffe://test/"}),
                                ("ip", "IP_ADDRESS", {"exact": "127.0.0.1"}), ("kind", "URI", {"exact": "a.test"})):
        add("san_" + name, backend.port, tls.upstream(trusting(pki, match_typed_subject_alt_names=[
            {"san_type": kind, "matcher": matcher}])))
    add("expired", expired.port, tls.upstream(trusting(pki)))
    add("pinned", backend.port, tls.upstream(trusting(pki, verify_certificate_hash=[fingerprint(server)])))
    add("mispinned", backend.port, tls.upstream(trusting(pki, verify_certificate_hash=[fingerprint(other)])))


def names():
    trusting = tls.trusting(pki)
    add("auto_host", backend.port,
        tls.upstream(trusting, auto_host_sni=True, auto_sni_san_validation=True, sni="b.test"),
        load_assignment=endpoint("auto_host", backend.port, "a.test"))
    add("auto_host_wrong", backend.port, tls.upstream(trusting, auto_host_sni=True, auto_sni_san_validation=True),
        load_assignment=endpoint("auto_host_wrong", backend.port, "c.test"))
    add("auto_sni", backend.port, tls.upstream(trusting), **by_request(auto_sni=True, auto_san_validation=True))
    add("sni_only", backend.port, tls.upstream(trusting), **by_request(auto_sni=True))
    add("by_header", backend.port, tls.upstream(trusting),
        **by_request(auto_sni=True, auto_san_validation=True, override_auto_sni_header="x-name"))


def agreements():
    trusting = tls.trusting(pki)
    cert = {"tls_certificates": [client.configured()]}
    old = {"tls_params": {"tls_maximum_protocol_version": "TLSv1_2"}}
    add("with_certificate", mutual.port, tls.upstream({**trusting, **cert}))
    add("without_certificate", mutual.port, tls.upstream({**trusting, **old}))
    add("without_certificate13", mutual.port, tls.upstream(trusting))
    for name, fields in (("resumed", {}), ("resumed12", {}), ("unresumed", {"max_session_keys": 0})):
        add(name, closing.port, tls.upstream({**trusting, **(old if name == "resumed12" else {})}, **fields))
    auto = options(auto_config={"http2_protocol_options": {}})
    add("alpn", haproxy_both.port, tls.upstream(trusting, sni="a.test"), **auto)
    add("alpn_old", haproxy_old, tls.upstream(trusting), **auto)
    add("h2_only", haproxy_old, tls.upstream(trusting), http2_protocol_options={})
    add("listed", backend.port, tls.upstream({**trusting, "alpn_protocols": ["http/1.1", "custom"]}))
    add("ancient", ancient.port, tls.upstream(trusting))
    add("ancient_wanted", ancient.port, tls.upstream({**trusting, "tls_params": {
        "tls_minimum_protocol_version": "TLSv1_0", "cipher_suites": ["ECDHE-RSA-AES128-SHA"]}}))
    add("only12", backend.port, tls.upstream({**trusting, "tls_params": {
        "tls_maximum_protocol_version": "TLSv1_2", "cipher_suites": ["ECDHE-ECDSA-AES256-GCM-SHA384"],
        "ecdh_curves": ["P-256"]}}))


def failures():
    add("plaintext", rude.port, tls.upstream())
    add("stalled", silent.getsockname()[1], tls.upstream(), connect_timeout="0.3s")
    add("refused", nobody, tls.upstream())
    add("leaving", leaving.port, tls.upstream())


def by_metadata():
    both = []
    for port, metadata in ((backend.port, {"secure": "yes"}), (plain.port, {"secure": "no"})):
        both.append({"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}},
                     "metadata": {"filter_metadata": {"envoy.transport_socket_match": metadata}}})
    clusters.append({**cluster("matched", []), "transport_socket": RAW,
                     "load_assignment": {"cluster_name": "matched", "endpoints": [{"lb_endpoints": both}]},
                     "transport_socket_matches": [{"name": "tls", "match": {"secure": "yes"},
                                                   "transport_socket": tls.upstream(tls.trusting(pki),
                                                                                    sni="matched.test")}]})


def issue_expired():
    made = tls.Certificate(os.path.join(pki.directory, "expired"))
    request = os.path.join(pki.directory, "expired.csr")
    subprocess.run(["openssl", "req", "-new", "-newkey", *tls.KEYS["ec"], "-nodes", "-keyout", made.key,
                    "-out", request, "-subj", "/CN=a.test"], check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", pki.certificate, "-CAkey", pki.key,
                    "-CAcreateserial", "-days", "-1", "-out", made.certificate], check=True, capture_output=True)
    return made


def fingerprint(certificate):
    return certificate.ask("-fingerprint", "-sha256").split("=")[1]


def setUpModule():
    global pki, stranger, server, other, client, backend, mutual, closing, expired, ancient, plain, rude, leaving
    global silent, nobody, haproxy_both, haproxy_old, clusters, log, port, admin, proxy
    pki, stranger = tls.Authority(), tls.Authority("Stranger")
    server = pki.issue("server", ["DNS:a.test", "DNS:matched.test", "URI:spiffe://test/server", "IP:127.0.0.1"])
    other = pki.issue("other", ["DNS:b.test"])
    client = pki.issue("client", ["DNS:client.test"])
    rsa = pki.issue("rsa", ["DNS:a.test"], key="rsa")
    backend = TlsBackend(server, lambda context: context.set_alpn_protocols(["custom", "http/1.1"]))

    def wants_certificates(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki.certificate)
    mutual = TlsBackend(server, wants_certificates)

    def answer_once(stream, request):
        Backend.echo(stream, request)
        return False
    closing = TlsBackend(server, answer=answer_once)
    expired = TlsBackend(issue_expired())
    ancient = tls.s_server(rsa, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    haproxy_both, haproxy_old = haproxy(server)
    leaving = TlsBackend(server, answer=lambda stream, request: False)
    plain = Backend()
    rude = Rude()
    silent = socket.create_server(("127.0.0.1", 0))
    port, admin, nobody = free_ports(3)
    clusters = []
    for part in (verification, names, agreements, failures, by_metadata):
        part()
    log = AccessLog(os.path.join(directory(), "access.log"))
    proxy = Nuncio(bootstrap(
        [listener("http", port, [to(each["name"], prefix=f"/{each['name']}/") for each in clusters],
                  access_log=[file_log(log.path, json_format=LOG_FIELDS)])], clusters,
        admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()
    ancient.stop()
    haproxy_both.stop()


class UpstreamTls(unittest.TestCase):

    def setUp(self):
        for each in (backend, mutual, closing):
            each.forget()

    def ask(self, name, fields="", host="h.test"):
        """One request on a connection of its own. Its path is its number's."""
        self.path = f"/{name}/{next(numbers)}"
        with Client(port) as http:
            http.send(f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
            return http.answer()

    def passes(self, name, **request):
        self.assertEqual(self.ask(name, **request).status, 200, name)

    def fails(self, name, why, **request):
        """503, with the reason of TLS in the log and a connect that failed in the statistics. Returns the log's
        line."""
        before = stat(f"cluster.{name}.upstream_cx_connect_fail")
        self.assertEqual(self.ask(name, **request).status, 503, name)
        line = log.line(self.path)
        self.assertEqual(line["flags"], "UF", line)
        self.assertIn(why, line["why"] or "", line)
        self.assertEqual(stat(f"cluster.{name}.upstream_cx_connect_fail"), before + 1)
        return line


class Trust(UpstreamTls):

    def test_by_the_authority(self):
        self.passes("trusted")
        self.assertGreaterEqual(stat("cluster.trusted.ssl.handshake"), 1)
        self.assertEqual(stat("cluster.trusted.ssl.fail_verify_error"), 0)
        before = stat("cluster.stranger.ssl.fail_verify_error")
        line = self.fails("stranger", "CERTIFICATE_VERIFY_FAILED")
        self.assertIn("upstream_reset_before_response_started{connection_failure", line["details"])
        self.assertEqual(stat("cluster.stranger.ssl.fail_verify_error"), before + 1)
        self.assertEqual(stat("cluster.stranger.ssl.connection_error"), 0)
        self.assertEqual(stat("cluster.stranger.ssl.handshake"), 0)
        self.assertEqual(len(backend.requests), 1, "the backend that is not trusted saw a request")

    def test_without_a_validation_context_anybody_will_do(self):
        self.passes("blind")

    def test_an_expired_certificate(self):
        self.fails("expired", "CERTIFICATE_VERIFY_FAILED")

    def test_by_alternative_names(self):
        for name in ("dns", "suffix", "uri", "ip"):
            self.passes("san_" + name)
        for name in ("wrong", "kind"):
            self.fails("san_" + name, "CERTIFICATE_VERIFY_FAILED")
            self.assertEqual(stat(f"cluster.san_{name}.ssl.fail_verify_san"), 1)

    def test_by_hash(self):
        self.passes("pinned")
        self.fails("mispinned", "CERTIFICATE_VERIFY_FAILED")
        self.assertEqual(stat("cluster.mispinned.ssl.fail_verify_cert_hash"), 1)


class ServerNames(UpstreamTls):

    def test_as_configured_and_none(self):
        self.passes("trusted")
        self.passes("blind")
        # A connection kept from another test tells nothing anew.
        self.assertTrue(set(backend.names) <= {"a.test", None}, backend.names)

    def test_of_the_endpoint(self):
        self.passes("auto_host")
        self.assertEqual(backend.names, ["a.test"])
        self.fails("auto_host_wrong", "CERTIFICATE_VERIFY_FAILED")
        self.assertEqual(backend.names, ["a.test", "c.test"])

    def test_of_the_request(self):
        self.passes("auto_sni", host="a.test:1234")
        self.assertEqual(backend.names, ["a.test"])
        self.fails("auto_sni", "CERTIFICATE_VERIFY_FAILED", host="c.test")
        self.assertEqual(backend.names, ["a.test", "c.test"])
        # Each name has connections of its own.
        self.passes("auto_sni", host="matched.test")
        self.passes("auto_sni", host="a.test")
        self.assertEqual(backend.names, ["a.test", "c.test", "matched.test"])

    def test_an_address_is_verified_and_not_sent(self):
        self.passes("auto_sni", host="127.0.0.1")
        self.assertEqual(backend.names, [None])
        self.fails("auto_sni", "CERTIFICATE_VERIFY_FAILED", host="127.0.0.2")

    def test_of_a_header(self):
        self.passes("by_header", host="c.test", fields="x-name: a.test\r\n")
        self.passes("by_header", host="matched.test")
        self.assertEqual(backend.names, ["a.test", "matched.test"])

    def test_sent_and_not_verified(self):
        self.passes("sni_only", host="c.test")
        self.assertEqual(backend.names, ["c.test"])


class Agreements(UpstreamTls):

    def test_a_client_certificate(self):
        self.passes("with_certificate")
        self.assertEqual(mutual.handshakes[0]["client"], "client")
        # In TLS 1.2 the server refuses within the handshake.
        self.fails("without_certificate", "HANDSHAKE_FAILURE")

    def test_a_certificate_that_is_missed_after_the_handshake(self):
        # In TLS 1.3 the client is done before the server judges.
        self.assertEqual(self.ask("without_certificate13").status, 503)
        line = log.line(self.path)
        self.assertEqual(line["flags"], "UC", line)
        self.assertIn("ALERT_CERTIFICATE_REQUIRED", line["why"], line)
        self.assertEqual(mutual.requests, [])

    def test_sessions_are_resumed(self):
        for name, version in (("resumed", "TLSv1.3"), ("resumed12", "TLSv1.2")):
            closing.forget()
            for _ in range(3):
                self.passes(name)
            self.assertEqual([each["reused"] for each in closing.handshakes], [False, True, True], name)
            self.assertEqual(closing.handshakes[0]["version"], version)
            self.assertEqual(stat(f"cluster.{name}.ssl.session_reused"), 2)
            self.assertEqual(stat(f"cluster.{name}.ssl.handshake"), 3)

    def test_sessions_are_not_kept_where_none_are_to_be(self):
        for _ in range(2):
            self.passes("unresumed")
        self.assertEqual([each["reused"] for each in closing.handshakes], [False, False])
        self.assertEqual(stat("cluster.unresumed.ssl.session_reused"), 0)

    def test_the_protocol_by_alpn(self):
        self.assertEqual(self.ask("alpn").body, b"2.0 h2 a.test")
        self.assertEqual(stat("cluster.alpn.upstream_cx_http2_total"), 1)
        # A host that knows no ALPN speaks HTTP/1.1.
        self.assertEqual(self.ask("alpn_old").body.split(), [b"1.1"])
        self.assertEqual(stat("cluster.alpn_old.upstream_cx_http1_total"), 1)

    def test_the_list_of_the_configuration_counts(self):
        self.passes("listed")
        self.assertEqual(backend.handshakes[0]["alpn"], "custom")

    def test_versions(self):
        self.fails("ancient", "ALERT_PROTOCOL_VERSION")
        answer = self.ask("ancient_wanted")
        self.assertEqual(answer.status, 200)
        self.assertIn(b"TLSv1.1", answer.body)

    def test_what_tls_1_2_agrees_on(self):
        self.passes("only12")
        self.assertEqual(backend.handshakes[0]["version"], "TLSv1.2")
        self.assertEqual(backend.handshakes[0]["cipher"], "ECDHE-ECDSA-AES256-GCM-SHA384")
        for name in ("versions.TLSv1.2", "ciphers.ECDHE-ECDSA-AES256-GCM-SHA384", "curves.P-256",
                     "sigalgs.ecdsa_secp256r1_sha256"):
            self.assertEqual(stat("cluster.only12.ssl." + name), 1, name)

    def test_sockets_by_the_endpoints_metadata(self):
        for _ in range(4):
            self.passes("matched")
        self.assertEqual(backend.names, ["matched.test"])
        self.assertEqual(len(backend.requests), 2)
        self.assertEqual(stat("cluster.matched.ssl.handshake"), 1)


class Failures(UpstreamTls):

    def test_a_host_that_speaks_plaintext(self):
        self.fails("plaintext", "WRONG_VERSION_NUMBER")
        self.assertEqual(stat("cluster.plaintext.ssl.connection_error"), 1)

    def test_a_handshake_takes_no_longer_than_a_connect_may(self):
        line = self.fails("stalled", "")
        self.assertIn("connection_timeout", line["details"])
        self.assertEqual(stat("cluster.stalled.upstream_cx_connect_timeout"), 1)

    def test_no_listener(self):
        line = self.fails("refused", "delayed connect error")
        self.assertIn("connection_failure", line["details"])
        self.assertEqual(stat("cluster.refused.ssl.connection_error"), 0)

    def test_a_host_that_leaves_says_nothing_of_tls(self):
        self.assertEqual(self.ask("leaving").status, 503)
        line = log.line(self.path)
        self.assertEqual((line["flags"], line["why"]), ("UC", None))

    def test_many_at_once_that_cannot_be_verified(self):
        answers = []

        def ask():
            with Client(port) as http:
                answers.append(http.get("/stranger/many").status)
        threads = [threading.Thread(target=ask) for _ in range(20)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(answers, [503] * 20)
        self.assertEqual(stat("cluster.stranger.upstream_cx_active"), 0)
        self.assertEqual(stat("cluster.stranger.upstream_rq_pending_active"), 0)
        self.passes("trusted")


if __name__ == "__main__":
    unittest.main()

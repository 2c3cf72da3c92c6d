"""TLS with real peers: what curl and openssl agree on with the proxy, which certificate they see, who is turned away,
and what is counted; TLS towards backends."""

import datetime
import grp
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import unittest
import urllib.parse

import http2
import tls
from harness import (PATIENCE, AccessLog, Backend, Client, Nuncio, Stream, bootstrap, cluster, directory, file_log,
                     free_ports, listener, to, wait_for)


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


def counted(port, name):
    """A statistic of the TLS of a listener."""
    return stat(f"listener.127.0.0.1_{port}.ssl.{name}")


def secured(name, transport, routes=None, **fields):
    """A listener whose only chain speaks TLS."""
    port = free_ports(1)[0]
    made = listener(name, port, routes or [to("h1", prefix="/")], log=log.path, **fields)
    if transport is not None:
        made["filter_chains"][0]["transport_socket"] = transport
    listeners.append(made)
    ports[name] = port
    return made


def by_server_name():
    """Chains that tls_inspector chooses."""
    made = secured("chains", None)
    first = made["filter_chains"][0]
    chains = []
    for name, match, certificate in (
            ("exact", {"server_names": ["one.test"]}, "one.test"),
            ("suffix", {"server_names": ["*.two.test"]}, "*.two.test"),
            ("h2only", {"server_names": ["three.test"], "application_protocols": ["h2"]}, "three.test")):
        chains.append({**first, "name": name, "filter_chain_match": match,
                       "transport_socket": tls.downstream([pki.issue(name, [f"DNS:{certificate}"])])})
    chains.append({**first, "name": "plain", "filter_chain_match": {"transport_protocol": "raw_buffer"}})
    made["filter_chains"] = chains
    made["listener_filters"] = [tls.inspector(enable_ja3_fingerprinting=True, enable_ja4_fingerprinting=True)]


def with_client_certificates():
    """A listener for each mode of x-forwarded-client-cert."""
    details = {"subject": True, "cert": True, "chain": True, "dns": True, "uri": True}
    for mode in ("SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"):
        secured(mode, tls.downstream([server], tls.trusting(pki)), forward_client_cert_details=mode,
                set_current_client_cert_details=details if mode == "SANITIZE_SET" else {"uri": True})


def logged():
    """What logs and header values tell of both sides."""
    fields = {name: f"%{name}%" for name in (
        "PROTOCOL", "REQUESTED_SERVER_NAME", "TLS_JA3_FINGERPRINT", "TLS_JA4_FINGERPRINT", "DOWNSTREAM_TLS_VERSION",
        "DOWNSTREAM_TLS_CIPHER", "DOWNSTREAM_TLS_SESSION_ID", "DOWNSTREAM_PEER_SUBJECT", "DOWNSTREAM_PEER_ISSUER",
        "DOWNSTREAM_PEER_SERIAL", "DOWNSTREAM_PEER_FINGERPRINT_256", "DOWNSTREAM_PEER_FINGERPRINT_1",
        "DOWNSTREAM_PEER_CERT", "DOWNSTREAM_PEER_CERT_V_START", "DOWNSTREAM_PEER_CERT_V_END(%s)",
        "DOWNSTREAM_PEER_URI_SAN", "DOWNSTREAM_PEER_DNS_SAN", "DOWNSTREAM_PEER_IP_SAN", "DOWNSTREAM_LOCAL_SUBJECT",
        "DOWNSTREAM_LOCAL_URI_SAN", "DOWNSTREAM_LOCAL_DNS_SAN", "UPSTREAM_TLS_VERSION", "UPSTREAM_TLS_CIPHER",
        "UPSTREAM_TLS_SESSION_ID", "UPSTREAM_PEER_SUBJECT", "UPSTREAM_PEER_ISSUER", "UPSTREAM_PEER_DNS_SAN",
        "UPSTREAM_TRANSPORT_FAILURE_REASON")}
    made = secured("logged", tls.downstream([server], tls.trusting(pki)),
                   routes=[to("nginx1"), to("h1"), to("unverified")],
                   access_log=[file_log(facts.path, json_format={"path": "%REQ(:PATH)%", **fields})],
                   virtual_host={"request_headers_to_add": [
                       {"header": {"key": "x-tls", "value": "%DOWNSTREAM_TLS_VERSION% %REQUESTED_SERVER_NAME%"}}]})
    made["listener_filters"] = [tls.inspector(enable_ja3_fingerprinting=True, enable_ja4_fingerprinting=True)]
    made["access_log"] = [file_log(ends.path, json_format={
        "path": "%CONNECTION_ID%", "why": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%", "sni": "%REQUESTED_SERVER_NAME%"})]


def requiring_tls():
    for name, requirement, fields in (("all", "ALL", {}), ("external", "EXTERNAL_ONLY", {}),
                                      ("edge", "ALL", {"use_remote_address": True})):
        ports[name] = free_ports(1)[0]
        internal = {"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]}
        listeners.append(listener(name, ports[name], [to("h1", prefix="/")], log=log.path,
                                  virtual_host={"require_tls": requirement}, internal_address_config=internal,
                                  **fields))


def schemes():
    """As the upstream's transport is, and as it is without that."""
    for name, fields in (("matched", {"scheme_header_transformation": {"match_upstream": True}}), ("unmatched", {})):
        secured(name + "_tls", tls.downstream([ecdsa]), routes=[to("clear"), to("secret")], **fields)
        ports[name] = free_ports(1)[0]
        listeners.append(listener(name, ports[name], [to("clear"), to("secret")], **fields))


def setUpModule():
    global server, facts, ends, clear, secret
    global pki, stranger, proxy, backend, nginx, ports, listeners, log, admin
    global rsa, ecdsa, wild, other, client, foreign, server_only
    pki, stranger = tls.Authority(), tls.Authority("Stranger")
    rsa = pki.issue("rsa", ["DNS:a.test"], key="rsa")
    ecdsa = pki.issue("ecdsa", ["DNS:a.test"])
    wild = pki.issue("wild", ["DNS:*.wild.test"])
    other = pki.issue("other", ["DNS:b.test", "DNS:exact.wild.test"])
    client = pki.issue("client", ["URI:spiffe://test/client", "DNS:client.test"], subject="/O=Test/CN=client")
    foreign = stranger.issue("foreign")
    server_only = pki.issue("server_only", usage="serverAuth")
    log = AccessLog(os.path.join(directory(), "access.log"))
    backend, nginx = Backend(), Nginx()
    ports, listeners = {}, []
    secured("main", tls.downstream([rsa, ecdsa, wild, other]))
    secured("rsa_only", tls.downstream([rsa]))
    secured("required", tls.downstream([ecdsa], tls.trusting(pki), require_client_certificate=True))
    secured("optional", tls.downstream([ecdsa], tls.trusting(pki)))
    secured("untrusted", tls.downstream([ecdsa], tls.trusting(pki, trust_chain_verification="ACCEPT_UNTRUSTED")))
    secured("named", tls.downstream([ecdsa], tls.trusting(pki, match_typed_subject_alt_names=[
        {"san_type": "URI", "matcher": {"prefix": "spiffe://test/"}}]), require_client_certificate=True))
    secured("old", tls.downstream([rsa], {"tls_params": {
        "tls_minimum_protocol_version": "TLSv1_0", "tls_maximum_protocol_version": "TLSv1_1",
        "cipher_suites": ["ECDHE-RSA-AES128-SHA"]}}))
    secured("only12", tls.downstream([rsa, ecdsa], {"tls_params": {
        "tls_maximum_protocol_version": "TLSv1_2",
        "cipher_suites": ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ecdh_curves": ["P-256"]}}))
    secured("only13", tls.downstream([ecdsa], {"tls_params": {"tls_minimum_protocol_version": "TLSv1_3"}}))
    secured("no_alpn", tls.downstream([ecdsa], alpn=()))
    secured("no_tickets", tls.downstream([ecdsa], disable_stateless_session_resumption=True,
                                         disable_stateful_session_resumption=True))
    by_server_name()
    stapled = pki.issue("stapled", ["DNS:a.test"])
    pki.staple(stapled)
    secured("stapling", tls.downstream([stapled], ocsp_staple_policy="MUST_STAPLE"))
    server = pki.issue("server", ["DNS:a.test", "URI:spiffe://test/server"])
    facts, ends = (AccessLog(os.path.join(directory(), name)) for name in ("facts", "ends"))
    clear = http2.Http2Backend()
    secret = http2.Http2Backend(context=tls.server_context(rsa, ["h2"]))
    with_client_certificates()
    logged()
    requiring_tls()
    schemes()
    h1, h2 = nginx.ports
    options = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "auto_config": {"http2_protocol_options": {}}}}
    routes = [to(name) for name in ("nginx1", "nginx2", "auto", "unverified")]
    port, admin = free_ports(2)
    ports["plain"] = port
    listeners.append(listener("plain", port, routes, log=log.path))
    proxy = Nuncio(bootstrap(
        listeners,
        [backend.cluster("h1"),
         tls_cluster("nginx1", h1, tls.upstream(tls.trusting(pki), sni="a.test", auto_sni_san_validation=True)),
         tls_cluster("nginx2", h2, tls.upstream({**tls.trusting(pki), "alpn_protocols": ["h2"],
                                                 "tls_certificates": [client.configured()]}, sni="a.test"),
                     http2_protocol_options={}),
         clear.cluster("clear"),
         secret.cluster("secret", transport_socket=tls.upstream({"alpn_protocols": ["h2"]})),
         tls_cluster("auto", h2, tls.upstream(tls.trusting(pki), sni="a.test"),
                     typed_extension_protocol_options=options),
         tls_cluster("unverified", h1, tls.upstream(tls.trusting(stranger), sni="a.test"))],
        admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()
    nginx.stop()


def tls_cluster(name, port, transport, **fields):
    return cluster(name, [port], transport_socket=transport, **fields)


class Nginx:
    """nginx over TLS: HTTP/1.1 on the first port, HTTP/2 (and 1.1) on the second, which shows what the client
    presented."""

    def __init__(self):
        home = directory()
        self.ports = free_ports(2)
        os.mkdir(os.path.join(home, "logs"))
        path = os.path.join(home, "nginx.conf")
        user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        with open(path, "w", encoding="ascii") as file:
            file.write(f"""
                user {user} {group}; master_process off; daemon off; pid nginx.pid; error_log logs/error.log;
                events {{}}
                http {{
                  access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
                  scgi_temp_path s; ssl_protocols TLSv1.2 TLSv1.3;
                  ssl_certificate {rsa.certificate}; ssl_certificate_key {rsa.key};
                  server {{ listen 127.0.0.1:{self.ports[0]} ssl;
                    location / {{
                      return 200 "$server_protocol $ssl_protocol $ssl_server_name $http_x_forwarded_proto\\n"; }} }}
                  server {{ listen 127.0.0.1:{self.ports[1]} ssl http2; ssl_verify_client optional;
                    ssl_client_certificate {pki.certificate};
                    location / {{
                      return 200 "$server_protocol $ssl_alpn_protocol $ssl_client_verify $ssl_client_s_dn\\n"; }} }}
                }}""")
        nginx_binary = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([nginx_binary, "-p", home, "-e", "logs/error.log", "-c", path])

        def up():
            assert self.process.poll() is None, "nginx ended"
            try:
                for port in self.ports:
                    tls.connect(port).close()
                return True
            except OSError:
                return False
        wait_for(up, "nginx's start")

    def stop(self):
        self.process.terminate()
        self.process.wait(15)


class Negotiation(unittest.TestCase):

    def test_curl_in_every_version(self):
        for version, protocol in (("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")):
            for form, expected in (("--http1.1", "1.1"), ("--http2", "2")):
                before = counted(ports["main"], "versions." + protocol)
                got = tls.curl(ports["main"], "/hello", form, "--tlsv" + version, "--tls-max", version)
                self.assertEqual((got.status, got.version, got.body), (200, expected, "/hello"), got.error)
                self.assertEqual(counted(ports["main"], "versions." + protocol), before + 1)
        self.assertEqual(backend.last().get("x-forwarded-proto"), "https")
        wait_for(lambda: stat("http.main.downstream_cx_ssl_active") == 0, "the end of all connections")
        self.assertGreaterEqual(stat("http.main.downstream_cx_ssl_total"), 4)

    def test_bodies(self):
        path = os.path.join(directory(), "body")
        body = "0123456789abcdef" * 200000
        with open(path, "w", encoding="ascii") as file:
            file.write(body)
        for form in ("--http1.1", "--http2"):
            got = tls.curl(ports["main"], "/body", form, "--data-binary", "@" + path)
            self.assertEqual((got.status, got.body == body), (200, True), got.error)

    def test_a_verified_server(self):
        got = tls.curl(ports["main"], "/", "--cacert", pki.certificate, "--no-insecure")
        self.assertEqual(got.status, 200, got.error)
        got = tls.curl(ports["main"], "/", "--cacert", stranger.certificate, "--no-insecure")
        self.assertEqual(got.status, 0)

    def test_versions_by_default(self):
        for version in ("-tls1", "-tls1_1"):
            out = tls.s_client(ports["main"], version, "-cipher", "DEFAULT@SECLEVEL=0")
            self.assertIn("alert protocol version", out)
        for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            self.assertIn(f"New, {name}", tls.s_client(ports["main"], version))

    def test_versions_as_configured(self):
        old = ["-cipher", "DEFAULT@SECLEVEL=0"]
        self.assertIn("New, TLSv1.0, Cipher is ECDHE-RSA-AES128-SHA", tls.s_client(ports["old"], "-tls1", *old))
        self.assertIn("Protocol  : TLSv1.1", tls.s_client(ports["old"], "-tls1_1", *old))
        # Here it is the client that refuses.
        self.assertIn("unsupported protocol", tls.s_client(ports["old"], "-tls1_2"))
        self.assertIn("New, TLSv1.2", tls.s_client(ports["only12"]))
        self.assertIn("alert protocol version", tls.s_client(ports["only12"], "-tls1_3"))
        self.assertIn("New, TLSv1.3", tls.s_client(ports["only13"]))
        self.assertIn("alert protocol version", tls.s_client(ports["only13"], "-tls1_2"))
        self.assertEqual(counted(ports["old"], "versions.TLSv1"), 1)
        self.assertEqual(counted(ports["old"], "versions.TLSv1.1"), 1)

    def test_ciphers_and_curves(self):
        port = ports["only12"]
        for offered in ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"):
            self.assertIn(f"Cipher is {offered}", tls.s_client(port, "-cipher", offered))
            self.assertEqual(counted(port, "ciphers." + offered), 1)
        before = counted(port, "connection_error")
        self.assertIn("handshake failure", tls.s_client(port, "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"))
        self.assertIn("handshake failure", tls.s_client(port, "-curves", "X25519"))
        self.assertEqual(counted(port, "connection_error"), before + 2)
        self.assertEqual(counted(port, "curves.P-256"), counted(port, "handshake"))
        self.assertIn("Server Temp Key: X25519", tls.s_client(ports["main"], "-curves", "P-256:X25519"))
        self.assertIn("Cipher is TLS_CHACHA20_POLY1305_SHA256",
                      tls.s_client(ports["main"], "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"))

    def test_alpn(self):
        port = ports["main"]
        for offered, chosen in (("h2,http/1.1", "h2"), ("http/1.1", "http/1.1"), ("http/1.1,h2", "h2")):
            self.assertIn(f"ALPN protocol: {chosen}\n", tls.s_client(port, "-alpn", offered))
        # None in common: the handshake goes on without (as Envoy's does), and the first bytes decide.
        self.assertIn("No ALPN negotiated", tls.s_client(port, "-alpn", "spdy/1"))
        self.assertIn("No ALPN negotiated", tls.s_client(ports["no_alpn"], "-alpn", "h2"))
        for form, version in (("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")):
            got = tls.curl(ports["no_alpn"], "/", form, "--no-alpn")
            self.assertEqual((got.status, got.version), (200, version), got.error)


    def test_nghttp_and_h2load(self):
        url = f"https://127.0.0.1:{ports['main']}/tool"
        out = subprocess.run(["nghttp", "-y", url], capture_output=True, timeout=PATIENCE, check=True)
        self.assertIn(b"/tool", out.stdout)
        for arguments in (["-c", "10", "-m", "20"], ["-c", "10", "--h1"]):
            out = subprocess.run(["h2load", "-n", "1000", *arguments, url], capture_output=True, text=True,
                                 timeout=PATIENCE, check=True).stdout
            self.assertIn("1000 succeeded, 0 failed", out)


class Stapling(unittest.TestCase):

    def test_who_asks_gets_the_response(self):
        port = ports["stapling"]
        self.assertIn("OCSP Response Status: successful", tls.s_client(port, "-status"))
        self.assertIn("OCSP response: no response sent", tls.s_client(ports["main"], "-status"))
        self.assertNotIn("OCSP Response", tls.s_client(port))
        self.assertEqual([counted(port, "ocsp_staple_" + each) for each in ("requests", "responses", "failed")],
                         [1, 1, 0])
        self.assertEqual(counted(ports["main"], "ocsp_staple_omitted"), 1)


class Certificates(unittest.TestCase):

    def shown(self, host, *arguments, port=None):
        out = tls.s_client(port or ports["main"], *arguments, host=host)
        found = re.search(r"^subject=CN = (.*)$", out, re.M)
        self.assertIsNotNone(found, out)
        return found.group(1)

    def test_by_server_name(self):
        for host, name in (("a.test", "ecdsa"), ("A.Test", "ecdsa"), ("b.test", "other"), ("x.wild.test", "wild"),
                           ("exact.wild.test", "other")):
            self.assertEqual(self.shown(host), name, host)
        # A wildcard stands for one label; without a match the first serves, of the kind that the client takes.
        self.assertEqual(self.shown("x.y.wild.test"), "rsa")
        self.assertEqual(self.shown("unknown.test"), "rsa")
        self.assertEqual(self.shown(None), "ecdsa")

    def test_rsa_and_ecdsa_by_what_the_client_verifies(self):
        rsa_only = ["-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"]
        self.assertEqual(self.shown("a.test", *rsa_only), "rsa")
        self.assertEqual(self.shown("a.test", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "rsa")
        self.assertEqual(self.shown("a.test", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "ecdsa")
        self.assertEqual(self.shown("a.test", "-sigalgs", "ECDSA+SHA256"), "ecdsa")

    def test_of_clients(self):
        present = ["--cert", client.certificate, "--key", client.key]
        strange = ["--cert", foreign.certificate, "--key", foreign.key]
        for version in ("1.2", "1.3"):
            limit = ["--tls-max", version]
            for name in ("required", "optional", "untrusted", "named"):
                self.assertEqual(tls.curl(ports[name], "/", *limit, *present).status, 200, name)
            refused = [counted(ports["required"], each) for each in ("fail_verify_no_cert", "fail_verify_error")]
            self.assertEqual(tls.curl(ports["required"], "/", *limit).status, 0)
            self.assertEqual(tls.curl(ports["required"], "/", *limit, *strange).status, 0)
            self.assertEqual([counted(ports["required"], each)
                              for each in ("fail_verify_no_cert", "fail_verify_error")],
                             [each + 1 for each in refused])
            self.assertEqual(tls.curl(ports["optional"], "/", *limit).status, 200)
            self.assertEqual(tls.curl(ports["optional"], "/", *limit, *strange).status, 0)
            self.assertEqual(tls.curl(ports["untrusted"], "/", *limit, *strange).status, 200)
        self.assertEqual(counted(ports["optional"], "no_certificate"), 2)

    def test_of_clients_by_name_and_usage(self):
        nameless = pki.issue("nameless")
        self.assertEqual(tls.curl(ports["named"], "/", "--cert", nameless.certificate, "--key", nameless.key).status, 0)
        self.assertEqual(counted(ports["named"], "fail_verify_san"), 1)
        got = tls.curl(ports["required"], "/", "--cert", server_only.certificate, "--key", server_only.key)
        self.assertEqual(got.status, 0)


class Sessions(unittest.TestCase):

    def resumed(self, port, version):
        path = os.path.join(directory(), "session")
        # TLS 1.3's tickets come after the handshake: with the first bytes that the server sends.
        request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
        first = tls.s_client(port, version, "-alpn", "http/1.1", "-sess_out", path, "-ign_eof", send=request)
        self.assertIn("200 OK", first)
        if not os.path.exists(path):
            return False
        again = tls.s_client(port, version, "-alpn", "http/1.1", "-sess_in", path, "-ign_eof", send=request)
        self.assertIn("200 OK", again)
        self.assertRegex(again, r"(?m)^(Reused|New), ")
        return "Reused, " in again

    def test_tickets(self):
        for version in ("-tls1_2", "-tls1_3"):
            before = counted(ports["main"], "session_reused")
            self.assertTrue(self.resumed(ports["main"], version), version)
            self.assertEqual(counted(ports["main"], "session_reused"), before + 1)

    def test_none_where_they_are_disabled(self):
        for version in ("-tls1_2", "-tls1_3"):
            self.assertFalse(self.resumed(ports["no_tickets"], version), version)
        self.assertEqual(counted(ports["no_tickets"], "session_reused"), 0)

    def test_five_in_a_row(self):
        out = tls.s_client(ports["main"], "-tls1_2", "-reconnect")
        self.assertEqual(len(re.findall("^Reused, ", out, re.M)), 5, out)


class Chains(unittest.TestCase):

    def test_by_server_name(self):
        port = ports["chains"]
        for host, name in (("one.test", "exact"), ("x.two.test", "suffix"), ("x.y.two.test", "suffix")):
            self.assertIn(f"subject=CN = {name}\n", tls.s_client(port, host=host))
        self.assertEqual(tls.curl(port, "/one", host="one.test").status, 200)
        self.assertEqual(tls.curl(port, "/three", "--http2", host="three.test").status, 200)
        missed = stat(f"listener.127.0.0.1_{port}.no_filter_chain_match")
        self.assertEqual(tls.curl(port, "/", "--http1.1", host="three.test").status, 0)
        self.assertEqual(tls.curl(port, "/", host="four.test").status, 0)
        self.assertEqual(stat(f"listener.127.0.0.1_{port}.no_filter_chain_match"), missed + 2)
        got = tls.curl(port, "/clear", scheme="http")
        self.assertEqual((got.status, got.body), (200, "/clear"))
        self.assertEqual(backend.last().get("x-forwarded-proto"), "http")


class Backends(unittest.TestCase):

    def test_nginx_over_http1(self):
        with Client(ports["plain"]) as one:
            self.assertEqual(one.get("/nginx1").body, b"HTTP/1.1 TLSv1.3 a.test http\n")
            self.assertEqual(one.get("/nginx1").body, b"HTTP/1.1 TLSv1.3 a.test http\n")
        self.assertEqual(stat("cluster.nginx1.ssl.handshake"), 1)
        self.assertEqual(stat("cluster.nginx1.ssl.versions.TLSv1.3"), 1)

    def test_nginx_over_http2_with_a_client_certificate(self):
        with Client(ports["plain"]) as one:
            self.assertEqual(one.get("/nginx2").body, b"HTTP/2.0 h2 SUCCESS CN=client,O=Test\n")
            self.assertEqual(one.get("/auto").body, b"HTTP/2.0 h2 NONE \n")

    def test_a_backend_that_cannot_be_verified(self):
        with Client(ports["plain"]) as one:
            self.assertEqual(one.get("/unverified").status, 503)
        self.assertEqual(stat("cluster.unverified.ssl.fail_verify_error"), 1)
        self.assertEqual(log.line("/unverified")["flags"], "UF")


class ClientCertificateHeader(unittest.TestCase):
    BEFORE = 'Hash=0;URI=spiffe://before'

    def seen(self, mode, certificate=None, before=BEFORE):
        fields = ["-H", "x-forwarded-client-cert: " + before] if before else []
        if certificate is not None:
            fields += ["--cert", certificate.certificate, "--key", certificate.key]
        got = tls.curl(ports[mode], "/", *fields)
        self.assertEqual(got.status, 200, got.error)
        return backend.last().all("x-forwarded-client-cert")

    def element(self):
        digest = client.ask("-fingerprint", "-sha256").split("=")[1].replace(":", "").lower()
        return f"By=spiffe://test/server;Hash={digest}"

    def test_with_a_certificate(self):
        own = self.element() + ";URI=spiffe://test/client"
        self.assertEqual(self.seen("SANITIZE", client), [])
        self.assertEqual(self.seen("FORWARD_ONLY", client), [self.BEFORE])
        self.assertEqual(self.seen("APPEND_FORWARD", client), [self.BEFORE + "," + own])
        self.assertEqual(self.seen("APPEND_FORWARD", client, before=None), [own])
        self.assertEqual(self.seen("ALWAYS_FORWARD_ONLY", client), [self.BEFORE])

    def test_every_detail(self):
        with open(client.certificate, encoding="ascii") as file:
            pem = urllib.parse.quote(file.read(), safe="-_. ").replace(" ", "%20")
        self.assertEqual(self.seen("SANITIZE_SET", client), [
            self.element() + f';Cert="{pem}";Chain="{pem}";Subject="CN=client,O=Test";'
            "URI=spiffe://test/client;DNS=client.test"])

    def test_without_a_certificate(self):
        for mode in ("SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET"):
            self.assertEqual(self.seen(mode), [], mode)
        self.assertEqual(self.seen("ALWAYS_FORWARD_ONLY"), [self.BEFORE])

    def test_a_resumed_session_has_the_certificate_of_the_first(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = tls.client_context(client, maximum_version=version)
            seen, session = [], None
            for _ in range(2):
                sock = socket.create_connection(("127.0.0.1", ports["APPEND_FORWARD"]), timeout=PATIENCE)
                with Stream(context.wrap_socket(sock, server_hostname="a.test", session=session)) as connection:
                    connection.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
                    connection.until(b"/again")
                    self.assertEqual(connection.sock.session_reused, session is not None)
                    session = connection.sock.session
                seen.append(backend.last().get("x-forwarded-client-cert"))
            self.assertIn("URI=spiffe://test/client", seen[0])
            self.assertEqual(seen[0], seen[1])

    def test_every_request_of_a_connection(self):
        with tls.connect(ports["APPEND_FORWARD"], certificate=client) as connection:
            for i in range(3):
                connection.send(f"GET /{i} HTTP/1.1\r\nHost: a\r\nx-forwarded-client-cert: Hash={i}\r\n\r\n")
                connection.until(f"/{i}".encode())
                self.assertTrue(backend.last().get("x-forwarded-client-cert").startswith(f"Hash={i},By="))


class RequireTls(unittest.TestCase):

    def test_redirects(self):
        with Client(ports["all"]) as one:
            answer = one.get("/a/b?c=d&e")
            self.assertEqual((answer.status, answer.get("location")), (301, "https://a.test/a/b?c=d&e"))
            # The port stays as the client wrote it.
            one.send("GET / HTTP/1.1\r\nHost: a.test:8080\r\n\r\n")
            self.assertEqual(one.answer().get("location"), "https://a.test:8080/")
            self.assertEqual(one.get("/told", "X-Forwarded-Proto: https\r\n").status, 200)
        self.assertEqual(log.line("/a/b?c=d&e")["details"], "direct_response")

    def test_an_edge_believes_its_own_eyes(self):
        with Client(ports["edge"]) as one:
            self.assertEqual(one.get("/", "X-Forwarded-Proto: https\r\n").status, 301)

    def test_internal_clients(self):
        with Client(ports["external"]) as one:
            self.assertEqual(one.get("/", "X-Forwarded-For: 192.0.2.1\r\n").status, 301)
            self.assertEqual(one.get("/", "X-Forwarded-For: 10.1.1.1\r\n").status, 200)
            self.assertEqual(one.get("/", "X-Envoy-Internal: true\r\n").status, 301)


class Schemes(unittest.TestCase):

    def test_as_the_upstreams_transport_is(self):
        with Client(ports["matched"]) as one:
            self.assertEqual(one.get("/clear").status, 200)
            self.assertEqual(one.get("/secret").status, 200)
        self.assertEqual((clear.last().get(":scheme"), secret.last().get(":scheme")), ("http", "https"))
        for name in ("clear", "secret"):
            self.assertEqual(tls.curl(ports["matched_tls"], "/" + name).status, 200)
        self.assertEqual((clear.last().get(":scheme"), secret.last().get(":scheme")), ("http", "https"))
        self.assertEqual(clear.last().get("x-forwarded-proto"), "https")

    def test_as_the_clients_transport_is(self):
        for name in ("clear", "secret"):
            self.assertEqual(tls.curl(ports["unmatched_tls"], "/" + name).status, 200)
            with Client(ports["unmatched"]) as one:
                self.assertEqual(one.get("/" + name).status, 200)
        self.assertEqual([each.get(":scheme") for each in clear.requests[-2:]], ["https", "http"])
        self.assertEqual([each.get(":scheme") for each in secret.requests[-2:]], ["https", "http"])


class Logs(unittest.TestCase):

    def test_everything(self):
        port = ports["logged"]
        self.assertEqual(tls.curl(port, "/nginx1/log", "--cert", client.certificate, "--key", client.key,
                                  "--tls-max", "1.2").status, 200)
        line = facts.line("/nginx1/log")
        with open(client.certificate, encoding="ascii") as file:
            pem = urllib.parse.quote(file.read(), safe="-_.")
        said = client.ask("-startdate", "-enddate", "-dateopt", "iso_8601")
        dates = dict(each.split("=") for each in said.splitlines())
        utc = datetime.timezone.utc
        start, end = (datetime.datetime.strptime(dates[name], "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=utc)
                      for name in ("notBefore", "notAfter"))

        def ask(*what):
            return client.ask(*what).split("=", 1)[1].replace(":", "").lower()
        expected = {
            "PROTOCOL": "HTTP/2", "REQUESTED_SERVER_NAME": "a.test", "DOWNSTREAM_TLS_VERSION": "TLSv1.2",
            "DOWNSTREAM_PEER_SUBJECT": "CN=client,O=Test", "DOWNSTREAM_PEER_ISSUER": "CN=Root",
            "DOWNSTREAM_PEER_SERIAL": ask("-serial"), "DOWNSTREAM_PEER_FINGERPRINT_256": ask("-fingerprint", "-sha256"),
            "DOWNSTREAM_PEER_FINGERPRINT_1": ask("-fingerprint", "-sha1"), "DOWNSTREAM_PEER_CERT": pem,
            "DOWNSTREAM_PEER_CERT_V_START": start.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "DOWNSTREAM_PEER_CERT_V_END(%s)": str(int(end.timestamp())),
            "DOWNSTREAM_PEER_URI_SAN": "spiffe://test/client", "DOWNSTREAM_PEER_DNS_SAN": "client.test",
            "DOWNSTREAM_PEER_IP_SAN": None, "DOWNSTREAM_LOCAL_SUBJECT": "CN=server",
            "DOWNSTREAM_LOCAL_URI_SAN": "spiffe://test/server", "DOWNSTREAM_LOCAL_DNS_SAN": "a.test",
            "UPSTREAM_TLS_VERSION": "TLSv1.3", "UPSTREAM_PEER_SUBJECT": "CN=rsa", "UPSTREAM_PEER_ISSUER": "CN=Root",
            "UPSTREAM_PEER_DNS_SAN": "a.test", "UPSTREAM_TRANSPORT_FAILURE_REASON": None}
        self.assertEqual({name: line[name] for name in expected}, expected)
        self.assertRegex(line["DOWNSTREAM_TLS_CIPHER"], "^ECDHE-ECDSA-")
        self.assertRegex(line["UPSTREAM_TLS_CIPHER"], "^TLS_")
        # A session of TLS 1.3 has no id.
        self.assertIsNone(line["UPSTREAM_TLS_SESSION_ID"])
        for name in ("DOWNSTREAM_TLS_SESSION_ID", "TLS_JA3_FINGERPRINT"):
            self.assertRegex(line[name], "^[0-9a-f]{32,64}$", name)
        self.assertRegex(line["TLS_JA4_FINGERPRINT"], "^t12d[0-9]{4}h2_[0-9a-f]{12}_[0-9a-f]{12}$")

    def test_without_certificates(self):
        self.assertEqual(tls.curl(ports["logged"], "/h1/none", "--http1.1").status, 200)
        line = facts.line("/h1/none")
        self.assertEqual((line["PROTOCOL"], line["DOWNSTREAM_TLS_VERSION"]), ("HTTP/1.1", "TLSv1.3"))
        for name in ("DOWNSTREAM_PEER_SUBJECT", "DOWNSTREAM_PEER_CERT_V_START", "UPSTREAM_TLS_VERSION",
                     "UPSTREAM_PEER_SUBJECT"):
            self.assertIsNone(line[name], name)
        self.assertEqual(backend.last().get("x-tls"), "TLSv1.3 a.test")

    def test_a_server_name_cannot_forge_anything(self):
        with Client(ports["logged"]) as one:
            one.send(tls.client_hello('evil"x-admin:1'))
            one.more()
        entry = wait_for(lambda: next((each for each in ends.lines() if each["sni"] and "evil" in each["sni"]), None),
                         "it")
        self.assertEqual(entry["sni"], "evil_x-admin_1")

    def test_why_it_failed(self):
        self.assertEqual(tls.curl(ports["logged"], "/unverified/why").status, 503)
        self.assertRegex(facts.line("/unverified/why")["UPSTREAM_TRANSPORT_FAILURE_REASON"],
                         "^TLS_error:.*CERTIFICATE_VERIFY_FAILED")
        self.assertEqual(tls.curl(ports["logged"], "/", "--cert", foreign.certificate, "--key", foreign.key).status, 0)
        entry = wait_for(lambda: next((each for each in ends.lines() if "VERIFY_FAILED" in (each["why"] or "")), None),
                         "it")
        self.assertNotIn(" ", entry["why"])


if __name__ == "__main__":
    unittest.main()

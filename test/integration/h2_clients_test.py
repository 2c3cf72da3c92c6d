"""The clients that everybody has, over HTTP/2: curl, nghttp and h2load, in plaintext and over TLS."""

import hashlib
import os
import subprocess
import unittest

from harness import AccessLog, Backend, Client, Nuncio, bootstrap, directory, free_ports, listener, to
from tls import Authority, downstream

SMALL = b"hello"
LARGE = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(1 << 15))  # 1 MiB


def answer(stream, request):
    if request.path.endswith("/large"):
        return Backend.fixed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LARGE), LARGE))(stream, request)
    return Backend.echo(stream, request)


def setUpModule():
    global proxy, ports, admin, large, log
    log = AccessLog(os.path.join(directory(), "access.log"))
    backend = Backend(answer)
    ports = dict(zip(["http", "https"], free_ports(2)))
    admin, = free_ports(1)
    large = os.path.join(directory(), "large")
    with open(large, "wb") as file:
        file.write(LARGE)
    limits = {"thresholds": [{"max_requests": 4096, "max_pending_requests": 4096}]}
    routes = [to("all", prefix="/")]
    secure = listener("https", ports["https"], routes, log=log.path)
    secure["filter_chains"][0]["transport_socket"] = downstream([Authority().issue("server")])
    proxy = Nuncio(bootstrap([listener("http", ports["http"], routes, log=log.path), secure],
                             [backend.cluster("all", circuit_breakers=limits)],
                             admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


def run(*command):
    return subprocess.run(command, capture_output=True, timeout=120, check=True).stdout


class Clients(unittest.TestCase):

    def each(self, check):
        for scheme, port in ports.items():
            with self.subTest(scheme):
                check(scheme, f"{scheme}://127.0.0.1:{port}")

    def curl(self, *arguments):
        out = run("curl", "-sSk", "--max-time", "60", "-w", "\n%{http_version} %{http_code}", *arguments)
        body, _, said = out.rpartition(b"\n")
        return body, said.decode()

    def test_curl(self):
        def check(scheme, url):
            prior = ["--http2-prior-knowledge"] if scheme == "http" else ["--http2"]
            self.assertEqual(self.curl(*prior, url + "/x"), (b"/x", "2 200"))
            self.assertEqual(self.curl(*prior, url + "/large"), (LARGE, "2 200"))
            self.assertEqual(self.curl(*prior, "--data-binary", f"@{large}", url + "/up"), (LARGE, "2 200"))
            self.assertEqual(self.curl(*prior, "-I", url + "/x")[1], "2 200")
            self.assertEqual(self.curl("--http1.1", url + "/x"), (b"/x", "1.1 200"))
        self.each(check)

    def test_curl_that_would_upgrade_to_h2c_is_served_as_it_speaks(self):
        self.assertEqual(self.curl("--http2", f"http://127.0.0.1:{ports['http']}/x"), (b"/x", "1.1 200"))

    def test_curl_with_many_at_once(self):
        # Over plaintext this curl trips over itself, with any server.
        out = run("curl", "-sSk", "--parallel", "--parallel-max", "50", "--max-time", "60", "-w", "%{http_code}\n",
                  "--http2", "-o", "/dev/null", f"https://127.0.0.1:{ports['https']}/[1-200]")
        self.assertEqual(out.decode().split(), ["200"] * 200)

    def test_nghttp(self):
        def check(scheme, url):
            self.assertEqual(run("nghttp", "--no-verify-peer", url + "/a"), b"/a")
            self.assertEqual(run("nghttp", "--no-verify-peer", "-d", large, url + "/up"), LARGE)
            # Its tree of priorities, padding, a small window, a header table of no bytes.
            out = run("nghttp", "--no-verify-peer", "-a", "-b", "100", "-w", "14", "-W", "16", "-c", "0", "-m", "20",
                      url + "/m")
            self.assertEqual(out, b"/m" * 20)
        self.each(check)

    def test_h2load(self):
        def check(scheme, url):
            closed = stat(f"http.{scheme}.downstream_cx_protocol_error")
            for arguments in (["-n", "5000", "-c", "4", "-m", "100"], ["-n", "2000", "-c", "1", "-m", "1000"],
                              ["-n", "60", "-c", "2", "-m", "10", "-w", "12", "-W", "14"],
                              ["-n", "60", "-c", "2", "-m", "10", "-d", large]):
                path = "/large" if "-w" in arguments else "/small"
                out = run("h2load", *arguments, url + path).decode()
                number = arguments[1]
                failed = [line for line in log.lines() if line["code"] != 200]
                self.assertRegex(out, rf"{number} total, {number} started, {number} done, {number} succeeded, 0 failed",
                                 failed)
                self.assertRegex(out, rf"status codes: {number} 2xx, 0 3xx, 0 4xx, 0 5xx")
                self.assertRegex(out, "Application protocol: h2")
            self.assertEqual(stat(f"http.{scheme}.downstream_cx_protocol_error"), closed)
        self.each(check)


if __name__ == "__main__":
    unittest.main()

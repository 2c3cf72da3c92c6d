"""The same exchanges for every pairing of a client's protocol, a backend's protocol, and TLS or none on each side."""

import hashlib
import itertools
import os
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from harness import Nuncio, bootstrap, directory, free_ports, listener, to, cluster, wait_for  # noqa: E402
import peers  # noqa: E402

TLS_DOWN = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
TLS_UP = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
WIRES = ("plain", "tls")
PROTOCOLS = ("h1", "h2")
MIB = 1 << 20
SIZES = (0, 1, 100, 16 * 1024, 65535, 65536, MIB, 64 * MIB)
PIECE = 64 * 1024


def pattern(size):
    """`size` bytes in pieces, every piece different."""
    number = 0
    while size > 0:
        piece = (b"%015x\n" % number) * (PIECE // 16)
        yield piece[:size]
        size -= len(piece)
        number += 1


def digest(size):
    value = hashlib.sha256()
    for piece in pattern(size):
        value.update(piece)
    return value.hexdigest()


class Handlers:
    """What a backend does for a path /CLUSTER/NAME/ARGUMENT: `name(stream, argument)`."""

    def __call__(self, stream):
        _, _, name, argument = (stream.incoming.head.path + "/").split("/", 3)
        try:
            getattr(self, name)(stream, argument.rstrip("/"))
        except EOFError:
            pass

    @staticmethod
    def get(stream, argument):
        size = int(argument)
        stream.incoming.drain()
        length = [("content-length", str(size))]
        stream.send_head(200, None, length, end=size == 0)
        if size:
            for piece in pattern(size):
                stream.send(piece)
            stream.end()

    @staticmethod
    def unsized(stream, argument):
        stream.incoming.drain()
        stream.send_head(200, None, [], end=False)
        for piece in pattern(int(argument)):
            stream.send(piece)
        stream.end()

    @staticmethod
    def post(stream, argument):
        complete = stream.incoming.drain()
        text = f"{stream.incoming.received} {stream.incoming.digest.hexdigest()} {complete}".encode()
        stream.send_head(200, None, [("content-length", str(len(text)))], end=False)
        stream.send(text)
        stream.end()

    @staticmethod
    def echo(stream, argument):
        """Answers piece by piece while the request still comes."""
        stream.send_head(200, None, [], end=False)
        incoming = stream.incoming
        while incoming.wait(lambda: len(incoming.buffer) > 0, "more of the request"):
            with incoming.changed:
                data = bytes(incoming.buffer)
                incoming.buffer.clear()
            stream.send(data)
        stream.end()

    @staticmethod
    def trailers(stream, argument):
        stream.incoming.drain()
        got = ",".join(f"{name}={value}" for name, value in stream.incoming.trailers)
        stream.send_head(200, None, [("trailer", "x-sum")], end=False)
        stream.send(got.encode() or b"none")
        stream.end([("x-sum", "42"), ("x-more", "a b")])

    @staticmethod
    def bodiless(stream, argument):
        stream.incoming.drain()
        fields = [("content-length", "1234")] if stream.incoming.head.start == "HEAD" else []
        stream.send_head(int(argument), None, fields, end=True)

    @staticmethod
    def early(stream, argument):
        """Answers without reading the request."""
        stream.send_head(413, None, [("content-length", "5")], end=False)
        stream.send(b"large")
        stream.end()

    @staticmethod
    def expect(stream, argument):
        if argument == "refuse":
            stream.send_head(417, None, [("content-length", "0")], end=True)
            return
        stream.inform(100)
        Handlers.post(stream, argument)

    @staticmethod
    def hints(stream, argument):
        stream.incoming.drain()
        stream.inform(103, [("link", "</style.css>; rel=preload")])
        stream.inform(103, [("link", "</more.css>; rel=preload")])
        stream.send_head(200, None, [("content-length", "2")], end=False)
        stream.send(b"ok")
        stream.end()

    @staticmethod
    def reset_before(stream, argument):
        stream.incoming.drain()
        stream.reset()

    @staticmethod
    def reset_within(stream, argument):
        stream.incoming.drain()
        fields = [("content-length", "1000000")] if argument == "sized" else []
        stream.send_head(200, None, fields, end=False)
        stream.send(b"x" * 1000)
        Handlers.released.acquire(timeout=peers.PATIENCE)
        stream.reset()

    @staticmethod
    def endless(stream, argument):
        stream.send_head(200, None, [], end=False)
        stream.send(b"x" * 1000)
        stream.incoming.drain()

    @staticmethod
    def headers(stream, argument):
        stream.incoming.drain()
        body = "\n".join(f"{name.lower()}: {value}" for name, value in stream.incoming.head.fields).encode("latin-1")
        fields = [("content-length", str(len(body))), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-empty", "")]
        stream.send_head(200, None, fields, end=False)
        stream.send(body)
        stream.end()

    released = threading.Semaphore(0)


def make_certificate(folder):
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=pair.test", "-addext", "subjectAltName=DNS:pair.test",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return key, certificate


def setUpModule():
    global proxy, ports, backends, trust, clients
    folder = directory()
    key, certificate = make_certificate(folder)
    trust = certificate
    ports = dict(zip(WIRES, free_ports(len(WIRES))))
    backends, clusters, clients = {}, [], {}
    handlers = Handlers()
    for protocol, wire in itertools.product(PROTOCOLS, WIRES):
        context = None
        name = f"{protocol}_{wire}"
        options = {"http_protocol_options": {"enable_trailers": True}} if protocol == "h1" else \
            {"http2_protocol_options": {}}
        fields = {"typed_extension_protocol_options": {HTTP_OPTIONS: {
            "@type": "type.googleapis.com/" + HTTP_OPTIONS, "explicit_http_config": options}}}
        if wire == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            context.set_alpn_protocols([{"h1": "http/1.1", "h2": "h2"}[protocol]])
            fields["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": TLS_UP, "sni": "pair.test", "common_tls_context": {
                    "alpn_protocols": [{"h1": "http/1.1", "h2": "h2"}[protocol]],
                    "validation_context": {
                        "trusted_ca": {"filename": certificate},
                        "match_typed_subject_alt_names": [
                            {"san_type": "DNS", "matcher": {"exact": "pair.test"}}]}}}}
        backends[name] = peers.Server(protocol, handlers, context)
        clusters.append(cluster(name, [backends[name].port], **fields))
    routes = [{**to(name, prefix=f"/{name}/"), "route": {"cluster": name, "timeout": "0s"}} for name in backends]
    listeners = []
    for wire in WIRES:
        made = listener(wire, ports[wire], routes, http_protocol_options={"enable_trailers": True},
                        proxy_100_continue=True)
        if wire == "tls":
            made["filter_chains"][0]["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": TLS_DOWN, "common_tls_context": {
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_certificates": [{"certificate_chain": {"filename": certificate},
                                          "private_key": {"filename": key}}]}}}
        listeners.append(made)
    proxy = Nuncio(bootstrap(listeners, clusters))


def tearDownModule():
    proxy.stop()
    for backend in backends.values():
        backend.stop()


class Exchanges:
    """The list. `downstream` and `upstream` are (protocol, wire)."""

    downstream = upstream = None

    def setUp(self):
        self.connections = []
        self.backend = backends["_".join(self.upstream)]

    def tearDown(self):
        for connection in self.connections:
            connection.close()

    def connect(self):
        protocol, wire = self.downstream
        context = None
        if wire == "tls":
            context = ssl.create_default_context(cafile=trust)
            context.set_alpn_protocols([{"h1": "http/1.1", "h2": "h2"}[protocol]])
        self.connections.append(peers.connect(protocol, ports[wire], context))
        return self.connections[-1]

    def path(self, name, argument=""):
        return f"/{'_'.join(self.upstream)}/{name}/{argument}"

    def h1(self, side):
        return side[0] == "h1"

    def answer(self, stream, status=200):
        head = stream.incoming.wait_head()
        self.assertEqual(status, head.start)
        return stream.incoming.rest().decode("latin-1")

    def test_downloads_of_all_sizes(self):
        client = self.connect()
        for size in SIZES:
            with self.subTest(size=size):
                stream = client.open("GET", self.path("get", size))
                self.assertEqual(200, stream.incoming.wait_head().start)
                self.assertEqual(str(size), stream.incoming.head.get("content-length"))
                self.assertTrue(stream.incoming.drain())
                self.assertEqual((size, digest(size)), (stream.incoming.received, stream.incoming.digest.hexdigest()))

    def test_downloads_of_unknown_length(self):
        client = self.connect()
        for size in (0, 1, 70000, MIB):
            with self.subTest(size=size):
                stream = client.open("GET", self.path("unsized", size))
                self.assertTrue(stream.incoming.drain())
                self.assertEqual((size, digest(size)), (stream.incoming.received, stream.incoming.digest.hexdigest()))

    def test_uploads_of_all_sizes(self):
        client = self.connect()
        for size in SIZES:
            for sized in (True, False):
                with self.subTest(size=size, sized=sized):
                    fields = [("content-length", str(size))] if sized else []
                    stream = client.open("POST", self.path("post"), fields, end=False)
                    for piece in pattern(size):
                        stream.send(piece)
                    stream.end()
                    self.assertEqual(f"{size} {digest(size)} True", self.answer(stream))

    def test_both_directions_at_once(self):
        stream = self.connect().open("POST", self.path("echo"), end=False)
        for number in range(20):
            data = b"%07d\n" % number * 100
            stream.send(data)
            self.assertEqual(data, stream.incoming.read(len(data)), "an echo before the request is whole")
        stream.end()
        self.assertTrue(stream.incoming.drain())

    def test_both_directions_at_once_large(self):
        size = 8 * MIB
        stream = self.connect().open("POST", self.path("echo"), end=False)

        def send():
            for piece in pattern(size):
                stream.send(piece)
            stream.end()

        sender = threading.Thread(target=send)
        sender.start()
        self.assertTrue(stream.incoming.drain())
        sender.join()
        self.assertEqual((size, digest(size)), (stream.incoming.received, stream.incoming.digest.hexdigest()))

    def test_trailers(self):
        client = self.connect()
        fields = [("te", "trailers")]
        stream = client.open("POST", self.path("trailers"), fields, end=False)
        stream.send(b"body")
        stream.end([("x-check", "1"), ("x-last", "2")])
        self.assertEqual("x-check=1,x-last=2", self.answer(stream))
        self.assertEqual([("x-sum", "42"), ("x-more", "a b")], stream.incoming.trailers)
        stream = client.open("POST", self.path("trailers"), fields, end=False)
        stream.end([("x-check", "no body")])
        self.assertEqual("x-check=no body", self.answer(stream))

    def test_answers_without_a_body(self):
        client = self.connect()
        for method, status in (("GET", 204), ("GET", 304), ("HEAD", 200), ("HEAD", 404)):
            with self.subTest(method=method, status=status):
                stream = client.open(method, self.path("bodiless", status))
                self.assertEqual("", self.answer(stream, status))
                self.assertTrue(stream.incoming.complete)
                if method == "HEAD":
                    self.assertEqual("1234", stream.incoming.head.get("content-length"))

    def test_an_early_answer_is_delivered(self):
        stream = self.connect().open("POST", self.path("early"), [("content-length", str(32 * MIB))], end=False)
        stream.send(b"x" * 1000)
        self.assertEqual(413, stream.incoming.wait_head().start)
        self.assertEqual(b"large", stream.incoming.read(5))
        again = self.connect().open("GET", self.path("get", 5))
        self.assertTrue(again.incoming.drain())

    def test_an_early_answer_while_the_request_comes(self):
        stream = self.connect().open("POST", self.path("early"), [("content-length", str(32 * MIB))], end=False)
        sender = threading.Thread(target=lambda: [stream.send(piece) for piece in pattern(32 * MIB)], daemon=True)
        sender.start()
        self.assertEqual(413, stream.incoming.wait_head().start)
        self.assertEqual(b"large", stream.incoming.read(5))

    def test_expectations(self):
        client = self.connect()
        fields = [("expect", "100-continue"), ("content-length", "5")]
        stream = client.open("POST", self.path("expect"), fields, end=False)
        self.assertEqual(100, stream.incoming.wait_informational().start)
        stream.send(b"hello")
        stream.end()
        sha = hashlib.sha256(b"hello").hexdigest()
        self.assertEqual(f"5 {sha} True", self.answer(stream))

    def test_a_refused_expectation(self):
        fields = [("expect", "100-continue"), ("content-length", "5")]
        stream = self.connect().open("POST", self.path("expect", "refuse"), fields, end=False)
        self.assertEqual(417, stream.incoming.wait_head().start)
        self.assertEqual([], [head.start for head in stream.incoming.informational])

    def test_early_hints(self):
        stream = self.connect().open("GET", self.path("hints"))
        self.assertEqual("ok", self.answer(stream))
        self.assertEqual([(103, "</style.css>; rel=preload"), (103, "</more.css>; rel=preload")],
                         [(head.start, head.get("link")) for head in stream.incoming.informational])

    def test_a_backend_that_resets_before_its_answer(self):
        client = self.connect()
        stream = client.open("POST", self.path("reset_before"))
        self.assertIn("reset", self.answer(stream, 503))
        if not self.h1(self.downstream):
            again = client.open("GET", self.path("get", 5))
            self.assertTrue(again.incoming.drain())

    def test_a_backend_that_resets_within_its_answer(self):
        for argument in ("sized", "unsized"):
            with self.subTest(argument=argument):
                client = self.connect()
                stream = client.open("GET", self.path("reset_within", argument))
                stream.incoming.read(1000)
                Handlers.released.release()
                self.assertFalse(stream.incoming.drain(), "an answer that was cut looks whole")
                if not self.h1(self.downstream):
                    again = client.open("GET", self.path("get", 5))
                    self.assertTrue(again.incoming.drain())

    def test_a_client_that_resets(self):
        client = self.connect()
        path = self.path("endless", f"{id(self)}")
        stream = client.open("POST", path, end=False)
        stream.incoming.read(1000)
        stream.reset()
        at_backend = wait_for(lambda: self.backend.requests.get(path), "the request at the backend")
        self.assertFalse(at_backend.incoming.drain(), "a request that was cut looks whole")
        if not self.h1(self.downstream):
            again = client.open("GET", self.path("get", 5))
            self.assertTrue(again.incoming.drain())

    def test_headers_pass_unharmed(self):
        fields = [("x-one", "1"), ("x-one", "2"), ("cookie", "a=1; b=2"), ("x-text", "\xe4 b\tc"), ("accept", "*/*"),
                  ("x-long", "v" * 8000)]
        stream = self.connect().open("GET", self.path("headers"), fields)
        got = self.answer(stream).split("\n")
        for line in ("x-one: 1", "x-one: 2", "cookie: a=1; b=2", "accept: */*", "x-long: " + "v" * 8000,
                     "host: pair.test"):
            self.assertIn(line, got)
        self.assertEqual(["a=1", "b=2"], stream.incoming.head.all("set-cookie"))
        self.assertEqual([""], stream.incoming.head.all("x-empty"))

    def test_many_exchanges_at_once(self):
        shared = None if self.h1(self.downstream) else self.connect()
        streams = []
        for number in range(40):
            client = shared or self.connect()
            streams.append((client.open("GET", self.path("get", number * 5000)), number * 5000))
        for stream, size in streams:
            self.assertTrue(stream.incoming.drain())
            self.assertEqual((size, digest(size)), (stream.incoming.received, stream.incoming.digest.hexdigest()))


def add_pairings():
    """A test class for each pairing, so that each is named, run and reported by itself."""
    for down, up, down_wire, up_wire in itertools.product(PROTOCOLS, PROTOCOLS, WIRES, WIRES):
        name = f"{down}_{down_wire}_to_{up}_{up_wire}"
        globals()[name] = type(name, (Exchanges, unittest.TestCase),
                               {"downstream": (down, down_wire), "upstream": (up, up_wire)})


add_pairings()

if __name__ == "__main__":
    unittest.main()

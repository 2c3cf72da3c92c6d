"""TLS for the integration tests: certificates made by openssl as they are asked for, the messages that configure it,
curl, `openssl s_client` and `openssl s_server` as peers."""

import datetime
import os
import socket
import ssl
import subprocess

from harness import PATIENCE, Stream, directory, free_ports, wait_for

DOWNSTREAM = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"

KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}
CONFIG = "[req]\ndistinguished_name = dn\nprompt = no\nstring_mask = utf8only\n[dn]\nCN = unused\n"


def openssl(*arguments):
    """What it writes."""
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


class Certificate:
    """A certificate and its key in files."""

    def __init__(self, path):
        self.certificate, self.key = path + ".pem", path + ".key"
        self.ocsp = None

    def configured(self):
        fields = {"certificate_chain": {"filename": self.certificate}, "private_key": {"filename": self.key}}
        return {**fields, "ocsp_staple": {"filename": self.ocsp}} if self.ocsp else fields

    def ask(self, *arguments):
        """What `openssl x509` says of it."""
        return subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", *arguments], check=True,
                              capture_output=True, text=True).stdout.strip()


class Authority(Certificate):
    """A root of its own, and what it signs."""

    def __init__(self, name="Root"):
        self.directory = directory()
        super().__init__(os.path.join(self.directory, "ca"))
        with open(os.path.join(self.directory, "openssl.cnf"), "w", encoding="ascii") as file:
            file.write(CONFIG)
        self._make("ca", f"/CN={name}", "ec", ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,cRLSign"])

    def _make(self, name, subject, key, extensions, *arguments):
        made = Certificate(os.path.join(self.directory, name))
        command = ["openssl", "req", "-x509", "-config", os.path.join(self.directory, "openssl.cnf"), "-utf8",
                   "-newkey", *KEYS[key], "-nodes", "-keyout", made.key, "-out", made.certificate, "-days", "30",
                   "-subj", subject, *arguments]
        for each in extensions:
            command += ["-addext", each]
        subprocess.run(command, check=True, capture_output=True)
        return made

    def issue(self, name, sans=(), subject=None, key="ec", usage="serverAuth,clientAuth"):
        """`sans` as openssl writes them: "DNS:a.test"."""
        extensions = [f"extendedKeyUsage={usage}"]
        if sans:
            extensions.append("subjectAltName=" + ",".join(sans))
        return self._make(name, subject or f"/CN={name}", key, extensions, "-CA", self.certificate, "-CAkey", self.key)


    def staple(self, certificate):
        """Gives the certificate an OCSP response that says that it is good."""
        index, certificate.ocsp = certificate.certificate + ".index", certificate.certificate + ".ocsp"
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
        serial = certificate.ask("-serial").split("=")[1]
        with open(index, "w", encoding="ascii") as file:
            file.write(f"V\t{end:%y%m%d%H%M%SZ}\t\t{serial}\tunknown\t/CN=x\n")
        subprocess.run(
            ["openssl", "ocsp", "-index", index, "-CA", self.certificate, "-rsigner", self.certificate,
             "-rkey", self.key, "-issuer", self.certificate, "-cert", certificate.certificate,
             "-respout", certificate.ocsp, "-ndays", "7"],
            check=True, capture_output=True)


def downstream(certificates, common=None, alpn=("h2", "http/1.1"), **fields):
    """The transport socket of a filter chain."""
    context = {"tls_certificates": [each.configured() for each in certificates], "alpn_protocols": list(alpn)}
    return {"name": "envoy.transport_sockets.tls",
            "typed_config": {"@type": DOWNSTREAM, "common_tls_context": {**context, **(common or {})}, **fields}}


def upstream(common=None, **fields):
    """The transport socket of a cluster."""
    return {"name": "envoy.transport_sockets.tls",
            "typed_config": {"@type": UPSTREAM, "common_tls_context": common or {}, **fields}}


def trusting(authority, **fields):
    return {"validation_context": {"trusted_ca": {"filename": authority.certificate}, **fields}}


def inspector(**fields):
    return {"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": INSPECTOR, **fields}}


class Answer:
    """What curl got. `status` 0: none; then `error` says why."""

    def __init__(self, out, error):
        head, _, tail = out.rpartition("\n")
        status, self.version = tail.split(" ")
        self.status, self.body, self.error = int(status), head, error


def curl(port, path="/", *arguments, host="a.test", scheme="https"):
    run = subprocess.run(
        ["curl", "-sS", "-k", "--max-time", str(PATIENCE), "--connect-to", f"::127.0.0.1:{port}",
         "-w", "\n%{http_code} %{http_version}", *arguments, f"{scheme}://{host}{path}"],
        capture_output=True, text=True, check=False)
    return Answer(run.stdout, run.stderr)


def s_client(port, *arguments, send="", host="a.test"):
    """What `openssl s_client` writes on a connection that ends with the input."""
    name = ["-servername", host] if host else ["-noservername"]
    run = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *name, *arguments],
        input=send, capture_output=True, text=True, timeout=PATIENCE, check=False, errors="replace")
    return run.stdout + run.stderr


class Process:
    """A server of somebody else's, on a free port."""

    def __init__(self, port, *command):
        self.port = port
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(self.listens, command[0] + "'s start")

    def listens(self):
        assert self.process.poll() is None, "it ended"
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(15)


def s_server(certificate, *arguments):
    """Answers every request with a page about its connection."""
    port = free_ports(1)[0]
    return Process(port, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.certificate,
                   "-key", certificate.key, "-www", "-quiet", *arguments)


def server_context(certificate, alpn=()):
    """For Python's own TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def client_context(certificate=None, alpn=(), **attributes):
    """For Python's own TLS; takes any server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


class Dribble:
    """A client's TLS whose bytes the test sends itself."""

    def __init__(self, host="a.test", **context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context(**context).wrap_bio(self.incoming, self.outgoing, server_hostname=host)

    def step(self):
        """What the handshake wants to send next; empty when it is done."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()


def client_hello(host="a.test", **context):
    """The first flight of a client, whatever the bytes of the name."""
    stand_in = "x" * len(host)
    return Dribble(stand_in, **context).step().replace(stand_in.encode(), host.encode("latin-1"))


def connect(port, host="a.test", **context):
    """A harness Stream over TLS; the handshake is done."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    return Stream(client_context(**context).wrap_socket(sock, server_hostname=host))

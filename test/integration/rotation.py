"""What tests of certificates that change share: pairs, listeners that present them, traffic meanwhile."""

import json
import os
import socket
import ssl
import subprocess
import threading

import tls
from harness import PATIENCE, Client, Stream, listener, to

SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def issue(authority, name):
    return authority.issue(name, ["DNS:a.test", "IP:127.0.0.1"])


def expired(authority, name):
    """A certificate whose last day was yesterday."""
    made = issue(authority, name)
    made.certificate += ".old"
    request = tls.openssl("req", "-new", "-key", made.key, "-subj", "/CN=old")
    subprocess.run(["openssl", "x509", "-req", "-CA", authority.certificate, "-CAkey", authority.key, "-days", "-1",
                    "-out", made.certificate], input=request, check=True, capture_output=True)
    return made


def serial(pair):
    return pair.ask("-serial").split("=")[1]


def inline(pair):
    """As a TlsCertificate, the texts in it."""
    return {"certificate_chain": {"inline_string": read(pair.certificate)},
            "private_key": {"inline_string": read(pair.key)}}


class TlsClient(Client):
    """One connection to the proxy, which must present a certificate of `authority`: that of `serial`."""

    def __init__(self, port, authority):
        context = ssl.create_default_context(cafile=authority.certificate)
        plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock = context.wrap_socket(plain, server_hostname="a.test")
        except BaseException:
            plain.close()
            raise
        Stream.__init__(self, sock)
        self.serial = sock.getpeercert()["serialNumber"]


def serial_at(port, authority):
    """Of the certificate that is presented there now; None where no handshake succeeds."""
    try:
        with TlsClient(port, authority) as client:
            return client.serial
    except (OSError, EOFError):
        return None


def serial_without_own(port):
    """Of the certificate presented to a client that is turned away for having none."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=done.stdout, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    return shown.stdout.decode().strip().rpartition("=")[2]


def tls_listener(name, port, common, **fields):
    out = listener(name, port, [to("echo", prefix="/")])
    out["filter_chains"][0]["transport_socket"] = tls.downstream([], common, alpn=["http/1.1"], **fields)
    return out


def named(name, source=None):
    """An SdsSecretConfig."""
    return {"name": name, **({"sds_config": source} if source else {})}


def secret(name, pair):
    return {"@type": SECRET, "name": name, "tls_certificate": inline(pair)}


def put(path, text):
    """Whole or not at all, as those who replace files do."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def key_lines(*pairs):
    """What of their keys must never be seen."""
    return [line for pair in pairs for line in read(pair.key).splitlines() if len(line) > 40]


class Admin:
    """The admin interface of a running nuncio."""

    def __init__(self, port):
        self.port = port

    def config(self):
        return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}}}

    def get(self, path):
        with Client(self.port) as client:
            return client.get(path, "Connection: close\r\n").body.decode()

    def ready(self):
        """The status of /ready; None while there is nobody to ask."""
        try:
            with Client(self.port) as client:
                return client.get("/ready", "Connection: close\r\n").status
        except (OSError, EOFError):
            return None

    def stat(self, name):
        """Its number, None where there is no such statistic."""
        for line in self.get("/stats").splitlines():
            found, _, value = line.rpartition(": ")
            if found == name:
                return int(value)
        return None

    def certificates(self):
        return json.loads(self.get("/certs"))["certificates"]


class Traffic:
    """Requests on a connection that stays and on connections made anew, all the time, until stop()."""

    def __init__(self, port, authority):
        self.port, self.authority = port, authority
        self.failures = []
        self.serials = []
        self.exchanges = 0
        self.ended = threading.Event()
        self.steady = TlsClient(port, authority)
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self._stay, self._renew)]
        for thread in self.threads:
            thread.start()

    def _run(self, exchange):
        while not self.ended.is_set():
            try:
                exchange()
                self.exchanges += 1
            except Exception as failure:  # pylint: disable=broad-except
                self.failures.append(repr(failure))
                return

    def _ask(self, client):
        answer = client.get("/traffic")
        if (answer.status, answer.body) != (200, b"/traffic"):
            raise AssertionError(answer.raw)

    def _stay(self):
        self._run(lambda: self._ask(self.steady))

    def _renew(self):
        def once():
            with TlsClient(self.port, self.authority) as client:
                self._ask(client)
                if not self.serials or self.serials[-1] != client.serial:
                    self.serials.append(client.serial)
        self._run(once)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        self.steady.close()

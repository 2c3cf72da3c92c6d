"""What tests of forwarded connections share: listeners of tcp_proxy and their log, servers, and TLS whose directions
end one by one."""

import os
import socket
import ssl

from harness import AccessLog, Stream, directory, file_log, wait_for

TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
LOG_FIELDS = {
    "cluster": "%UPSTREAM_CLUSTER%",
    "flags": "%RESPONSE_FLAGS%",
    "sent": "%BYTES_SENT%",
    "received": "%BYTES_RECEIVED%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "sni": "%REQUESTED_SERVER_NAME%",
    "ja3": "%TLS_JA3_FINGERPRINT%",
    "end": "%CONNECTION_TERMINATION_DETAILS%",
    "why": "%UPSTREAM_TRANSPORT_FAILURE_REASON(ALLOW_WHITESPACES)%",
    "host": "%UPSTREAM_HOST%",
    "duration": "%DURATION%",
    "version": "%DOWNSTREAM_TLS_VERSION%",
    "subject": "%DOWNSTREAM_PEER_SUBJECT%",
    "upstream_version": "%UPSTREAM_TLS_VERSION%",
    "refused": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
}
MIB = 1 << 20
# Every listener's.
log = AccessLog(os.path.join(directory(), "access.log"))


class Server:
    """Accepts; what happens on a connection is the test's to say."""

    def __init__(self, certificate=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.certificate, certificate.key)

    def accept(self):
        self.listener.settimeout(15)
        sock, _ = self.listener.accept()
        sock.settimeout(15)
        return Stream(sock) if self.context is None else HalfTls(sock, self.context, server_side=True)


class HalfTls:
    """TLS whose directions end one by one, which Python's sockets cannot."""

    def __init__(self, sock, context, **arguments):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **arguments)
        self._until_done(self.tls.do_handshake)

    def _until_done(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                self._more()
            finally:
                self._flush()

    def _flush(self):
        self.sock.sendall(self.outgoing.read())

    def _more(self):
        data = self.sock.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        for at in range(0, len(data), 1 << 16):
            self.tls.write(data[at:at + (1 << 16)])
            self._flush()

    def some(self):
        """b"" at the peer's word that this is the end. A mere FIN is an error."""
        try:
            return self._until_done(lambda: self.tls.read(1 << 16))
        except ssl.SSLZeroReturnError:
            return b""

    def exactly(self, size):
        taken = b""
        while len(taken) < size:
            data = self.some()
            if not data:
                raise EOFError(taken)
            taken += data
        return taken

    def rest(self):
        return b"".join(iter(self.some, b""))

    def at_end(self):
        return self.some() == b""

    def end(self):
        """No more is sent; reading goes on."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def close(self):
        self.sock.close()


def tcp_filter(name, **fields):
    return {"name": "envoy.filters.network.tcp_proxy",
            "typed_config": {"@type": TCP_PROXY, "stat_prefix": name,
                             "access_log": [file_log(log.path, json_format={"listener": name, **LOG_FIELDS})],
                             **({} if "weighted_clusters" in fields else {"cluster": name}), **fields}}


def chain(name, match=None, before=(), **fields):
    return {"name": name, "filters": [*before, tcp_filter(name, **fields)],
            **({"filter_chain_match": match} if match else {})}


def tcp_listener(name, port, chains=None, listener_fields=None, **fields):
    return {"name": name, "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": chains or [chain(name, **fields)], **(listener_fields or {})}


def connect(port, receive_buffer=None):
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(15)
    sock.connect(("127.0.0.1", port))
    return Stream(sock)


def entry(listener, count=1):
    """The listener's log entries, once there are so many."""
    def lines():
        found = [line for line in log.lines() if line["listener"] == listener]
        return found if len(found) >= count else None
    return wait_for(lines, f"{count} entries of {listener}")


def stat(name, admin):
    """By the admin endpoint at that port."""
    with connect(admin) as client:
        client.send(f"GET /stats?filter=^{name}$ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = client.rest().decode().split("\r\n\r\n", 1)[1]
    for line in text.splitlines():
        if line.startswith(name + ": "):
            return int(line.split(": ")[1])
    return 0

"""What the integration tests share: the real binary on free ports of loopback, backends and clients on raw sockets.

Nothing here knows HTTP beyond cutting messages apart, so that tests see the exact bytes that the proxy wrote.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time

BINARY = os.environ["NUNCIO"]
# Bounds a wait for something that is to happen; far above what it takes.
PATIENCE = 15.0

HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
CONNECTIONS_MONITOR = (
    "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig")

LOG_FIELDS = {
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "agent": "%REQ(USER-AGENT)%",
    "code": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "host": "%UPSTREAM_HOST%",
    "sent": "%BYTES_SENT%",
    "received": "%BYTES_RECEIVED%",
}


held_ports = []


def free_ports(count):
    """Ports that nothing listens on. Each is held to the end by a socket that does not listen either, and whose options let
    servers bind it: a program beside this one that looks for a port gets another."""
    for _ in range(count):
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        held_ports.append(held)
    return [held.getsockname()[1] for held in held_ports[-count:]]


def wait_for(condition, what):
    """The first true value of condition()."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not happen in {PATIENCE} s: {what}")
        time.sleep(0.01)


class Stream:
    """A connected socket, read message by message."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def more(self):
        """False at the end; a reset counts as one."""
        try:
            data = self.sock.recv(65536)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise EOFError(self.buffer)
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def exactly(self, size):
        while len(self.buffer) < size:
            if not self.more():
                raise EOFError(self.buffer)
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def rest(self):
        """Everything up to the end of the connection."""
        while self.more():
            pass
        taken, self.buffer = self.buffer, b""
        return taken

    def at_end(self):
        """Whether the peer closes without another byte."""
        return not self.buffer and not self.more()

    def quiet(self, seconds):
        """Whether nothing comes, not even the end, for so long."""
        self.sock.settimeout(seconds)
        try:
            return not self.buffer and self.sock.recv(1, socket.MSG_PEEK) is None
        except socket.timeout:
            return not self.buffer
        finally:
            self.sock.settimeout(PATIENCE)

    def reset(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class Message:
    """A message head, and its body where one was read. `raw` is the head as it came."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode("latin-1").split("\r\n")
        self.start = lines[0]
        self.fields = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines[1:-2]]
        self.body = b""
        self.trailers = []

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def path(self):
        return self.start.split(" ")[1]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def names(self):
        return [name for name, _ in self.fields]


def read_chunked(stream, message):
    while True:
        size = int(stream.until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            break
        message.body += stream.exactly(size)
        assert stream.exactly(2) == b"\r\n"
    while (line := stream.until(b"\r\n")) != b"\r\n":
        message.trailers.append(tuple(line[:-2].decode("latin-1").split(": ", 1)))


def read_body(stream, message):
    if "chunked" in (message.get("transfer-encoding") or ""):
        read_chunked(stream, message)
    elif message.get("content-length"):
        message.body = stream.exactly(int(message.get("content-length")))
    return message.body


class Client(Stream):
    """One connection to the proxy."""

    def __init__(self, port, receive_buffer=None):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)

    def head(self):
        return Message(self.until(b"\r\n\r\n"))

    def answer(self, head_request=False):
        """The next final answer, whole. One without framing is read to the end of the connection."""
        message = self.head()
        if head_request or message.status in (204, 304) or message.status < 200:
            return message
        if message.get("content-length") is None and message.get("transfer-encoding") is None:
            message.body = self.rest()
        else:
            read_body(self, message)
        return message

    def get(self, path, fields="", method="GET"):
        """One exchange on this connection."""
        self.send(f"{method} {path} HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n")
        return self.answer(head_request=method == "HEAD")


def serve_each(listener, serve):
    """Has `serve(socket)` called for each connection, in a thread of its own, until the listener closes."""
    def accept():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(sock,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


class Backend:
    """A server whose answers a test scripts: `answer(stream, request)` is called with each request head, and sends what
    it likes; a false value closes the connection."""

    def __init__(self, answer=None, receive_buffer=None):
        self.listener = socket.socket()
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(("127.0.0.1", 0))
        # Clients may ask for a thousand streams at once.
        self.listener.listen(4096)
        self.port = self.listener.getsockname()[1]
        self.answer = answer or self.echo
        self.requests = []
        self.accepted = []
        self.open = []
        serve_each(self.listener, self._serve)

    @staticmethod
    def echo(stream, request):
        """The request's body, or its path where it has none."""
        body = read_body(stream, request) or request.path.encode()
        if request.method == "HEAD":
            body = b""
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return True

    @staticmethod
    def fixed(text):
        data = text.encode("latin-1") if isinstance(text, str) else text

        def answer(stream, request):
            read_body(stream, request)
            stream.send(data)
            return True

        return answer

    def _serve(self, sock):
        self.accepted.append(sock)
        stream = Stream(sock)
        sock.settimeout(None)
        self.open.append(stream)
        try:
            while True:
                request = Message(stream.until(b"\r\n\r\n"))
                self.requests.append(request)
                if not self.answer(stream, request):
                    break
        except (EOFError, OSError):
            pass
        finally:
            self.open.remove(stream)
            stream.close()

    @property
    def connections(self):
        return len(self.accepted)

    def last(self):
        return self.requests[-1]

    def clear(self):
        self.requests.clear()

    def cluster(self, name, **fields):
        return cluster(name, [self.port], **fields)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def cluster(name, ports, **fields):
    endpoints = [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
                 for port in ports]
    return {"name": name, "type": "STATIC", "connect_timeout": "2s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}, **fields}


def to(cluster_name, prefix=None, **route):
    """A route of all below /NAME to the cluster NAME."""
    return {"match": {"prefix": prefix or f"/{cluster_name}"}, "route": {"cluster": cluster_name, **route}}


def file_log(path, **log_format):
    return {"name": "envoy.access_loggers.file",
            "typed_config": {"@type": FILE_LOG, "path": path, "log_format": log_format}}


def listener(name, port, routes, log=None, virtual_host=None, listener_fields=None, **manager):
    config = {
        "@type": HCM, "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes,
                                            **(virtual_host or {})}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
        **manager,
    }
    if log is not None:
        config["access_log"] = [file_log(log, json_format=LOG_FIELDS)] + manager.get("access_log", [])
    return {"name": name, "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": [{"filters": [{"name": "hcm", "typed_config": config}]}], **(listener_fields or {})}


def bootstrap(listeners, clusters, **fields):
    return {"static_resources": {"listeners": listeners, "clusters": clusters}, **fields}


class AccessLog:
    """The JSON access log of a listener."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        try:
            with open(self.path, encoding="latin-1") as file:
                return [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def line(self, path):
        """The first line of a request of this path, once it is there."""
        return wait_for(lambda: next((line for line in self.lines() if line["path"] == path), None),
                        f"an access log line of {path}")


class Nuncio:
    """The running binary. One worker, so that the order of events is the tests' own. `wait`: until it serves."""

    def __init__(self, config, *arguments, descriptors=None, wait=True):
        self.directory = directory()
        self.config_path = os.path.join(self.directory, "bootstrap.json")
        with open(self.config_path, "w", encoding="ascii") as file:
            json.dump(config, file)
        self.log_path = os.path.join(self.directory, "nuncio.log")
        limit = None
        if descriptors is not None:
            limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "-c", self.config_path, "--concurrency", "1", "--file-flush-interval-msec", "10", *arguments],
                stderr=log, stdout=log, preexec_fn=limit)
        if not wait:
            return
        wait_for(lambda: b"are ready" in self.log() or self.process.poll() is not None, "nuncio's start")
        if self.process.poll() is not None:
            raise AssertionError(self.log().decode())

    def log(self):
        with open(self.log_path, "rb") as file:
            return file.read()

    def signal(self, number):
        self.process.send_signal(number)

    def exit_status(self):
        return self.process.wait(PATIENCE)

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """Ends it at once. A crash on the way, or one before, is a failure."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            time.sleep(0.05)
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            self.exit_status()
        assert self.process.returncode == 0, (self.process.returncode, self.log().decode())


def directory():
    return tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))

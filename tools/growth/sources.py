"""Where the proxy's configuration comes from: files, or a control plane."""
import socket
import struct
import threading

from wire import encode, fields, response

CLUSTER = "control"

DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
ACK, END_HEADERS = 1, 4
INITIAL_WINDOW_SIZE = 4
MOST = (1 << 31) - 1
# RFC 9113 6.5.2 and 6.9.2.
FRAME, FIRST_WINDOW = 16384, 65535
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# RFC 7541: ":status: 200" and "content-type", whose value is a literal.
HEAD = b"\x88\x0f\x10\x10application/grpc"


class Files:
    """A file with a DiscoveryResponse for each type."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return self.folder / f"{name}.pb"

    def put(self, name, type_name, version, resources):
        # Moved into its place, which is what the proxy waits for, from where the proxy does not look.
        made = self.folder / "made" / name
        made.parent.mkdir(exist_ok=True)
        made.write_bytes(response(type_name, version, resources))
        made.rename(self.path(name))

    def config_source(self, name):
        """An envoy.config.core.v3.ConfigSource."""
        return {8: {1: str(self.path(name))}}

    def bootstrap(self):
        def source(name):
            return {"path_config_source": {"path": str(self.path(name))}, "resource_api_version": "V3"}
        return {"dynamic_resources": {"lds_config": source("listeners"), "cds_config": source("clusters")}}

    def complaints(self):
        return ""

    def stop(self):
        pass


class ControlPlane:
    """One aggregated stream, state of the world: all resources of a type in each answer, whatever the names."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        # By type URL: the answer, with its nonce.
        self.answers = {}
        # By type URL: the names asked for last.
        self.asked = {}
        self.refusals = []
        self.nonce = 0
        # Type URLs whose answers are to be sent; None: no more.
        self.due = []
        self.sock, self.stream = None, 0
        self.windows = {0: FIRST_WINDOW}
        self.first_window = FIRST_WINDOW
        self.changed = threading.Condition()
        self.writing = threading.Lock()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.receive, self.send)]
        for thread in self.threads:
            thread.start()

    def put(self, _name, type_name, version, resources):
        with self.changed:
            self.nonce += 1
            answer = response(type_name, version, resources) + encode({5: str(self.nonce)})
            url = f"type.googleapis.com/{type_name}"
            self.answers[url] = answer
            if url in self.asked:
                self.due.append(url)
                self.changed.notify_all()

    def config_source(self, _name):
        return {3: {}, 6: 2}

    def bootstrap(self):
        address = {"socket_address": {"address": "127.0.0.1", "port_value": self.listener.getsockname()[1]}}
        http2 = {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                 "explicit_http_config": {"http2_protocol_options": {}}}
        cluster = {"name": CLUSTER, "connect_timeout": "5s",
                   "typed_extension_protocol_options": {
                       "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
                   "load_assignment": {"cluster_name": CLUSTER, "endpoints": [
                       {"lb_endpoints": [{"endpoint": {"address": address}}]}]}}
        source = {"ads": {}, "resource_api_version": "V3"}
        return {"static_resources": {"clusters": [cluster]},
                "dynamic_resources": {
                    "ads_config": {"api_type": "GRPC", "transport_api_version": "V3",
                                   "grpc_services": [{"envoy_grpc": {"cluster_name": CLUSTER}}]},
                    "lds_config": source, "cds_config": source}}

    def complaints(self):
        return "\n".join(self.refusals)

    def stop(self):
        """When the proxy has ended."""
        with self.changed:
            self.due = None
            self.changed.notify_all()
        self.listener.close()
        if self.sock:
            self.sock.close()

    # Receiving.

    def receive(self):
        try:
            self.sock, _ = self.listener.accept()
            self.take(len(PREFACE))
            self.frame(SETTINGS, 0, 0, struct.pack("!HI", INITIAL_WINDOW_SIZE, MOST))
            self.frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", MOST - FIRST_WINDOW))
            messages = b""
            while True:
                high, low, kind, flags, stream = struct.unpack("!HBBBI", self.take(9))
                payload = self.take(high << 8 | low)
                if kind == DATA:
                    messages = self.requests(messages + payload)
                else:
                    self.on_frame(kind, flags, stream, payload)
        except OSError:
            pass

    def take(self, size):
        out = bytearray()
        while len(out) < size:
            data = self.sock.recv(size - len(out))
            if not data:
                raise ConnectionError("the proxy closed the connection")
            out += data
        return bytes(out)

    def on_frame(self, kind, flags, stream, payload):
        if kind == HEADERS:
            self.frame(HEADERS, END_HEADERS, stream, HEAD)
            with self.changed:
                self.windows[stream] = self.first_window
                self.stream = stream
                self.changed.notify_all()
        elif kind == PING and not flags & ACK:
            self.frame(PING, ACK, 0, payload)
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                identifier, value = struct.unpack_from("!HI", payload, at)
                if identifier == INITIAL_WINDOW_SIZE:
                    # RFC 9113 6.9.2
                    if self.stream:
                        self.widen(self.stream, value - self.first_window)
                    self.first_window = value
            self.frame(SETTINGS, ACK, 0, b"")
        elif kind == WINDOW_UPDATE:
            self.widen(stream, struct.unpack("!I", payload)[0])

    def widen(self, stream, by):
        with self.changed:
            if stream in self.windows:
                self.windows[stream] += by
            self.changed.notify_all()

    def requests(self, data):
        """Takes whole messages; the rest."""
        while len(data) >= 5 and len(data) >= 5 + int.from_bytes(data[1:5], "big"):
            end = 5 + int.from_bytes(data[1:5], "big")
            self.request(fields(data[5:end]))
            data = data[end:]
        return data

    def request(self, message):
        url = message[4][0].decode()
        names = message.get(3, [])
        with self.changed:
            if 6 in message:
                self.refusals.append(f"the proxy refuses {url}: {message[6][0]!r}")
            if self.asked.get(url) == names and 5 in message:
                return
            self.asked[url] = names
            self.due.append(url)
            self.changed.notify_all()

    # Sending.

    def send(self):
        try:
            while (url := self.next_due()) is not None:
                answer = self.answers[url]
                data = b"\0" + struct.pack("!I", len(answer)) + answer
                while data:
                    size = self.room(len(data))
                    self.frame(DATA, 0, self.stream, data[:size])
                    data = data[size:]
        except OSError:
            pass

    def next_due(self):
        with self.changed:
            self.changed.wait_for(lambda: self.due is None or (self.due and self.stream))
            return self.due.pop(0) if self.due else None

    def room(self, wanted):
        """Of both windows and a frame."""
        with self.changed:
            self.changed.wait_for(lambda: self.due is None or min(self.windows[0], self.windows[self.stream]) > 0)
            if self.due is None:
                raise ConnectionError("stopped")
            size = min(wanted, FRAME, self.windows[0], self.windows[self.stream])
            self.windows[0] -= size
            self.windows[self.stream] -= size
            return size

    def frame(self, kind, flags, stream, payload):
        with self.writing:
            self.sock.sendall(struct.pack("!HBBBI", len(payload) >> 8, len(payload) & 255, kind, flags, stream)
                              + payload)

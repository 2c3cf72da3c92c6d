"""A socket, plain or TLS, driven by one thread of its own: TLS objects do not bear two threads at once."""

import collections
import select
import socket
import ssl
import threading


class Wire:
    """`on_bytes(data)` and, once, `on_end(clean)` are called on the wire's thread. `clean`: the peer sent FIN, not
    RST."""

    def __init__(self, sock, context=None, server_side=False, hostname=None):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock.settimeout(15)
            sock = context.wrap_socket(sock, server_side=server_side, server_hostname=hostname,
                                       suppress_ragged_eofs=True)
        self.alpn = sock.selected_alpn_protocol() if context is not None else None
        self.sock = sock
        self.sock.setblocking(False)
        self.out = collections.deque()
        self.lock = threading.Lock()
        self.wake_read, self.wake_write = socket.socketpair()
        self.wake_read.setblocking(False)
        self.wake_write.setblocking(False)
        self.ending = None  # "fin", "close", "reset": after what is queued was sent; reset at once.
        self.over = False

    def start(self, on_bytes, on_end):
        self.on_bytes, self.on_end = on_bytes, on_end
        threading.Thread(target=self._run, daemon=True).start()

    def send(self, data):
        if data:
            with self.lock:
                self.out.append(memoryview(bytes(data)))
            self._wake()

    def end(self, how):
        self.ending = how
        self._wake()

    def queued(self):
        with self.lock:
            return sum(len(part) for part in self.out)

    def _wake(self):
        try:
            self.wake_write.send(b"x")
        except (BlockingIOError, OSError):
            pass

    def _run(self):
        clean = False
        try:
            clean = self._loop()
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.over = True
            self.sock.close()
            self.wake_read.close()
            self.on_end(clean)

    def _loop(self):
        fin_sent = False
        while True:
            if self.ending == "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                return False
            with self.lock:
                pending = bool(self.out)
            if not pending and self.ending == "close":
                return True
            if not pending and self.ending == "fin" and not fin_sent:
                fin_sent = True
                self.sock.shutdown(socket.SHUT_WR)
            buffered = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
            readable, writable, _ = select.select([self.sock, self.wake_read], [self.sock] if pending else [], [],
                                                  0 if buffered else 30)
            if self.wake_read in readable:
                self.wake_read.recv(4096)
            if pending and (writable or buffered):
                self._write()
            if (self.sock in readable or buffered) and not self._read():
                return True

    def _write(self):
        with self.lock:
            while self.out:
                try:
                    sent = self.sock.send(self.out[0])
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    return
                if sent < len(self.out[0]):
                    self.out[0] = self.out[0][sent:]
                else:
                    self.out.popleft()

    def _read(self):
        try:
            data = self.sock.recv(262144)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        if not data:
            return False
        self.on_bytes(data)
        return True

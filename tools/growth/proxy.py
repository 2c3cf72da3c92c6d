"""The proxy under measurement, and what its processor time and memory are."""
import json
import os
import resource
import select
import socket
import ssl
import subprocess
import time

PATIENCE = 120.0
# A change has had its effect when no thread ran for so long after one did; with a state directory, which is written
# 200 ms after it.
QUIET, QUIET_SAVING = 0.1, 0.4

# That this process may run on before it keeps itself to one of them.
PROCESSORS = sorted(os.sched_getaffinity(0))

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def open_files():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port():
    with socket.create_server(("", 0)) as sock:
        return sock.getsockname()[1]


def on_processor(number):
    """Keeps the caller to one of the processors, as far as there are several."""
    os.sched_setaffinity(0, {PROCESSORS[number % len(PROCESSORS)]})


class Backend:
    """A process that answers every request the same."""

    def __init__(self):
        listener = socket.create_server(("", 0), backlog=1024)
        self.port = listener.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            on_processor(0)
            try:
                self.serve(listener)
            finally:
                os._exit(0)
        listener.close()

    @staticmethod
    def serve(listener):
        poll = select.epoll()
        poll.register(listener, select.EPOLLIN)
        connections = {}
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == listener.fileno():
                    sock, _ = listener.accept()
                    connections[sock.fileno()] = sock
                    poll.register(sock, select.EPOLLIN)
                    continue
                try:
                    data = connections[descriptor].recv(65536)
                except ConnectionError:
                    data = b""
                if data:
                    connections[descriptor].sendall(ANSWER * data.count(b"\r\n\r\n"))
                else:
                    connections.pop(descriptor).close()

    def stop(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


class Client:
    """Keep-alive connections, so many for each request that is to be made; all send, then all read."""

    def __init__(self, requests, connections):
        self.pairs = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for i in range(connections):
            target, host, path, headers, server_name = requests[i % len(requests)]
            sock = socket.create_connection(target, timeout=PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if server_name:
                sock = context.wrap_socket(sock, server_hostname=server_name)
            self.pairs.append((sock, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()))

    def round(self):
        for sock, request in self.pairs:
            sock.sendall(request)
        for sock, _ in self.pairs:
            answer = b""
            while not answer.endswith(b"\r\n\r\nok"):
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError(f"the proxy closed the connection after {answer!r}")
                answer += data
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ValueError(f"an answer other than 200: {answer!r}")

    def close(self):
        for sock, _ in self.pairs:
            sock.close()


def bootstrap(source, admin_port):
    return {
        "node": {"id": "growth", "cluster": "growth"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin_port}}},
        # So that no change that is measured falls together with one.
        "stats_flush_interval": "299s",
        **source.bootstrap(),
    }


class Proxy:
    """From start to end of one process with two workers; its files are in `folder`."""

    def __init__(self, binary, kind, folder, saving):
        for name in kind.all():
            kind.put(name)
        port = free_port()
        config = folder / "bootstrap.json"
        config.write_text(json.dumps(bootstrap(kind.source, port)))
        self.log = folder / "log"
        log = open(self.log, "wb")
        self.quiet = QUIET_SAVING if saving else QUIET
        began = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "-c", str(config), "--concurrency", "2", "-l", "warning",
             *(["--state-dir", str(folder / "state")] if saving else [])], stdout=log, stderr=log,
            preexec_fn=lambda: (open_files(), on_processor(0)))
        while not self.ready(port):
            if self.process.poll() is not None or time.monotonic() - began > PATIENCE:
                self.stop()
                raise RuntimeError(f"the proxy did not start; its log says:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.001)
        self.start_seconds = time.monotonic() - began

    @staticmethod
    def ready(port):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
                sock.sendall(b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return sock.recv(64).startswith(b"HTTP/1.1 200")
        except ConnectionError:
            return False

    def times(self):
        """Nanoseconds on a processor, by what the threads do."""
        out = {"main": 0, "config": 0, "workers": 0, "other": 0}
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            try:
                with open(f"{tasks}/{task}/schedstat") as stat, open(f"{tasks}/{task}/comm") as comm:
                    spent, name = int(stat.read().split()[0]), comm.read().strip()
            except OSError:
                continue
            role = "main" if int(task) == self.process.pid else "config" if name == "config" else \
                "workers" if name.startswith("worker") else "other"
            out[role] += spent
        return out

    def settle(self, before=None):
        """Waits until the threads have nothing to do, and, with the times `before`, have done something since; the
        times."""
        end = time.monotonic() + PATIENCE
        last, since = self.times(), time.monotonic()
        while time.monotonic() < end:
            time.sleep(self.quiet / 10)
            now = self.times()
            if now != last:
                last, since = now, time.monotonic()
            elif (before is None or now != before) and time.monotonic() - since > self.quiet:
                return now
        raise RuntimeError("the proxy is never idle")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def change(self, kind):
        """Processor times of one change of one item, by thread."""
        before = self.settle()
        kind.version += 1
        kind.put(kind.changed)
        after = self.settle(before)
        return {role: after[role] - before[role] for role in after}

    def request_seconds(self, kind, rounds):
        """Processor time of the workers per request; the least of three times, since all that disturbs adds."""
        on_processor(0)
        client = Client(kind.requests(), connections=20)
        for _ in range(10):
            client.round()
        least = None
        for _ in range(3):
            before = self.times()["workers"]
            for _ in range(rounds):
                client.round()
            spent = (self.times()["workers"] - before) / (rounds * len(client.pairs)) / 1e9
            least = spent if least is None else min(least, spent)
        client.close()
        on_processor(1)
        return least

    def complaints(self):
        return self.log.read_text()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

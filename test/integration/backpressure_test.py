"""Memory stays bounded by the buffer limits, whoever does not read. MIB in the environment offers more than the usual
200."""

import os
import threading
import unittest

from harness import Backend, Client, Nuncio, bootstrap, free_ports, listener, to, wait_for

MIB = int(os.environ.get("MIB", "200"))
LIMIT = 256 * 1024
CHUNK = b"z" * (256 * 1024)
# What a few connections with full buffers may add to the resident memory.
ALLOWED_KIB = 16 * 1024


def setUpModule():
    global proxy, backend, port
    backend = Backend()
    port, = free_ports(1)
    body = {"inline_string": "d" * 4000}
    routes = [{"match": {"path": "/direct"}, "direct_response": {"status": 200, "body": body}},
              to("big", prefix="/", timeout="0s")]
    limit = {"per_connection_buffer_limit_bytes": LIMIT}
    proxy = Nuncio(bootstrap([listener("main", port, routes, listener_fields=limit)],
                             [backend.cluster("big", **limit)]))


def tearDownModule():
    proxy.stop()


class Backpressure(unittest.TestCase):

    def setUp(self):
        backend.answer = Backend.echo
        with Client(port) as client:
            client.get("/warm")
        self.before = proxy.resident_kib()
        self.peak = 0

    def sample(self):
        self.peak = max(self.peak, proxy.resident_kib())

    def bounded(self):
        self.sample()
        self.assertLess(self.peak - self.before, ALLOWED_KIB)

    def stalled(self, counter):
        """Waits until nothing more is taken: the same count five times in a row."""
        seen = []

        def same():
            self.sample()
            seen.append(counter())
            return len(seen) > 20 and len(set(seen[-20:])) == 1 and seen[-1] > 0

        wait_for(same, "the stall")

    def test_a_client_that_does_not_read(self):
        sent = [0]

        def answer(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MIB << 20))
            while sent[0] < MIB << 20:
                stream.send(CHUNK)
                sent[0] += len(CHUNK)
            return True

        backend.answer = answer
        with Client(port) as client:
            client.send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
            self.stalled(lambda: sent[0])
            self.assertLess(sent[0], MIB << 19)
            client.head()
            left = (MIB << 20) - len(client.buffer)
            client.buffer = b""
            while left > 0:
                left -= len(client.sock.recv(1 << 20))
                self.sample() if left % 64 == 0 else None
            self.assertEqual(left, 0)
        self.bounded()

    def test_a_server_that_does_not_read(self):
        read = threading.Event()

        def answer(stream, request):
            read.wait(60)
            left = MIB << 20
            left -= len(stream.buffer)
            stream.buffer = b""
            while left > 0:
                left -= len(stream.sock.recv(1 << 20))
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(str(left)), left))
            return True

        backend.answer = answer
        sent = [0]
        with Client(port) as client:
            client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MIB << 20))

            def upload():
                while sent[0] < MIB << 20:
                    client.send(CHUNK)
                    sent[0] += len(CHUNK)

            thread = threading.Thread(target=upload)
            thread.start()
            self.stalled(lambda: sent[0])
            self.assertLess(sent[0], MIB << 19)
            read.set()
            self.assertEqual(client.answer().body, b"0")
            thread.join()
        self.bounded()

    def pipeline(self, path, size, count):
        """Sends `count` requests without reading one answer, then reads them all."""
        sent = [0]
        request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        with Client(port) as client:

            def send():
                for _ in range(count // 100):
                    client.send(request * 100)
                    sent[0] += 100

            thread = threading.Thread(target=send)
            thread.start()
            self.stalled(lambda: sent[0])
            self.bounded()
            for _ in range(count):
                answer = client.answer()
                self.assertEqual((answer.status, len(answer.body)), (200, size))
            thread.join()

    def test_a_client_that_sends_ahead_and_reads_no_answer(self):
        body = b"p" * 100_000
        backend.answer = Backend.fixed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        self.pipeline("/pipelined", len(body), 1000)

    def test_the_same_with_answers_of_the_proxys_own(self):
        self.pipeline("/direct", 4000, 20_000)


if __name__ == "__main__":
    unittest.main()

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
    global proxy, backend, port, narrow, admin
    backend = Backend()
    port, narrow, admin = free_ports(3)
    body = {"inline_string": "d" * 4000}
    routes = [{"match": {"path": "/direct"}, "direct_response": {"status": 200, "body": body}},
              to("big", prefix="/", timeout="0s")]
    limit = {"per_connection_buffer_limit_bytes": LIMIT}
    # SO_SNDBUF: the kernel takes little, and frees room in small steps.
    small = {"socket_options": [{"level": 1, "name": 7, "int_value": 65536}]}
    proxy = Nuncio(bootstrap([listener("main", port, routes, listener_fields=limit),
                              listener("narrow", narrow, routes, listener_fields={**limit, **small})],
                             [backend.cluster("big", **limit)],
                             admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1])


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

    def stalled(self, counter, least=1):
        """Waits until nothing more is taken: the same count, `least` or more, 20 times in a row."""
        seen = []

        def same():
            self.sample()
            seen.append(counter())
            return len(seen) > 20 and len(set(seen[-20:])) == 1 and seen[-1] >= least

        wait_for(same, "the stall")

    def answer_at_length(self):
        """The backend answers with MIB MiB. A list of how much it has sent."""
        sent = [0]

        def answer(stream, request):
            stream.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MIB << 20))
            while sent[0] < MIB << 20:
                stream.send(CHUNK)
                sent[0] += len(CHUNK)
            return True

        backend.answer = answer
        return sent

    def test_a_client_that_does_not_read(self):
        sent = self.answer_at_length()
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

    def test_a_large_answer_behind_small_ones_that_filled_the_buffer(self):
        """It is asked for when less waits than the limit, and more than where the hosts may go on."""
        high = "http.narrow.downstream_flow_control_paused_reading_total"
        low = "http.narrow.downstream_flow_control_resumed_reading_total"
        sent = self.answer_at_length()
        done = stat("http.narrow.downstream_rq_completed")
        with Client(narrow, receive_buffer=8192) as client:
            small = 0
            while stat(high) == 0:
                client.send("GET /direct HTTP/1.1\r\nHost: a\r\n\r\n")
                small += 1
                wait_for(lambda: stat("http.narrow.downstream_rq_completed") == done + small, "the answer")
            # So much that the kernel takes more than one answer, and less than half the limit.
            while len(client.buffer) < LIMIT // 3:
                client.buffer += client.sock.recv(4096)
            self.assertEqual(stat(low), 0)
            client.send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
            self.stalled(lambda: sent[0], least=0)
            self.assertLess(sent[0], MIB << 19)
            self.bounded()
            for _ in range(small):
                self.assertEqual(len(client.answer().body), 4000)
            client.head()
            left = (MIB << 20) - len(client.buffer)
            client.buffer = b""
            while left > 0:
                left -= len(client.sock.recv(1 << 20))
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

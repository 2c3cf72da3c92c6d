"""What a client can do over HTTP/2 that costs it little, against the real binary: each ends the connection that does
it, is counted once, and leaves the others, their streams and the process's memory alone."""

import os
import struct
import threading
import time
import unittest

import http2
from harness import Backend, Client, Nuncio, bootstrap, free_ports, listener, to, wait_for
from http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, INITIAL_WINDOW_SIZE, PADDED,
                   PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, encode)

FLOW_CONTROL_ERROR = 3
# By how much the process may grow while one client floods it; what a connection may hold is far less.
GROWTH_KIB = 48 << 10
# What a peer that never reads can send before the kernel's buffers are full of answers, and more.
ENOUGH = 64 << 20
FILLER = b"z" * 65536


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def request(path="/quick", method="GET", fields=()):
    return encode([(":method", method), (":scheme", "http"), (":path", path), (":authority", "a.test"), *fields])


def head(stream, end=True, **options):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, request(**options))


def post(stream, **options):
    return head(stream, end=False, method="POST", path="/hold", **options)


def hold(stream, request):
    """No answer, until the proxy gives the request up."""
    while stream.more():
        stream.buffer = b""
    return False


def pour(stream, request):
    """An endless answer; `poured` counts what was taken of it."""
    stream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    try:
        while True:
            poured[0] += stream.sock.send(FILLER)
    except OSError:
        return False


def stall(stream, request):
    """Not a byte of the body is read."""
    end_of_tests.wait()
    return False


def setUpModule():
    global proxy, backend, holding, port, slow, admin, poured, end_of_tests
    poured, end_of_tests = [0], threading.Event()
    backend, holding, pouring, stalling = Backend(), Backend(hold), Backend(pour), Backend(stall, receive_buffer=4096)
    port, slow, admin = free_ports(3)
    routes = [to("quick"), to("hold"), to("pour"), to("stall")]
    limits = [{"priority": "DEFAULT", "max_connections": 4096, "max_requests": 4096, "max_pending_requests": 4096}]
    clusters = [each.cluster(name, circuit_breakers={"thresholds": limits}, per_connection_buffer_limit_bytes=32768)
                for name, each in (("quick", backend), ("hold", holding), ("pour", pouring), ("stall", stalling))]
    common = {"listener_fields": {"per_connection_buffer_limit_bytes": 65536},
              "http2_protocol_options": {"initial_stream_window_size": 1 << 20}}
    # AddressSanitizer keeps what was freed, and that would count as growth.
    os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=4")
    proxy = Nuncio(bootstrap(
        [listener("main", port, routes, **common),
         listener("slow", slow, routes, stream_idle_timeout="0.4s", request_headers_timeout="0.3s",
                  delayed_close_timeout="0.2s", common_http_protocol_options={"idle_timeout": "1s"}, **common)],
        clusters, admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    end_of_tests.set()
    proxy.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


class FloodTest(unittest.TestCase):
    """Around each test: another client with a stream under way, whose connection must serve on; and the memory."""

    def setUp(self):
        self.other = http2.Http2Client(port)
        self.under_way = self.other.begin(self.other.request("/quick/slowly", "POST"), end=False)
        self.other.data(self.under_way, b"begun ")
        self.assertEqual(self.other.get("/quick/before").status, 200)
        self.before = proxy.resident_kib()

    def tearDown(self):
        self.undisturbed()
        self.other.data(self.under_way, b"and ended", end=True)
        self.assertEqual(self.other.finish(self.under_way).body, b"begun and ended")
        self.other.close()
        with Client(port) as client:
            self.assertEqual(client.get("/quick/after").status, 200)
        self.assertLess(proxy.resident_kib() - self.before, GROWTH_KIB)

    def undisturbed(self):
        self.assertEqual(self.other.get("/quick/meanwhile").body, b"/quick/meanwhile")

    def flood(self, pieces, begin=b""):
        """Sends all of the pieces, or as many as the proxy takes; then reads to the connection's end."""
        client = http2.Http2Client(port)
        client.wait(lambda: client.settings)
        client.stream.send(begin)
        try:
            for i, piece in enumerate(pieces):
                client.stream.send(piece)
                if i % 64 == 32:
                    self.undisturbed()
        except ConnectionError:
            pass
        while client.read_frame():
            pass
        client.close()
        return client

    def ends(self, counter, pieces, begin=b"", code=ENHANCE_YOUR_CALM):
        before, faults = stat(counter), stat("http.main.downstream_cx_protocol_error")
        client = self.flood(pieces, begin)
        self.assertEqual([each for _, each in client.goaways], [code])
        self.assertEqual(stat(counter), before + 1)
        self.assertEqual(stat("http.main.downstream_cx_protocol_error"), faults + 1)
        return client


PREMATURE = "http.main.downstream_rq_too_many_premature_resets"


class Resets(FloodTest):
    """CVE-2023-44487, and CVE-2025-8671, where the client has the proxy do the resetting. 500 are let pass."""

    def setUp(self):
        super().setUp()
        holding.clear()

    def numbered(self, make, count=2000):
        for first in range(0, count, 20):
            yield b"".join(make(2 * i + 1) for i in range(first, first + 20))

    def resets(self, make, at_most=501):
        resets = stat("http2.tx_reset") + stat("http2.rx_reset")
        self.ends(PREMATURE, self.numbered(make))
        resets = stat("http2.tx_reset") + stat("http2.rx_reset") - resets
        self.assertGreaterEqual(resets, 500)
        self.assertLessEqual(resets, at_most)
        self.assertLessEqual(len(holding.requests), at_most)
        wait_for(lambda: stat("http.main.downstream_rq_active") == 1 and stat("cluster.hold.upstream_rq_active") == 0,
                 "the end of what was reset")

    def test_rapid_reset(self):
        before = stat("http2.rx_reset")
        self.resets(lambda stream: head(stream, path="/hold") + frame(RST_STREAM, 0, stream, bytes(4)))
        self.assertEqual(stat("http2.rx_reset"), before + 501)

    def test_rapid_reset_in_one_write(self):
        self.ends(PREMATURE, [b"".join(head(i, path="/hold") + frame(RST_STREAM, 0, i, bytes(4))
                                       for i in range(1, 20000, 2))])
        self.assertLessEqual(len(holding.requests), 501)

    def test_by_no_increment(self):
        self.resets(lambda stream: post(stream) + frame(WINDOW_UPDATE, 0, stream, bytes(4)))

    def test_by_a_priority_of_the_wrong_size(self):
        self.resets(lambda stream: post(stream) + frame(PRIORITY, 0, stream, bytes(4)))

    def test_by_a_priority_that_depends_on_itself(self):
        self.resets(lambda stream: post(stream) + frame(PRIORITY, 0, stream, struct.pack(">IB", stream, 0)))

    def test_by_data_after_the_end(self):
        self.resets(lambda stream: head(stream, path="/hold") + frame(DATA, 0, stream, b"x"))

    def test_by_more_than_the_length(self):
        self.resets(lambda stream: post(stream, fields=[("content-length", "1")]) + frame(DATA, 0, stream, b"xy"))

    def test_by_less_than_the_length(self):
        self.resets(lambda stream: post(stream, fields=[("content-length", "3")])
                    + frame(DATA, END_STREAM, stream, b"xy"))

    def test_by_trailers_that_end_nothing(self):
        self.resets(lambda stream: post(stream) + frame(HEADERS, END_HEADERS, stream, encode([("x", "y")])))

    def test_by_trailers_beyond_the_limit(self):
        trailers = encode([(f"x{i}", "y") for i in range(101)])
        self.resets(lambda stream: post(stream) + frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers))

    def test_by_malformed_heads(self):
        for fields in ([("Upper", "x")], [("connection", "x")], [("", "")]):
            with self.subTest(fields):
                self.resets(lambda stream: head(stream, path="/hold/malformed", fields=fields))
        self.assertEqual([request.raw for request in holding.requests if "malformed" in request.path], [])

    def test_by_an_overflowing_window(self):
        # Counted when the turn's input has been read: by then as many more may have begun as may be at once.
        self.resets(lambda stream: post(stream) + frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 0x7fffffff)),
                    at_most=501 + 1024)

    def test_resets_beside_answers_are_no_flood(self):
        before = stat(PREMATURE)
        with http2.Http2Client(port) as client:
            for _ in range(1500):
                client.rst(client.begin(client.request("/hold")))
                self.assertEqual(client.get("/quick").status, 200)
        self.assertEqual(stat(PREMATURE), before)


class Heads(FloodTest):

    def test_continuations_without_end(self):
        """CVE-2024-27316."""
        piece = frame(CONTINUATION, 0, 1, encode([("x", "y" * 100)]))
        self.ends("http2.too_many_header_frames", [piece * 10] * 1000, begin=frame(HEADERS, 0, 1, request()))

    def test_full_continuations_without_end(self):
        piece = frame(CONTINUATION, 0, 1, encode([("x", "y" * 16000)]))
        self.flood([piece] * 4000, begin=frame(HEADERS, 0, 1, request()))

    def test_empty_continuations(self):
        self.ends("http2.inbound_empty_frames_flood", [frame(CONTINUATION, 0, 1)] * 1000,
                  begin=frame(HEADERS, 0, 1, request()))

    def test_hpack_bomb(self):
        # An entry of nearly the whole table, and then a byte for each time that it is to be unfolded.
        entry = b"\x40\x01x\x7f" + b"\xa1\x1e" + b"a" * 4000
        bomb = request() + entry + b"\xbe" * 12000
        self.ends("http2.header_overflow", [frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb)])

    def test_hpack_bomb_of_empty_fields(self):
        # Of index 15, accept-charset, which has no value: 16,000 fields in as many bytes.
        bomb = request() + b"\x8f" * 16000
        self.ends("http2.header_overflow", [frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb)])

    def test_hpack_bomb_of_trailers(self):
        entry = b"\x40\x01x\x7f" + b"\xa1\x1e" + b"a" * 4000
        self.ends("http2.header_overflow",
                  [post(1), frame(HEADERS, END_HEADERS | END_STREAM, 1, entry + b"\xbe" * 12000)])

    def test_lists_beyond_the_limits_are_answered(self):
        large, many = (stat("http.main.downstream_rq_headers_too_large"),
                       stat("http.main.downstream_rq_too_many_headers"))
        with http2.Http2Client(port) as client:
            for _ in range(20):
                self.assertEqual(client.get("/quick", fields=[("x", "y" * 15000)]).status, 200)
                self.assertEqual(client.get("/quick", fields=[(f"x{i}", "y") for i in range(101)]).status, 431)
            entries = b"\x40\x01x\x7f\xa1\x1e" + b"a" * 4000 + b"\xbe" * 16
            client.send(HEADERS, END_HEADERS | END_STREAM, client.last + 2, request() + entries)
            client.last += 2
            self.assertEqual(client.finish(client.last).status, 431)
            self.assertEqual(client.get("/quick").status, 200)
        self.assertEqual(stat("http.main.downstream_rq_too_many_headers"), many + 20)
        self.assertEqual(stat("http.main.downstream_rq_headers_too_large"), large + 1)

    def test_a_head_that_never_ends_costs_its_stream_time(self):
        before = stat("http.slow.downstream_rq_header_timeout")
        client = http2.Http2Client(slow)
        client.wait(lambda: client.settings)
        client.send(HEADERS, 0, 1, request())
        client.wait(lambda: client.message(1).head)
        self.assertEqual(client.message(1).status, 408)
        self.assertEqual(stat("http.slow.downstream_rq_header_timeout"), before + 1)
        client.close()


class Frames(FloodTest):

    def test_empty_data(self):
        self.ends("http2.inbound_empty_frames_flood", [frame(DATA, 0, 1) * 10] * 100, begin=post(1))

    def test_data_of_padding_alone(self):
        self.ends("http2.inbound_empty_frames_flood", [frame(DATA, PADDED, 1, b"\xff" + bytes(255)) * 10] * 100,
                  begin=post(1))

    def test_empty_heads(self):
        self.ends("http2.inbound_empty_frames_flood", [frame(HEADERS, 0, 1), frame(CONTINUATION, 0, 1) * 5])

    def test_empty_frames_of_unknown_types(self):
        self.ends("http2.inbound_empty_frames_flood", [frame(0xbe, 0, 0) * 10] * 100)

    def test_priorities(self):
        self.ends("http2.inbound_priority_frames_flood",
                  [frame(PRIORITY, 0, 3, struct.pack(">IB", 0, i % 256)) * 10 for i in range(100)])

    def test_window_updates(self):
        self.ends("http2.inbound_window_update_frames_flood",
                  [frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 10] * 100)

    def test_window_updates_of_a_stream(self):
        self.ends("http2.inbound_window_update_frames_flood",
                  [frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)) * 10] * 100, begin=post(1))

    def test_settings_in_one_write(self):
        self.ends("http2.inbound_settings_frames_flood", [frame(SETTINGS, 0, 0) * 3000])

    def test_settings_for_many_streams(self):
        """Each says 31 times what the windows of all are to be."""
        sizes = b"".join(struct.pack(">HI", INITIAL_WINDOW_SIZE, size) for size in [*range(100_000, 100_030), 65535])
        begin = b"".join(head(2 * i + 1, path="/hold") for i in range(1000))
        self.ends("http2.inbound_settings_frames_flood", [frame(SETTINGS, 0, 0, sizes)] * 100_000, begin)

    def test_settings_of_too_many_entries(self):
        # nghttp2's limit.
        entries = struct.pack(">HI", INITIAL_WINDOW_SIZE, 65535) * 1000
        client = self.flood([frame(SETTINGS, 0, 0, entries)])
        self.assertEqual([code for _, code in client.goaways], [ENHANCE_YOUR_CALM])

    def test_pings_in_one_write(self):
        self.ends("http2.outbound_control_flood", [frame(PING, 0, 0, bytes(8)) * 3000])

    def unread(self, counter, piece):
        """A client that never reads."""
        before = stat(counter)
        client = Client(port, receive_buffer=4096)
        client.send(http2.PREFACE + frame(SETTINGS, 0, 0))
        sent = 0
        while sent < ENOUGH and stat(counter) == before:
            try:
                client.send(piece)
            except ConnectionError:
                break
            sent += len(piece)
            # Not so much at once that its answers do not fit into one turn.
            self.undisturbed()
        self.assertEqual(stat(counter), before + 1)
        client.close()

    def test_settings_whose_answers_nobody_reads(self):
        self.unread("http2.inbound_settings_frames_flood", frame(SETTINGS, 0, 0) * 900)

    def test_pings_whose_answers_nobody_reads(self):
        self.unread("http2.outbound_control_flood", frame(PING, 0, 0, bytes(8)) * 900)


class Windows(FloodTest):

    def test_no_window_at_all(self):
        """Answers that may not leave wait for stream_idle_timeout, and hold no more than the buffers' limits."""
        before, taken = stat("http.slow.downstream_rq_idle_timeout"), poured[0]
        client = http2.Http2Client(slow, window=0)
        for _ in range(50):
            client.begin(client.request("/pour"))
        while client.read_frame():
            pass
        self.assertTrue(all(client.message(2 * i + 1).reset is not None for i in range(50)))
        self.assertEqual(stat("http.slow.downstream_rq_idle_timeout"), before + 50)
        # 50 connections' worth of the kernel's buffers.
        self.assertLess(poured[0] - taken, 50 * (8 << 20))
        client.close()

    def test_no_window_for_short_answers(self):
        before = stat("http2.tx_flush_timeout")
        client = http2.Http2Client(slow, window=0)
        for _ in range(50):
            client.begin(client.request("/quick/short"))
        while client.read_frame():
            pass
        self.assertTrue(all(client.message(2 * i + 1).reset is not None for i in range(50)))
        self.assertEqual(stat("http2.tx_flush_timeout"), before + 50)
        client.close()

    def test_one_byte_at_a_time(self):
        """Tedious, and no fault: as many WINDOW_UPDATE as DATA frames."""
        with http2.Http2Client(port, window=1) as client:
            stream = client.begin(client.request("/quick/" + "x" * 200))
            message = client.message(stream)
            for size in range(1, 208):
                client.wait(lambda: len(message.body) >= size)
                client.send(WINDOW_UPDATE, 0, stream, struct.pack(">I", 1))
            self.assertEqual(client.finish(stream).status, 200)

    def test_windows_opened_and_shut_by_settings(self):
        with http2.Http2Client(port, window=0) as client:
            streams = [client.begin(client.request(f"/quick/{i}")) for i in range(100)]
            for _ in range(200):
                for size in (1, 0):
                    client.send(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, size))
            client.send(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 65535))
            for i, stream in enumerate(streams):
                self.assertEqual(client.finish(stream).body, f"/quick/{i}".encode())

    def test_a_client_that_reads_nothing(self):
        """Wide windows, and a socket that nobody reads: the hosts are stopped at the buffers' limits."""
        taken = poured[0]
        client = Client(port, receive_buffer=4096)
        client.send(http2.PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 1 << 30))
                    + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
        client.send(b"".join(head(2 * i + 1, path="/pour") for i in range(50)))
        last = [-1]

        def settled():
            if poured[0] == last[0]:
                return True
            last[0] = poured[0]
            time.sleep(0.3)
            return False
        wait_for(settled, "the hosts' stop")
        self.assertLess(poured[0] - taken, 50 * (8 << 20))
        self.assertEqual(stat("http.main.downstream_rq_active"), 51)
        self.undisturbed()
        client.reset()
        wait_for(lambda: stat("http.main.downstream_rq_active") == 1, "the streams' end")

    def test_uploads_that_nobody_takes(self):
        """A paused stream's window is not opened again: one that is sent on regardless is reset, alone."""
        with http2.Http2Client(port) as client:
            client.wait(lambda: client.settings)
            stream = client.begin(client.request("/stall", "POST"), end=False)
            for _ in range(ENOUGH // 16384):
                client.send(DATA, 0, stream, FILLER[:16384])
            self.assertEqual(client.finish(stream).reset, FLOW_CONTROL_ERROR)
            self.assertEqual(client.get("/quick/beside").status, 200)


class Streams(FloodTest):

    def test_more_than_allowed(self):
        before = stat("http2.stream_refused_errors")
        with http2.Http2Client(port) as client:
            client.wait(lambda: client.settings)
            most = client.settings[http2.MAX_CONCURRENT_STREAMS]
            held = [client.begin(client.request("/hold")) for _ in range(most)]
            over = [client.begin(client.request("/hold")) for _ in range(300)]
            for each in over:
                self.assertEqual(client.finish(each).reset, http2.REFUSED_STREAM)
            self.assertEqual(stat("http2.stream_refused_errors"), before + 300)
            self.undisturbed()
            self.assertEqual(stat("http.main.downstream_rq_active"), most + 1)
            self.assertEqual(len(held), most)
        wait_for(lambda: stat("http.main.downstream_rq_active") == 1, "the streams' end")


if __name__ == "__main__":
    unittest.main()

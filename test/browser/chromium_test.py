"""Chromium through the proxy, over HTTP/2 on TLS: many fetches at once, an upload, a cancelled answer, a WebSocket on
the same connection (RFC 8441); and over HTTP/1.1 where ALPN leaves only that.

usage: chromium_test.py, with NUNCIO the path of the binary and CHROMIUM that of the browser. Needs test/integration on
PYTHONPATH.
"""

import base64
import hashlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import unittest

import tls
from harness import (PATIENCE, AccessLog, Backend, Client, Nuncio, bootstrap, directory, free_ports, listener,
                     read_body, to, wait_for)

FETCHES = 200
UPLOAD = 5_000_000

PAGE = """<!doctype html><title>nuncio</title><script>
const fetches = %d, upload = %d;
const webSocket = () => new Promise((resolve, reject) => {
  const socket = new WebSocket(`wss://${location.host}/socket`);
  socket.onopen = () => socket.send("hello");
  socket.onmessage = (event) => { socket.close(1000); resolve(event.data); };
  socket.onerror = () => reject(new Error("the WebSocket failed"));
});
const cancelled = async () => {
  const controller = new AbortController();
  const answer = await fetch("/endless", {signal: controller.signal});
  await answer.body.getReader().read();
  controller.abort();
  return answer.status;
};
(async () => {
  const out = {};
  try {
    const bodies = await Promise.all([...Array(fetches).keys()].map((i) => fetch(`/item/${i}`).then((a) => a.text())));
    out.right = bodies.filter((body, i) => body === `/item/${i}`).length;
    const back = await fetch("/echo", {method: "POST", body: new Uint8Array(upload).fill(7)});
    out.back = (await back.arrayBuffer()).byteLength;
    out.cancelled = await cancelled();
    out.socket = await webSocket();
    out.after = (await fetch("/last")).status;
    out.protocols = [...new Set(performance.getEntriesByType("resource").map((entry) => entry.nextHopProtocol))];
  } catch (error) {
    out.error = String(error);
  }
  await fetch("/report", {method: "POST", body: JSON.stringify(out)});
})();
</script>"""


def answer(stream, request):
    """The site behind the proxy."""
    if request.get("upgrade"):
        return answer_socket(stream, request)
    body = read_body(stream, request)
    kind, out = "text/plain", request.path.encode()
    if request.path == "/endless":
        stream.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                stream.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            cancelled.put(True)
            return False
    if request.path == "/":
        kind, out = "text/html", (PAGE % (FETCHES, UPLOAD)).encode()
    elif request.path == "/echo":
        out = body
    elif request.path == "/report":
        reports.put(json.loads(body))
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (kind.encode(), len(out), out))
    return True


def answer_socket(stream, request):
    """One message back (RFC 6455), then the closing handshake."""
    accept = hashlib.sha1((request.get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    stream.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {base64.b64encode(accept).decode()}\r\n\r\n")
    while True:
        opcode, size = stream.exactly(2)
        mask = stream.exactly(4)
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.exactly(size & 0x7f)))
        stream.send(bytes([opcode, len(payload)]) + payload)
        if opcode & 0xf == 8:
            return False


def setUpModule():
    global reports, cancelled, site, proxy, h2, h1, admin, log
    reports, cancelled = queue.Queue(), queue.Queue()
    site = Backend(answer)
    certificate = tls.Authority().issue("site", ["DNS:localhost"])
    h2, h1, admin = free_ports(3)
    log = AccessLog(os.path.join(directory(), "access.log"))

    def secured(name, port, alpn, **fields):
        made = listener(name, port, [to("site", prefix="/")], log=log.path,
                        upgrade_configs=[{"upgrade_type": "websocket"}],
                        **fields)
        made["filter_chains"][0]["transport_socket"] = tls.downstream([certificate], alpn=alpn)
        return made

    proxy = Nuncio(bootstrap(
        [secured("h2", h2, ("h2", "http/1.1"), http2_protocol_options={"allow_connect": True}),
         secured("h1", h1, ("http/1.1",))],
        [site.cluster("site")], admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    proxy.stop()
    site.stop()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1])


def visit(port):
    """What the page reports."""
    profile = tempfile.mkdtemp(dir=directory())
    browser = subprocess.Popen(
        [os.environ["CHROMIUM"], "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--ignore-certificate-errors", "--remote-debugging-port=0", f"--user-data-dir={profile}",
         f"https://localhost:{port}/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return reports.get(timeout=4 * PATIENCE)
    finally:
        browser.terminate()
        browser.wait()
        shutil.rmtree(profile, ignore_errors=True)


class ChromiumTest(unittest.TestCase):

    def test_over_http2(self):
        self.assertEqual(visit(h2),
                         {"right": FETCHES, "back": UPLOAD, "cancelled": 200, "socket": "hello", "after": 200,
                          "protocols": ["h2"]})
        cancelled.get(timeout=PATIENCE)
        # The WebSocket is a stream of the connection that was there.
        self.assertEqual(stat("http.h2.downstream_cx_http1_total"), 0)
        self.assertEqual(stat("http.h2.downstream_cx_upgrades_total"), 1)
        self.assertGreaterEqual(stat("http.h2.downstream_rq_http2_total"), FETCHES)
        wait_for(lambda: stat("http.h2.downstream_rq_active") == 0, "the end of all streams")

    def test_over_http1(self):
        self.assertEqual(visit(h1),
                         {"right": FETCHES, "back": UPLOAD, "cancelled": 200, "socket": "hello", "after": 200,
                          "protocols": ["http/1.1"]})
        cancelled.get(timeout=PATIENCE)
        self.assertEqual(stat("http.h1.downstream_cx_http2_total"), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""The demonstration behind tools/quickstart: see there. Standard library only; all servers listen on loopback."""
import argparse
import collections
import http.client
import http.server
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
DIST = HERE.parent.parent / "dist"
GROUP = "quickstart"


def free_ports(count):
    """Ports that nobody uses now; all are held until all are chosen."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def backend(name):
    """An HTTP server that answers with its own name."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = f"{name}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def get(port, path, timeout=5):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Demo:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nuncio-quickstart-"))
        self.processes = []
        control, control_http, admin, web = free_ports(4)
        self.ports = dict(CONTROL=control, CONTROL_HTTP=control_http, ADMIN=admin, WEB=web,
                          BLUE=backend("blue"), GREEN=backend("green"))

    def fill(self, template, **values):
        text = (HERE / template).read_text()
        for key, value in {**self.ports, **values}.items():
            text = text.replace(f"@{key}@", str(value))
        path = self.directory / template
        path.write_text(text)
        return path

    def start(self, name, *arguments):
        log = open(self.directory / f"{name}.log", "w")
        process = subprocess.Popen([DIST / name, *map(str, arguments)], stdout=log, stderr=subprocess.STDOUT)
        self.processes.append((name, process))

    def nuncioctl(self, *arguments):
        command = [DIST / "nuncioctl", "--server", f"127.0.0.1:{self.ports['CONTROL']}", *map(str, arguments)]
        print("$ nuncioctl", *arguments, flush=True)
        done = subprocess.run(command, capture_output=True, text=True)
        for line in (done.stdout + done.stderr).splitlines():
            print("    " + line, flush=True)
        return done

    def wait(self, what, condition, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with status {process.returncode}; its log:\n" +
                                       (self.directory / f"{name}.log").read_text())
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"waited {seconds} s in vain: {what}")

    def push(self, message, template="resources.yaml", **values):
        return self.nuncioctl("push", self.fill(template, **values), "--group", GROUP, "-m", message)

    def sample(self, count=200):
        """Sends requests through the proxy; counts answers by backend."""
        answers = collections.Counter()
        for _ in range(count):
            try:
                status, body = get(self.ports["WEB"], "/")
                answers[body.strip() if status == 200 else f"status {status}"] += 1
            except OSError as error:
                answers[f"failed: {error}"] += 1
        return answers

    def show(self, answers):
        total = sum(answers.values())
        print("    " + ", ".join(f"{name} {100 * n // total} %" for name, n in sorted(answers.items())), flush=True)

    def expect(self, what, ok):
        if not ok:
            raise RuntimeError(f"this did not happen: {what}")

    def run(self):
        print("\n1. A control plane, a proxy and two backends, blue and green.", flush=True)
        self.start("nuncio-control", "--listen", f"127.0.0.1:{self.ports['CONTROL']}",
                   "--http-listen", f"127.0.0.1:{self.ports['CONTROL_HTTP']}", "--store", self.directory / "store.db")
        self.wait("the control plane is ready", lambda: get(self.ports["CONTROL_HTTP"], "/ready")[0] == 200)
        self.start("nuncio", "-c", self.fill("proxy.yaml"), "--drain-time-s", "5")
        self.wait("the proxy's admin interface answers", lambda: get(self.ports["ADMIN"], "/ready")[0] in (200, 503))

        print("\n2. A configuration is pushed: nine tenths of the traffic go to blue.", flush=True)
        self.expect("the push was taken",
                    self.push("nine tenths to blue", BLUE_WEIGHT=90, GREEN_WEIGHT=10).returncode == 0)
        self.wait("the proxy serves", lambda: get(self.ports["WEB"], "/")[0] == 200)
        before = self.sample()
        self.show(before)
        self.expect("every request was answered by blue or green", set(before) <= {"blue", "green"})
        self.expect("most went to blue", before["blue"] > before["green"])

        print("\n3. The weights are turned round, and the traffic moves.", flush=True)
        self.expect("the push was taken",
                    self.push("nine tenths to green", BLUE_WEIGHT=10, GREEN_WEIGHT=90).returncode == 0)
        after = {}

        def moved():
            nonlocal after
            after = self.sample(100)
            return after["green"] > after["blue"]

        self.wait("most requests go to green", moved)
        self.show(after)

        print("\n4. A broken configuration is refused, with everything that is wrong with it.", flush=True)
        broken = self.push("a mistake", template="broken.yaml")
        self.expect("the push was refused", broken.returncode != 0)

        print("\n5. Traffic stayed as it was.", flush=True)
        final = self.sample()
        self.show(final)
        self.expect("every request was answered", set(final) <= {"blue", "green"} and final["green"] > final["blue"])

        print("\n6. What the control plane knows of its proxies.", flush=True)
        self.expect("the proxy is listed", "quickstart-proxy" in self.nuncioctl("proxies").stdout)
        self.nuncioctl("history", "--group", GROUP)

    def serve(self):
        ports = self.ports
        print(f"""
All of it runs until Ctrl-C:
  traffic          curl http://127.0.0.1:{ports['WEB']}/
  proxy's admin    http://127.0.0.1:{ports['ADMIN']}/
  control plane    {DIST}/nuncioctl --server 127.0.0.1:{ports['CONTROL']} get --group {GROUP}
  try a change     edit {self.directory}/resources.yaml, then
                   {DIST}/nuncioctl --server 127.0.0.1:{ports['CONTROL']} push {self.directory}/resources.yaml --group
                   {GROUP}
""", flush=True)
        signal.pause()

    def stop(self):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for _, process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="check that all of it works, and leave")
    arguments = parser.parse_args()
    demo = Demo()
    try:
        demo.run()
        if arguments.once:
            print("\nquickstart: all of it works", flush=True)
        else:
            demo.serve()
    except KeyboardInterrupt:
        print()
    except RuntimeError as error:
        print(f"\nquickstart: {error}", file=sys.stderr)
        print(f"logs are in {demo.directory}", file=sys.stderr)
        return 1
    finally:
        demo.stop()
    shutil.rmtree(demo.directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

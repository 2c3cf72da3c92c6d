"""What the soak tests share: programs started and ended, ports, waiting. Standard library only."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Failure(Exception):
    """The test failed; says what is wrong."""


def expect(what, ok):
    if not ok:
        raise Failure(f"this should be so: {what}")


def free_ports(count):
    """Ports that nobody uses now; all are held until all are chosen."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def get(port, path, timeout=5):
    """(status, body) of one GET on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Processes:
    """The programs of one test and the folder of their files; both go with the `with` block, the folder only where
    nothing failed. Start programs from the main thread: some end with the thread that started them."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nuncio-soak-", dir=os.environ.get("TEST_TMPDIR")))
        self.running = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        if kind is None:
            shutil.rmtree(self.directory, ignore_errors=True)
            return
        for log in sorted(self.directory.glob("*.log")):
            print(f"--- the end of {log}", file=sys.stderr)
            print(log.read_text(errors="replace")[-3000:], file=sys.stderr)

    def start(self, name, *command, **options):
        log = open(self.directory / f"{name}.log", "a")
        options = {"stdout": log, "stderr": log, **options}
        self.running[name] = subprocess.Popen(list(map(str, command)), text=True, **options)
        return self.running[name]

    def kill(self, name):
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def terminate(self, name, seconds):
        """SIGTERM; the exit status."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f"{name} still runs {seconds} s after SIGTERM") from None

    def call(self, *command):
        """Runs a program that must end with status 0."""
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{pathlib.Path(command[0]).name} ended with status {done.returncode}:\n"
                          f"{done.stdout}{done.stderr}")

    def check(self):
        """No program has ended by itself; the load may."""
        for name, process in self.running.items():
            if name != "load" and process.poll() is not None:
                raise Failure(f"{name} ended with status {process.returncode}")

    def wait(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            try:
                if condition():
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        raise Failure(f"waited {seconds} s in vain: {what}")

    def start_backends(self, traffic, names):
        """Ports by name."""
        process = self.start("backends", traffic, "backends", *names, stdout=subprocess.PIPE)
        return {name: int(port) for name, port in (process.stdout.readline().split() for _ in names)}

    def start_load(self, traffic, **flags):
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        return self.start("load", traffic, "load", *arguments, stdout=subprocess.PIPE)

    def finish_load(self):
        """What the load tells at its end."""
        output, _ = self.running.pop("load").communicate()
        if not output:
            raise Failure("the load ended without a result")
        return json.loads(output)


def add_programs(parser, *names):
    """Flags --NAME for programs, with what ci/build leaves in dist/ as defaults."""
    dist = pathlib.Path(__file__).resolve().parent.parent.parent / "dist"
    for name in names:
        built = None if name == "traffic" else dist / name
        parser.add_argument(f"--{name}", type=lambda path: pathlib.Path(path).resolve(), default=built,
                            required=built is None, metavar="PATH")


def run(body, arguments):
    """Exit status of a test: `body` gets the programs and the command line."""
    try:
        with Processes() as processes:
            body(processes, arguments)
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    return 0

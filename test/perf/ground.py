"""Where the proxy runs under valgrind: a backend, a certificate, and requests in lock-step."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

from benchmark import machine
from benchmark.peers.nuncio import Nuncio
from benchmark.peers.place import Place
from benchmark.processes import Failure, said

_START_SECONDS = 600


def parse(parser, programs, allowed, default):
    """Adds the paths of `programs` and the scenarios, of those `allowed`, to the parser's arguments, and parses them."""
    for name in programs:
        parser.add_argument(f"--{name}", required=True, type=os.path.abspath, help="the program")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=f"of {', '.join(allowed)}; default: {', '.join(default)}")
    options = parser.parse_args()
    unknown = [name for name in options.scenarios if name not in allowed]
    if unknown:
        parser.error(f"unknown scenario {', '.join(unknown)}")
    options.scenarios = options.scenarios or default
    if shutil.which("valgrind") is None:
        parser.exit(1, "valgrind is missing: tools/install installs it\n")
    return options


def _wait_until_ready(process, place):
    """Not by a connection to the listener: it would count when connections are spread over workers."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failure(f"ended with status {process.returncode}: {said(process)}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{place.admin_port}/ready", timeout=30):
                return
        except OSError:
            time.sleep(0.05)
    raise Failure(f"not ready after {_START_SECONDS} seconds: {said(process)}")


class Ground:
    def __init__(self, processes, nuncio, backend, load):
        self.processes, self.load = processes, load
        self.proxy = Nuncio(nuncio)
        self.cores = machine.own_cores()
        self.key, self.certificate = processes.folder / "key.pem", processes.folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=bench.example.com", "-keyout", self.key, "-out",
                        self.certificate], check=True, capture_output=True)
        running = processes.start([backend], self.cores, processes.folder / "backend.out", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.upstream_ports = dict(zip(("h1", "h2"), map(int, running.stdout.readline().split())))

    def place(self, scenario, workers):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{scenario.name}.", dir=self.processes.folder))
        return Place(folder, machine.free_port(), machine.free_port(), self.upstream_ports[scenario.upstream], workers,
                     self.certificate, self.key, None)

    @contextlib.contextmanager
    def valgrind(self, scenario, place, *options, more=()):
        """The proxy's process, when it takes connections; `more`: arguments of the proxy."""
        process = self.processes.start(
            ["valgrind", *options, *self.proxy.command(scenario, place), "--drain-time-s", "0", *more],
            self.cores, place.folder / "output")
        try:
            _wait_until_ready(process, place)
            yield process
        finally:
            self.processes.stop(process)

    def load_command(self, scenario, place, connections, streams, requests, *more):
        """`streams`: of each connection, None: as the scenario has it."""
        words = list(scenario.load)
        words[words.index("--connections") + 1] = connections
        if scenario.http2 and streams is not None:
            words[words.index("--streams") + 1] = streams
        command = [self.load, "--port", place.port, *words, "--requests", requests, *more]
        return [str(word) for word in command]

    @staticmethod
    def check(requests, output, errors=""):
        """Raises Failure where not all were answered; `output` and `errors`: what the load wrote."""
        figures = json.loads(output or "{}")
        if figures.get("requests") != requests or figures["failed"]:
            raise Failure(f"of {requests} requests not all were answered: {output}{errors}")

"""Instructions of the proxy per request, counted by callgrind.

The load goes in lock-step: one connection, one request, the next when it has its answer; where one upstream connection
takes all streams, as many requests at once as there are streams. So the proxy does the same every time, and a count
repeats to some tenths of a percent, with many streams to one. A run with more requests less one with fewer leaves out
what starting and ending cost. The main thread's instructions do not count: it does nothing for requests, and by the
clock.
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from benchmark import machine
from benchmark.peers.nuncio import Nuncio
from benchmark.peers.place import Place
from benchmark.processes import Failure, said

_MAIN_THREAD = 1
_START_SECONDS = 120
_END_SECONDS = 120
# Requests of the shorter and the longer run.
_RUNS = (128, 768)
_RUNS_OF = {"tls_handshake": (16, 64), "h2_h2": (128, 2048)}


class Counter:
    """Runs the proxy `binary` in a scenario; `keep`: a folder for callgrind's files of the longer runs, or None."""

    def __init__(self, processes, binary, backend, load, keep):
        self.processes, self.load, self.keep = processes, load, keep
        self.proxy = Nuncio(binary)
        self.cores = machine.own_cores()
        self.key, self.certificate = processes.folder / "key.pem", processes.folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=bench.example.com", "-keyout", self.key, "-out",
                        self.certificate], check=True, capture_output=True)
        running = processes.start([backend], self.cores, processes.folder / "backend.out", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.upstream_ports = dict(zip(("h1", "h2"), map(int, running.stdout.readline().split())))

    def per_request(self, scenario):
        few, many = _RUNS_OF.get(scenario.name, _RUNS)
        return (self._count(scenario, many) - self._count(scenario, few)) / (many - few)

    def _count(self, scenario, requests):
        """Of all threads but the main one, from start to end."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{scenario.name}.", dir=self.processes.folder))
        place = Place(folder, machine.free_port(), machine.free_port(), self.upstream_ports[scenario.upstream], 1,
                      self.certificate, self.key, None)
        process = self.processes.start(
            ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={folder}/callgrind.out",
             *self.proxy.command(scenario, place), "--drain-time-s", "0"], self.cores, folder / "output")
        try:
            self.processes.wait_for_port(process, place.port, _START_SECONDS)
            self._send(scenario, place, requests)
            process.send_signal(signal.SIGTERM)
            if process.wait(_END_SECONDS) != 0:
                raise Failure(f"the proxy ended with status {process.returncode}: {said(process)}")
        finally:
            self.processes.stop(process)
        if self.keep:
            shutil.copytree(folder, self.keep / scenario.name, dirs_exist_ok=True)
        return sum(self._instructions(path) for path in folder.glob("callgrind.out-*")
                   if int(path.name.rpartition("-")[2]) != _MAIN_THREAD)

    def _send(self, scenario, place, requests):
        words = list(scenario.load)
        words[words.index("--connections") + 1] = "1"
        if scenario.http2 and scenario.upstream == "h1":
            # Of answers on many connections, how many a worker finds when it wakes up is chance.
            words[words.index("--streams") + 1] = "1"
        command = [self.load, "--port", place.port, *words, "--requests", requests]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        figures = json.loads(done.stdout or "{}")
        if figures.get("requests") != requests or figures["failed"]:
            raise Failure(f"of {requests} requests not all were answered: {done.stdout}{done.stderr}")

    @staticmethod
    def _instructions(path):
        return int(re.search(r"^summary: (\d+)$", path.read_text(), re.MULTILINE)[1])

"""Rounds: every proxy in turn, again and again, so that what the machine does meanwhile falls on all of them."""
import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

from benchmark import machine
from benchmark.load import Generator
from benchmark.peers.place import Place
from benchmark.peers.registry import AGAIN, Peer
from benchmark.processes import Failure
from benchmark.pushes import Pushes
from benchmark.scenarios import Scenario

QUIET = " without"
_START_WORKERS = 2
_SCALING = (1, 2, 4)
# What load and backend need, beside the proxy.
_LOAD_CORES = 2
# Until silent connections were looked at, and freed memory is given back.
_SETTLE_SECONDS = 2


def with_workers(label, count):
    """What a candidate is called where it stands with several numbers of workers."""
    return f"{label} {count} worker{'s' if count > 1 else ''}"


@dataclasses.dataclass
class Subject:
    """A peer as it stands in a scenario."""
    label: str
    peer: Peer
    scenario: Scenario
    cores: list
    # Stands beside one that gets configurations pushed.
    calm: bool = False
    # 0: as many as cores.
    workers: int = 0
    place: Place = None
    process: object = None
    pushes: Pushes = None
    start_seconds: float = 0

    @property
    def port(self):
        return self.place.port


class Bench:
    """`figures[scenario][label]`: one dictionary for each round: "closed" and "fixed" of the two kinds of run, and
    memory."""

    def __init__(self, options, processes, programs, peers):
        self.options, self.processes, self.programs, self.peers = options, processes, programs, peers
        self.generator = Generator(processes, programs, options.load_cores)
        self.figures = {}
        self.faults = []
        self._make_certificate()
        self.upstream_ports = self._start_backend()

    def _make_certificate(self):
        folder = self.processes.folder
        self.key, self.certificate, self.both = (folder / name for name in ("key.pem", "certificate.pem", "both.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=bench.example.com", "-addext",
                        "subjectAltName=DNS:bench.example.com", "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True)
        self.both.write_text(self.certificate.read_text() + self.key.read_text())

    def _start_backend(self):
        self.backend = self.processes.start([self.programs / "backend"], self.options.load_cores,
                                            self.processes.folder / "backend.out", stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        return dict(zip(("h1", "h2"), map(int, self.backend.stdout.readline().split())))

    # --- Subjects.

    def _subjects(self, scenario):
        cores = self.options.proxy_cores
        for peer in self.peers:
            if scenario.scaling:
                yield from self._scaling_subjects(scenario, peer)
            elif not scenario.pushed:
                yield Subject(peer.label, peer, scenario, cores)
            elif peer.candidate:
                yield Subject(peer.label, peer, scenario, cores)
                calm = dataclasses.replace(scenario, pushed=False, access_log=False)
                yield Subject(peer.label + QUIET, peer, calm, cores, calm=True)

    def _scaling_subjects(self, scenario, peer):
        if not peer.candidate or peer.label.endswith(AGAIN):
            return
        counts = [count for count in _SCALING if count <= len(self.options.cores)]
        for count in counts:
            # All of them on the same cores, so that they meet the same competition.
            yield Subject(with_workers(peer.label, count), peer, scenario, self._scaling_cores()[0], workers=count)

    def _scaling_cores(self):
        """Those of the proxy, those of load and backend: all cores for both, where there are not enough."""
        cores, most = self.options.cores, _SCALING[-1]
        return (cores[:most], cores[most:]) if len(cores) >= most + _LOAD_CORES else (cores, cores)

    @contextlib.contextmanager
    def _load_on(self, cores):
        """Load and backend there for a while."""
        before = self.generator.cores
        try:
            self.generator.cores = cores
            os.sched_setaffinity(self.backend.pid, cores)
            yield
        finally:
            self.generator.cores = before
            os.sched_setaffinity(self.backend.pid, before)

    def _start(self, subject):
        """False: the peer cannot do the scenario."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix=subject.label.replace(" ", "_") + ".", dir=self.processes.folder))
        folder.chmod(0o777)
        workers = _START_WORKERS if subject.scenario.kind == "start" else subject.workers or len(subject.cores)
        subject.place = Place(folder, machine.free_port(), machine.free_port(),
                              self.upstream_ports[subject.scenario.upstream], workers, self.certificate, self.key,
                              self.both)
        command = subject.peer.proxy.command(subject.scenario, subject.place)
        if command is None:
            return False
        subject.process = self.processes.start(command, subject.cores, folder / "output")
        try:
            subject.start_seconds = self.processes.wait_for_port(subject.process, subject.port)
        except Failure:
            self._stop(subject)
            raise
        if subject.scenario.pushed or subject.calm:
            subject.pushes = Pushes(self.processes, self.programs, self.options.load_cores, subject.scenario,
                                    subject.place, subject.calm)
        return True

    def _stop(self, subject):
        self.processes.stop(subject.process)
        shutil.rmtree(subject.place.folder, ignore_errors=True)

    def _fault(self, scenario, subject, failure):
        fault = f"{scenario.name}, {subject.label}: {failure}"
        print(fault, file=sys.stderr)
        self.faults.append(fault)

    # --- Rounds.

    def run(self, scenarios):
        for number, scenario in enumerate(scenarios, 1):
            begin = time.monotonic()
            self.figures[scenario.name] = rows = {}
            if scenario.scaling:
                with self._load_on(self._scaling_cores()[1]):
                    self._run_load(scenario, rows)
            elif scenario.kind == "load":
                self._run_load(scenario, rows)
            else:
                self._run_memory(scenario, rows)
            print(f"[{number}/{len(scenarios)}] {scenario.name}: {len(rows)} proxies, "
                  f"{time.monotonic() - begin:.0f} s", file=sys.stderr)

    def _run_load(self, scenario, rows):
        standing = []
        try:
            for subject in self._subjects(scenario):
                try:
                    if self._start(subject):
                        standing.append(subject)
                except Failure as failure:
                    self._fault(scenario, subject, failure)
            rows.update({subject.label: [] for subject in standing})
            for _ in range(self.options.rounds):
                # So that nothing that the machine does every second always meets the same one.
                random.shuffle(standing)
                for subject in standing:
                    try:
                        rows[subject.label].append(self._measure(subject))
                    except Failure as failure:
                        self._fault(scenario, subject, failure)
                        rows[subject.label].append({})
        finally:
            for subject in standing:
                self._stop(subject)

    def _measure(self, subject):
        scenario, options = subject.scenario, self.options
        if subject.pushes:
            subject.pushes.start()
        try:
            figures = {}
            if options.seconds > 0:
                figures["closed"] = self.generator.run(scenario, subject, options.seconds)
            if options.rate_seconds > 0:
                rate = scenario.rate * (1 if scenario.scaling else len(subject.cores))
                figures["fixed"] = self.generator.run(scenario, subject, options.rate_seconds, rate)
        finally:
            if subject.pushes:
                subject.pushes.stop()
        figures["peak_kib"] = machine.peak_resident_kib(machine.family(subject.process.pid))
        return figures

    def _run_memory(self, scenario, rows):
        measure = {"idle": self._measure_idle, "start": self._measure_start}[scenario.kind]
        for _ in range(self.options.rounds):
            for subject in self._subjects(scenario):
                try:
                    if not self._start(subject):
                        continue
                except Failure as failure:
                    self._fault(scenario, subject, failure)
                    continue
                try:
                    rows.setdefault(subject.label, []).append(measure(subject))
                except Failure as failure:
                    self._fault(scenario, subject, failure)
                finally:
                    self._stop(subject)

    def _measure_idle(self, subject):
        # Pools that the first requests make are no part of a connection.
        warm = dataclasses.replace(subject.scenario, load=tuple(
            "8" if word == str(subject.scenario.connections) else word for word in subject.scenario.load))
        self.generator.run(warm, subject, 0.2)

        def memory():
            time.sleep(_SETTLE_SECONDS)
            return machine.proportional_kib(machine.family(subject.process.pid))

        before = memory()
        after, held = self.generator.hold(subject.scenario, subject, memory)
        if held < subject.scenario.connections:
            raise Failure(f"{held} of {subject.scenario.connections} connections were held")
        return {"kib_per_connection": (after - before) / held}

    @staticmethod
    def _measure_start(subject):
        time.sleep(_SETTLE_SECONDS)
        pids = machine.family(subject.process.pid)
        return {"start_ms": subject.start_seconds * 1e3, "resident_kib": machine.resident_kib(pids),
                "peak_kib": machine.peak_resident_kib(pids)}

"""Cache lines that go between two workers while they serve requests, by the trace of valgrind's lackey, which has each
load and store of the program outside the kernel.

Valgrind runs one thread at a time and says whose turn it is, so that each access belongs to a thread. The trace goes
through a FIFO into line_trace.cc, which keeps counts only.
"""
import collections
import contextlib
import dataclasses
import os
import pathlib
import re
import subprocess

from benchmark.processes import Failure
from symbols import Symbols

WORKERS = 2
# Requests of each worker: to fill pools and caches, and to count.
_WARMUP, _COUNTED = 64, 192
# Of an HTTP/2 connection.
_STREAMS = 8
# What the clock makes happen falls on few requests here, since they take a thousand times as long as otherwise.
_CALM = ("--file-flush-interval-msec", "3600000")


@dataclasses.dataclass
class Line:
    """`moves`: how often it came from the other worker; `accesses`: of all counted requests; both by worker. `places`:
    what is touched, and by which function."""
    address: int
    moves: collections.Counter
    accesses: collections.Counter
    places: list

    def __str__(self):
        counts = ", ".join(f"{worker} touches it {count} times and takes it from the other {self.moves[worker]} times"
                           for worker, count in sorted(self.accesses.items()))
        return f"line {self.address:#x}: {counts}" + "".join(f"\n  {place}" for place in self.places)


class Tracer:
    """Traces on a `ground`; `line_trace`: the program."""

    def __init__(self, ground, line_trace):
        self.ground, self.line_trace = ground, line_trace

    def lines(self, scenario):
        """Those that went from one worker to the other, and how many requests both served meanwhile."""
        place = self.ground.place(scenario, WORKERS)
        fifo = place.folder / "trace"
        os.mkfifo(fifo)
        with self._counting(fifo) as counting, self.ground.valgrind(
                scenario, place, "--tool=lackey", "--trace-mem=yes", "--trace-sched=yes", f"--log-file={fifo}",
                more=_CALM) as proxy:
            rows, workers = self._serve(scenario, place, proxy, counting)
            return lines_of(rows, workers, Symbols(proxy.pid)), WORKERS * _COUNTED

    @contextlib.contextmanager
    def _counting(self, fifo):
        process = self.ground.processes.start([self.line_trace, fifo], self.ground.cores, fifo.parent / "line_trace",
                                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            self.ground.processes.stop(process)

    def _serve(self, scenario, place, proxy, counting):
        # As many connections as workers, and each worker takes one.
        command = self.ground.load_command(scenario, place, WORKERS, _STREAMS, WORKERS * _COUNTED, "--warmup-requests",
                                           WORKERS * _WARMUP)
        load = self.ground.processes.start(command, self.ground.cores, place.folder / "load", stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, text=True)
        try:
            _expect(load, "ready\n")
            workers = _workers(proxy.pid)
            _command(counting, f"begin {' '.join(map(str, workers))}\n")
            _expect(counting, "begun\n")
            _command(load, "\n")
            self.ground.check(WORKERS * _COUNTED, load.stdout.readline())
            _command(counting, "end\n")
            return list(iter(lambda: _row(counting), ["end"])), workers
        finally:
            self.ground.processes.stop(load)


def lines_of(rows, workers, symbols):
    """`rows`: of line_trace; `workers`: names by thread. Raises Failure where not all of them did their part."""
    busy = {int(row[1]): int(row[2]) for row in rows if row[0] == "thread"}
    if len(busy) < len(workers) or min(busy.values()) < max(busy.values()) / 2:
        raise Failure(f"not each of {workers} served its part of the requests; accesses to memory: {busy}")
    found = {}
    for address, at, thread, instruction, what, moves, count in (row for row in rows if row[0] != "thread"):
        worker = workers[int(thread)]
        line = found.setdefault(address, Line(int(address, 16), collections.Counter(), collections.Counter(), []))
        line.moves[worker] += int(moves)
        line.accesses[worker] += int(count)
        line.places.append(f"{symbols.name(int(at, 16), f'heap or stack, {at}')}: {worker} "
                           f"{'writes' if what == 'w' else 'reads'} {count} times in "
                           f"{symbols.name(int(instruction, 16), instruction)}, {moves} times from the other")
    return list(found.values())


def _workers(pid):
    """By number of the thread, as valgrind gives it: in the order in which they are made."""
    threads = sorted(pathlib.Path(f"/proc/{pid}/task").iterdir(), key=lambda path: int(path.name))
    names = {number: (path / "comm").read_text().strip() for number, path in enumerate(threads, 1)}
    workers = {number: name for number, name in names.items() if re.fullmatch(r"worker_\d+", name)}
    if len(workers) != WORKERS:
        raise Failure(f"{WORKERS} workers were expected among the threads {', '.join(names.values())}")
    return workers


def _command(process, text):
    process.stdin.write(text)
    process.stdin.flush()


def _expect(process, text):
    said = process.stdout.readline()
    if said != text:
        raise Failure(f"{text.strip()} was expected, not {said.strip() or 'the end'}: {process.output.read_text()}")


def _row(counting):
    row = counting.stdout.readline().split()
    if not row:
        raise Failure(f"line_trace ended: {counting.output.read_text()}")
    return row

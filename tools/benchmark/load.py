"""Runs the load program, and takes the proxy's figures around exactly the requests it measures."""
import json
import subprocess

from benchmark import machine
from benchmark.processes import Failure, said


class Generator:
    def __init__(self, processes, programs, cores):
        self.processes, self.program, self.cores = processes, programs / "load", cores

    def _start(self, port, arguments):
        return self.processes.start([self.program, "--port", port, *arguments], self.cores,
                                    self.processes.folder / "load.out", stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)

    @staticmethod
    def _expect(process, word):
        line = process.stdout.readline()
        if not line.startswith(word):
            raise Failure(f"the load failed: {said(process)}")
        return line

    def run(self, scenario, subject, seconds, rate=0):
        """Figures of one run: those of the load, and cpu_us per request, utilisation of the proxy's cores, and the
        share of them that something else took."""
        arguments = [*scenario.load, "--seconds", seconds, *(["--rate", rate] if rate else [])]
        process = self._start(subject.port, arguments)
        try:
            self._expect(process, "ready")
            pids = machine.family(subject.process.pid)
            cpu, busy = machine.cpu_seconds(pids), machine.core_seconds(subject.cores)
            process.stdin.write("\n")
            process.stdin.flush()
            figures = json.loads(self._expect(process, "{"))
            cpu = machine.cpu_seconds(pids) - cpu
            busy = machine.core_seconds(subject.cores) - busy
        finally:
            self.processes.stop(process)
        if figures["requests"] == 0:
            raise Failure(f"no request was answered, {figures['failed']} failed")
        span = figures["seconds"] * len(subject.cores)
        return {**figures, "rps": figures["requests"] / figures["seconds"],
                "cpu_us": cpu / figures["requests"] * 1e6,
                "utilisation": cpu / span, "others": max(0.0, (busy - cpu) / span)}

    def hold(self, scenario, subject, measure):
        """Calls `measure` while the connections are open and idle; its value, and how many connections were held."""
        process = self._start(subject.port, [*scenario.load, "--hold"])
        try:
            held = int(self._expect(process, "held").split()[1])
            return measure(), held
        finally:
            self.processes.stop(process)

"""Instructions of the proxy per request, counted by callgrind.

The load goes in lock-step: one connection, one request, the next when it has its answer; where one upstream connection
takes all streams, as many requests at once as there are streams. So the proxy does the same every time, and a count
repeats to some tenths of a percent, with many streams to one. A run with more requests less one with fewer leaves out
what starting and ending cost. The main thread's instructions do not count: it does nothing for requests, and by the
clock.
"""
import re
import shutil
import signal
import subprocess

from benchmark.processes import Failure, said

_MAIN_THREAD = 1
_END_SECONDS = 120
# Requests of the shorter and the longer run.
_RUNS = (128, 768)
_RUNS_OF = {"tls_handshake": (16, 64), "h2_h2": (128, 2048)}


class Counter:
    """Counts on a `ground`; `keep`: a folder for callgrind's files of the longer runs, or None."""

    def __init__(self, ground, keep):
        self.ground, self.keep = ground, keep

    def per_request(self, scenario):
        few, many = _RUNS_OF.get(scenario.name, _RUNS)
        return (self._count(scenario, many) - self._count(scenario, few)) / (many - few)

    def _count(self, scenario, requests):
        """Of all threads but the main one, from start to end."""
        place = self.ground.place(scenario, workers=1)
        folder = place.folder
        with self.ground.valgrind(scenario, place, "--tool=callgrind", "--separate-threads=yes",
                                  f"--callgrind-out-file={folder}/callgrind.out") as process:
            self._send(scenario, place, requests)
            process.send_signal(signal.SIGTERM)
            if process.wait(_END_SECONDS) != 0:
                raise Failure(f"the proxy ended with status {process.returncode}: {said(process)}")
        if self.keep:
            shutil.copytree(folder, self.keep / scenario.name, dirs_exist_ok=True)
        return sum(self._instructions(path) for path in folder.glob("callgrind.out-*")
                   if int(path.name.rpartition("-")[2]) != _MAIN_THREAD)

    def _send(self, scenario, place, requests):
        # Of answers on many connections, how many a worker finds when it wakes up is chance.
        streams = 1 if scenario.upstream == "h1" else None
        done = subprocess.run(self.ground.load_command(scenario, place, 1, streams, requests), capture_output=True,
                              text=True, check=False)
        self.ground.check(requests, done.stdout, done.stderr)

    @staticmethod
    def _instructions(path):
        return int(re.search(r"^summary: (\d+)$", path.read_text(), re.MULTILINE)[1])

"""What goes on beside the requests of h1_push: configurations, and statistics that are read."""
import json
import os
import subprocess
import urllib.request

from benchmark.peers.nuncio import ConfigurationFiles
from benchmark.processes import Failure, said

# So many of each kind of change, which come again and again.
_CHANGES = 10
# As many bytes as a proxy with that configuration has statistics, about.
_STATISTICS_BYTES = 72 << 10
_NO_LIMIT = 1 << 30


class Pushes:
    """Between start() and stop() a change of the configuration every 100 ms, and statistics are read every second.
    Of a `calm` proxy nothing is asked: files are moved that it does not look at, and as much is read from the backend,
    so that the core of the load has as much to do."""

    def __init__(self, processes, programs, cores, scenario, place, calm):
        self.processes, self.program, self.cores, self.place, self.calm = (
            processes, programs / "pushes", cores, place, calm)
        self.process = None
        self.pushed = 0
        # Written before anything is measured: that takes longer than it takes a proxy to read them.
        changes = ConfigurationFiles(scenario, place).write_changes(_CHANGES)
        self.list = place.write("changes", "".join(f"{new} {path}\n" for new, path in changes))
        # Nor does the kernel write them to the disk then.
        os.sync()

    def start(self):
        place = self.place
        what = ([place.upstream_port, f"/b/{_STATISTICS_BYTES}", _STATISTICS_BYTES] if self.calm else
                [place.admin_port, "/stats/prometheus", _NO_LIMIT])
        self.process = self.processes.start([self.program, self.list, self.pushed, *what], self.cores,
                                            place.folder / "pushes.out", stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        self._line("ready")

    def _line(self, begin):
        line = self.process.stdout.readline()
        if not line.startswith(begin):
            raise Failure(f"pushes failed: {said(self.process)}")
        return line

    def stop(self):
        """Raises Failure where the proxy did not take what was pushed."""
        try:
            self.process.stdin.close()
            self.pushed += json.loads(self._line("{"))["pushed"]
        finally:
            self.processes.stop(self.process)
        if not self.calm:
            self._check()

    def _check(self):
        url = f"http://127.0.0.1:{self.place.admin_port}/stats?filter=update_(success|rejected)"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        counters = {name: int(value) for name, value in (line.split(": ") for line in lines)}
        taken = sum(value for name, value in counters.items() if name.endswith("update_success"))
        refused = sum(value for name, value in counters.items() if name.endswith("update_rejected"))
        if refused > 0 or taken < self.pushed / 2:
            raise Failure(f"{self.pushed} configurations were pushed, {taken} taken, {refused} refused")

#!/usr/bin/env python3
"""tools/bench: what it makes of rounds, and the whole of it with a real proxy, in short."""
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

NUNCIO = os.path.abspath(sys.argv.pop(1))
TOOLS = pathlib.Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
sys.dont_write_bytecode = True
from benchmark.figures import Rows, Spread  # noqa: E402
from benchmark.machine import (cpu_seconds, parse_cores, peak_resident_kib, proportional_kib,  # noqa: E402
                               resident_kib)
from benchmark.peers import registry  # noqa: E402
from benchmark.processes import Failure  # noqa: E402


def rounds(*values):
    return [{"closed": {"cpu_us": value}} for value in values]


class FiguresTest(unittest.TestCase):
    PATH = "closed.cpu_us"

    def rows(self):
        return Rows({"ours": rounds(8, 9, 20), "one": rounds(10, 12, 10), "two": rounds(16, 9, 20),
                     "floor": rounds(6, 6, 6)}, {"one", "two"}, "floor")

    def test_spread_is_median_and_range(self):
        self.assertEqual(self.rows().spread("ours", self.PATH), Spread(9, 8, 20))

    def test_the_median_is_known_better_the_more_rounds_there_are(self):
        likely = {count: Spread.of(range(1, count + 1)).likely for count in (1, 5, 6, 9, 41)}
        # Ranks of the sign test, as tables of it have them.
        self.assertEqual(likely, {1: (1, 1), 5: (1, 5), 6: (1, 6), 9: (2, 8), 41: (14, 28)})

    def test_the_best_has_the_lowest_median(self):
        self.assertEqual(self.rows().best(self.PATH), "one")

    def test_ratios_are_to_the_best_in_the_same_round(self):
        # 8 / 10, 9 / 12, 20 / 10.
        self.assertEqual(self.rows().to_best("ours", self.PATH), Spread(0.8, 0.75, 2))

    def test_without_a_peer_there_is_no_best(self):
        rows = Rows({"ours": rounds(8), "floor": rounds(6)}, set(), "floor")
        self.assertIsNone(rows.best(self.PATH))
        self.assertEqual(rows.to_best("ours", self.PATH), Spread())

    def test_what_is_above_the_floor(self):
        self.assertEqual(self.rows().above_floor("ours", self.PATH), Spread(3, 2, 14))

    def test_a_round_that_failed_is_left_out_of_ratios(self):
        rows = Rows({"ours": rounds(8, 9), "one": [{}, *rounds(6)]}, {"one"}, "floor")
        self.assertEqual(rows.to_best("ours", self.PATH), Spread(1.5, 1.5, 1.5))
        self.assertEqual(rows.above_floor("ours", self.PATH), Spread())


class MachineTest(unittest.TestCase):
    def test_processes_that_ended_have_no_time(self):
        ended = subprocess.Popen(["true"])
        ended.wait()
        self.assertEqual(cpu_seconds([ended.pid]), 0)
        self.assertGreater(cpu_seconds([ended.pid, os.getpid()]), 0)

    def test_nor_memory(self):
        ended = subprocess.Popen(["true"])
        # Ended, and not waited for.
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        for measure in (resident_kib, peak_resident_kib, proportional_kib):
            self.assertEqual(measure([ended.pid]), 0)
        ended.wait()
        for measure in (resident_kib, peak_resident_kib, proportional_kib):
            self.assertEqual(measure([ended.pid]), 0)


class ArgumentsTest(unittest.TestCase):
    def test_cores(self):
        self.assertEqual(parse_cores("0,2-4"), [0, 2, 3, 4])

    def test_the_first_candidate_is_there_twice(self):
        labels = [peer.label for peer in registry.candidates(["a=/bin/sh", "b=/bin/sh"], twice=True)]
        self.assertEqual(labels, ["a", "a again", "b"])

    def test_wrong_ones_are_refused(self):
        for call in (lambda: registry.candidates(["/bin/sh"], twice=False),
                     lambda: registry.candidates(["a=/nowhere"], twice=False),
                     lambda: registry.candidates(["a=/bin/sh", "a=/bin/sh"], twice=False),
                     lambda: registry.peers(["squid"], [], TOOLS),
                     lambda: registry.peers([], ["squid=/bin/sh"], TOOLS)):
            self.assertRaises(Failure, call)


class WholeTest(unittest.TestCase):
    # One of each kind of load.
    SCENARIOS = ("h1_small", "h1_post64k", "h1_close", "h1_push", "tls_h1", "h2tls_h1", "h2_h2", "tcp_small",
                 "h1_workers", "idle", "start")

    def test_measures(self):
        folder = pathlib.Path(os.environ["TEST_TMPDIR"])
        done = subprocess.run(
            [TOOLS / "bench", "--candidate", f"nuncio={NUNCIO}", "--peers", "nginx,floor", "--once", "--rounds", "2",
             "--scenarios", ",".join(self.SCENARIOS), "--seconds", "0.05", "--rate-seconds", "0.05",
             "--out", folder / "out"],
            env={**os.environ, "NUNCIO_CACHE": str(folder)}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        figures = json.loads((folder / "out/figures.json").read_text())["figures"]
        self.assertEqual(tuple(figures), self.SCENARIOS)
        for name, rows in figures.items():
            for each in itertools.chain(*rows.values()):
                if "closed" in each:
                    self.assertEqual([each["closed"]["failed"], each["fixed"]["failed"]], [0, 0], name)
                    self.assertGreater(each["closed"]["cpu_us"], 0, name)
        table = (folder / "out/table.md").read_text()
        self.assertEqual(re.findall(r"^## (\w+):", table, re.MULTILINE), list(self.SCENARIOS))
        self.assertIn("nuncio without", table)
        self.assertRegex(table, r"\nnuncio 2 workers: CPU per request ÷ that of one worker, median \(range\): \d")
        self.assertTrue((folder / "out/chart.svg").read_text().startswith("<svg "))


if __name__ == "__main__":
    unittest.main()

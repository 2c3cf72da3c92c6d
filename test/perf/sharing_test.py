#!/usr/bin/env python3
"""What line_trace and sharing.py find in a small trace: which lines go between workers, and how often."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))
sys.dont_write_bytecode = True
from benchmark.processes import Failure  # noqa: E402
from sharing import lines_of  # noqa: E402

LINE_TRACE = os.path.abspath(sys.argv.pop(1))
WORKERS = {2: "worker_0", 3: "worker_1"}


class Names:
    """As symbols would be: those of functions only."""

    def name(self, address, otherwise):
        return {0x400100: "First()", 0x400200: "Second()"}.get(address, otherwise)


def turn(thread, *events):
    """A part of a trace, of one thread."""
    acquired = f"--77--   SCHED[{thread}]:  acquired lock (VG_(scheduler):timeslice)\n"
    return acquired + "".join(f"{event}\n" for event in events) + f"--77--   SCHED[{thread}]: releasing lock (why)\n"


def lines(*turns, before=()):
    """`before`: what stands in the trace ahead of the window."""
    with tempfile.TemporaryDirectory() as folder:
        fifo = pathlib.Path(folder, "trace")
        os.mkfifo(fifo)
        with subprocess.Popen([LINE_TRACE, fifo], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            with open(fifo, "w", encoding="ascii") as trace:
                trace.write("==77== Lackey, an example Valgrind tool\n" + "".join(before))
                trace.flush()
                process.stdin.write("begin 2 3\n")
                process.stdin.flush()
                assert process.stdout.readline() == "begun\n"
                trace.write("".join(turns))
            said, _ = process.communicate("end\n", timeout=60)
    rows = [row.split() for row in said.splitlines()]
    assert rows.pop() == ["end"]
    return {line.address: line for line in lines_of(rows, WORKERS, Names())}


class SharingTest(unittest.TestCase):
    def test_a_line_written_by_both_in_turn_goes_each_time(self):
        first, second = ("I  400100,3", " M 00005000,8"), ("I  400200,3", " S 00005038,8")
        found = lines(*[turn(2, *first, *first), turn(3, *second)] * 3)
        self.assertEqual(list(found), [0x5000])
        line = found[0x5000]
        self.assertEqual(line.accesses, {"worker_0": 6, "worker_1": 3})
        self.assertEqual(line.moves, {"worker_0": 2, "worker_1": 3})
        self.assertIn("heap or stack, 5038: worker_1 writes 3 times in Second(), 3 times from the other", str(line))

    def test_a_line_that_one_writes_and_the_other_reads_goes_each_time(self):
        found = lines(*[turn(2, "I  400100,3", " S 00005000,8"), turn(3, *["I  400200,3", " L 00005010,4"] * 2)] * 3)
        self.assertEqual(found[0x5000].moves, {"worker_0": 2, "worker_1": 3})

    def test_memory_that_changes_hands_goes_once(self):
        found = lines(turn(2, *["I  400100,3", " S 00005000,8"] * 4), turn(3, *["I  400200,3", " S 00005000,8"] * 4))
        self.assertEqual(found[0x5000].moves.total(), 1)

    def test_lines_read_by_both_or_touched_by_one_stay(self):
        self.assertEqual(lines(turn(2, "I  400100,3", " L 00005000,8", " S 00006000,8"),
                               turn(3, "I  400200,3", " L 00005000,8", " S 00006040,8")), {})

    def test_what_crosses_the_end_of_a_line_touches_both(self):
        found = lines(turn(2, "I  400100,3", " S 0000503c,8"), turn(3, "I  400200,3", " S 00005048,1"))
        self.assertEqual(list(found), [0x5040])

    def test_other_threads_do_not_count(self):
        write = ("I  400100,3", " S 00005000,8")
        self.assertEqual(lines(turn(2, *write), turn(1, *write), turn(3, "I  400200,3", " S 00006000,8")), {})

    def test_what_was_before_the_window_does_not_count(self):
        write = ("I  400100,3", " S 00005000,8")
        # A turn goes on where the window begins.
        self.assertEqual(lines("I  400100,3\n S 00005000,8\n", turn(2, "I  400200,3", " S 00006000,8"),
                               before=[turn(2, *write), turn(3, *write)]), {})

    def test_each_worker_has_to_do_its_part(self):
        with self.assertRaisesRegex(Failure, "served its part"):
            lines(turn(2, "I  400100,3", " S 00005000,8"))


if __name__ == "__main__":
    unittest.main()

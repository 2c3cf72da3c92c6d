#!/usr/bin/env python3
"""tools/growth with a few items of each kind: every configuration serves, every change is taken, and the report has it
all."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

GROWTH = pathlib.Path("tools/growth/run").resolve()
NUNCIO = None


class GrowthTest(unittest.TestCase):
    def test_every_kind_is_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            svg = pathlib.Path(folder) / "growth.svg"
            done = subprocess.run([GROWTH, "--binary", NUNCIO, "--quick", "--sizes", "1,3", "--svg", svg],
                                  capture_output=True, text=True, timeout=240)
            self.assertEqual(done.returncode, 0, done.stderr)
            # What the proxy complains of is told there.
            self.assertEqual(done.stderr, "")
            tables = done.stdout.split("### ")[1:]
            self.assertEqual([table.split(":")[0] for table in tables],
                             ["virtual_hosts", "routes", "clusters", "endpoints", "tls_contexts", "listeners"])
            for table in tables:
                self.assertEqual(re.findall(r"(?m)^\| (\d+) \|", table), ["1", "3"], table)
            curves = xml.etree.ElementTree.parse(svg).getroot().iter("{http://www.w3.org/2000/svg}polyline")
            self.assertEqual(len(list(curves)), 4 * len(tables))

    def test_a_control_plane_in_place_of_files(self):
        done = subprocess.run([GROWTH, "--binary", NUNCIO, "--quick", "--state-dir", "--sizes", "1,3", "--kinds",
                               "clusters,endpoints,tls_contexts"], capture_output=True, text=True, timeout=240)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for table in done.stdout.split("### ")[1:]:
            self.assertEqual(re.findall(r"(?m)^\| (\d+) \|", table), ["1", "3"], table)

    def test_an_unknown_kind_is_refused(self):
        done = subprocess.run([GROWTH, "--binary", NUNCIO, "--kinds", "cluster"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no 'cluster'", done.stderr)


if __name__ == "__main__":
    NUNCIO = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

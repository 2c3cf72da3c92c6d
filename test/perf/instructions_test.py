#!/usr/bin/env python3
"""Compares the instructions that a request costs in each scenario with those of instructions.tsv. tools/instructions
runs it by hand and renews the file."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))
sys.dont_write_bytecode = True
from benchmark.processes import Failure, Processes  # noqa: E402
from benchmark.scenarios import SCENARIOS  # noqa: E402
import counting  # noqa: E402
import ground  # noqa: E402

# A change by more is told: noise is far below, and what is smaller may be compensated by another change.
BOUND = 0.03
NAMES = ("h1_small", "h1_log", "h1_vhosts", "h1_16k", "h1_post64k", "h1_close", "tls_h1", "tls_16k", "tls_handshake",
         "h2_h1", "h2tls_h1", "h2_h2", "tcp_small")
HEAD = """\
# Instructions that the workers of the proxy spend on a request, by scenario of tools/benchmark/scenarios.py: counted by
# callgrind, one connection, requests in lock-step. Written by `tools/instructions --update`; docs/performance.md.
"""


def read(path):
    lines = (line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: int(count) for name, count in lines}


def write(path, counts):
    path.write_text(HEAD + "".join(f"{name}\t{counts[name]}\n" for name in NAMES if name in counts))


def count(options):
    """Instructions per request by scenario; several at a time, since the clock plays no part."""
    with Processes() as processes, concurrent.futures.ThreadPoolExecutor(min(4, len(os.sched_getaffinity(0)))) as pool:
        counter = counting.Counter(ground.Ground(processes, options.nuncio, options.backend, options.load),
                                   options.keep)
        counts = pool.map(lambda name: round(counter.per_request(SCENARIOS[name])), options.scenarios)
        return dict(zip(options.scenarios, counts))


def compare(recorded, counts):
    """Prints a line for each scenario; what is out of bounds."""
    wrong = []
    for name, counted in counts.items():
        if name not in recorded:
            print(f"{name:14} {counted:9,}")
            wrong.append(f"{name} is not recorded")
            continue
        change = counted / recorded[name] - 1
        print(f"{name:14} {counted:9,}  recorded {recorded[name]:9,}  {change:+.2%}")
        if change > BOUND:
            wrong.append(f"{name} costs {change:.1%} more instructions than recorded")
        elif change < -BOUND:
            wrong.append(f"{name} costs {-change:.1%} fewer instructions than recorded, which is to be held")
    return wrong


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="renew instructions.tsv in the checkout")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="leave callgrind's files there")
    return ground.parse(parser, ("nuncio", "backend", "load"), NAMES, NAMES)


def main():
    options = parse()
    if not re.search(r"^flags\s*:.*\bavx2\b", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE):
        print("nothing is compared: without AVX2, libc and BoringSSL run other code than that which was recorded")
        return 0
    recorded = read(HERE / "instructions.tsv")
    try:
        counts = count(options)
    except Failure as failure:
        print(failure)
        return 1
    wrong = compare(recorded, counts)
    if options.update:
        write(pathlib.Path(os.environ["BUILD_WORKSPACE_DIRECTORY"], "test/perf/instructions.tsv"),
              {**recorded, **counts})
        return 0
    if wrong:
        print("\n".join(["", *wrong, "Where that is meant: tools/instructions --update. docs/performance.md tells how "
                         "to find what costs them."]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

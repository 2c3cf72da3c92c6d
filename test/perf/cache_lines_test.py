#!/usr/bin/env python3
"""Fails where a cache line goes between two workers for requests: one writes it, and the other writes or reads it.
tools/cache_lines runs it by hand."""
import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))
sys.dont_write_bytecode = True
from benchmark.processes import Failure, Processes  # noqa: E402
from benchmark.scenarios import SCENARIOS  # noqa: E402
import ground  # noqa: E402
from sharing import Tracer  # noqa: E402

NAMES = ("h1_log", "tls_h1", "h2_h2")
# A line may go once in so many: memory that one worker gives back to the system and another one gets does, and what the
# clock makes workers do.
REQUESTS = 50


def look(options):
    """The lines that go between workers, as text."""
    found = []
    with Processes() as processes:
        tracer = Tracer(ground.Ground(processes, options.nuncio, options.backend, options.load), options.line_trace)
        for name in options.scenarios:
            lines, requests = tracer.lines(SCENARIOS[name])
            shared = [line for line in lines if line.moves.total() > requests / REQUESTS]
            most = max((line.moves.total() for line in lines), default=0)
            print(f"{name:14} {requests} requests: {len(shared)} lines go between the workers, none more often than "
                  f"{most} times", flush=True)
            found += [f"\n{name}: {line}" for line in shared]
    return found


def main():
    options = ground.parse(argparse.ArgumentParser(description=__doc__), ("nuncio", "backend", "load", "line_trace"),
                           [name for name, scenario in SCENARIOS.items() if scenario.kind == "load"], NAMES)
    try:
        found = look(options)
    except Failure as failure:
        print(failure)
        return 1
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""The figures as Markdown."""
from benchmark.figures import Rows
from benchmark.peers.registry import AGAIN, FLOOR
from benchmark.rounds import QUIET, with_workers


def number(figure):
    if figure is None:
        return ""
    return f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"


def _range(spread):
    return "" if spread.median is None else f"{spread.median:.2f} ({spread.low:.2f}..{spread.high:.2f})"


def _likely(spread):
    return "" if spread.median is None else "{:.2f} ({:.2f}..{:.2f})".format(spread.median, *spread.likely)


def _percent(share):
    return "" if share is None else f"{share:.0%}"


def _width(spread):
    return "" if not spread.median else f"{(spread.high - spread.low) / spread.median:.0%}"


def _lines(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]


_LOAD_HEAD = ("proxy", "CPU µs/request", "spread", "÷ best (range)", "− floor", "requests/s", "busy", "others",
              "CPU µs at fixed rate", "÷ best (range)", "p50 µs", "p99 µs", "÷ best (95 %)", "p99.9 µs", "peak MiB",
              "failed")


def _load_row(rows, label):
    def median(path):
        return rows.spread(label, path).median

    cpu = rows.spread(label, "closed.cpu_us")
    peak = median("peak_kib")
    lost = sum(rows.total(label, f"{run}.{what}") for run in ("closed", "fixed") for what in ("failed", "unanswered"))
    lost += sum(1 for each in rows.rows[label] if not each)
    return (label, number(cpu.median), _width(cpu), _range(rows.to_best(label, "closed.cpu_us")),
            number(rows.above_floor(label, "closed.cpu_us").median) if label != FLOOR else "",
            number(median("closed.rps")), _percent(median("closed.utilisation")), _percent(median("closed.others")),
            number(median("fixed.cpu_us")), _range(rows.to_best(label, "fixed.cpu_us")),
            number(median("fixed.p50")), number(median("fixed.p99")), _likely(rows.to_best(label, "fixed.p99")),
            number(median("fixed.p999")), number(peak / 1024) if peak else "", str(lost))


def _memory_row(rows, label, columns):
    cells = [label]
    for path, divisor in columns:
        spread = rows.spread(label, path)
        cells += [number(spread.median / divisor) if spread.median is not None else "", _width(spread)]
    return (*cells, _range(rows.to_best(label, columns[0][0])))


def _scenario(scenario, rows):
    out = [f"## {scenario.name}: {scenario.what}", ""]
    if not rows.rows:
        return [*out, "No proxy was measured.", ""]
    if scenario.kind == "idle":
        return out + _lines(("proxy", "KiB per connection", "spread", "÷ best (range)"),
                            [_memory_row(rows, label, [("kib_per_connection", 1)]) for label in rows.rows]) + [""]
    if scenario.kind == "start":
        columns = [("resident_kib", 1024), ("peak_kib", 1024), ("start_ms", 1)]
        return out + _lines(("proxy", "resident MiB", "spread", "peak MiB", "spread", "start ms", "spread",
                             "resident ÷ best (range)"),
                            [_memory_row(rows, label, columns) for label in rows.rows]) + [""]
    best = {what: rows.best(path) for what, path in (("CPU at full load", "closed.cpu_us"),
                                                     ("CPU at the fixed rate", "fixed.cpu_us"), ("p99", "fixed.p99"))}
    named = ", ".join(f"{label} by {what}" for what, label in best.items() if label)
    best_peer = f" Best peer: {named}." if named else ""
    each = "" if scenario.scaling else " for each core of the proxy"
    out += [f"Fixed rate: {scenario.rate} requests/s{each}.{best_peer}", ""]
    out += _lines(_LOAD_HEAD, [_load_row(rows, label) for label in rows.rows]) + [""]
    for label in rows.rows:
        if label + QUIET in rows.rows:
            ratio = rows.to(label, label + QUIET, "fixed.p99")
            out += [f"{label}: p99 at the fixed rate ÷ p99 without, median (95 %): {_likely(ratio)}.", ""]
    return out + (_scaling(rows) if scenario.scaling else [])


def _scaling(rows):
    """CPU time per request over that of one worker in the same round."""
    out = []
    for one in [label for label in rows.rows if label.endswith(with_workers("", 1))]:
        name = one.removesuffix(with_workers("", 1))
        for label in rows.rows:
            if label != one and label.startswith(f"{name} ") and label.endswith(" workers"):
                full, fixed = (_range(rows.to(label, one, f"{run}.cpu_us")) for run in ("closed", "fixed"))
                out += [f"{label}: CPU per request ÷ that of one worker, median (range): {full} at full load, {fixed} "
                        "at the fixed rate.", ""]
    return out


def _tail(rows, label):
    if label + QUIET in rows.rows:
        return _likely(rows.to(label, label + QUIET, "fixed.p99")) + " of without"
    return _likely(rows.to_best(label, "fixed.p99"))


def _summary(scenarios, all_rows, candidates):
    """One line for each scenario: the candidates over the best peer, and the noise."""
    rows = []
    shown = [label for label in candidates if not label.endswith(AGAIN)]
    for scenario in scenarios:
        each = all_rows[scenario.name]
        path = {"idle": "kib_per_connection", "start": "resident_kib"}.get(scenario.kind, "closed.cpu_us")
        ratios = [_range(each.to_best(label, path)) if label in each.rows else "" for label in shown]
        tails = [_tail(each, label) if label in each.rows else "" for label in shown]
        twice = next((label for label in each.rows if label.endswith(AGAIN)), None)
        noise = [_range(each.to(twice, twice.removesuffix(AGAIN), path)),
                 _likely(each.to(twice, twice.removesuffix(AGAIN), "fixed.p99"))] if twice else ["", ""]
        if any([*ratios, *tails, *noise]):
            rows.append((scenario.name, *ratios, *tails, *noise))
    if not rows:
        return []
    head = ["scenario", *(f"{label}: CPU or memory ÷ best" for label in shown),
            *(f"{label}: p99 ÷ best" for label in shown), "noise: the same binary twice", "noise of p99"]
    return ["## Summary", "", "Ratio to the best peer in the same round: median and range; of p99 where the median lies "
            "with 95 %. Differences as small as those of the last columns mean nothing.", "", *_lines(head, rows), ""]


def markdown(about, scenarios, figures, peers, faults):
    competing = {peer.label for peer in peers if peer.competes}
    candidates = [peer.label for peer in peers if peer.candidate]
    rows = {scenario.name: Rows(figures[scenario.name], competing, FLOOR) for scenario in scenarios}
    versions = [f"- {peer.label}: {version}" for peer in peers if (version := peer.version())]
    out = ["# Benchmark", "", *about, "", *versions, "", *_summary(scenarios, rows, candidates)]
    for scenario in scenarios:
        out += _scenario(scenario, rows[scenario.name])
    if faults:
        out += ["## What failed", "", *(f"- {' '.join(fault.split())}" for fault in faults), ""]
    return "\n".join(out)

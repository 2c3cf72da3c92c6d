"""Results as Markdown and as an SVG of curves."""
import dataclasses
import math


@dataclasses.dataclass
class Result:
    size: int
    start_seconds: float
    resident_bytes: int
    request_seconds: float
    # Of one change, by thread.
    main_seconds: float
    config_seconds: float
    worker_seconds: float
    # What an item takes, by the difference to the smallest size; None of the smallest.
    bytes_per_item: float = None


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def table(kind, results):
    lines = [f"### {kind.name}: 1 → {results[-1].size:,}, an item is a {kind.item}", "",
             "| items | start, ms | resident, MiB | per item, bytes | CPU per request, µs "
             "| a change: main, ms | configuration thread, ms | workers, ms |",
             "|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for result in results:
        each = "-" if result.bytes_per_item is None else number(result.bytes_per_item)
        cells = [f"{result.size:,}", number(result.start_seconds * 1e3), f"{result.resident_bytes / (1 << 20):.1f}",
                 each,
                 f"{result.request_seconds * 1e6:.1f}", f"{result.main_seconds * 1e3:.2f}",
                 f"{result.config_seconds * 1e3:.2f}", f"{result.worker_seconds * 1e3:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


PANELS = (("start, ms", lambda r: r.start_seconds * 1e3, True),
          ("resident, MiB", lambda r: r.resident_bytes / (1 << 20), True),
          ("CPU per request, µs", lambda r: r.request_seconds * 1e6, False),
          ("main thread per change of one item, ms", lambda r: r.main_seconds * 1e3, True))
COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")
WIDTH, HEIGHT, MARGIN = 460, 300, 50


class Scale:
    def __init__(self, values, logarithmic, low, high):
        self.map = math.log10 if logarithmic else float
        least, most = min(values), max(values)
        self.least = self.map(10 ** math.floor(math.log10(least))) if logarithmic else 0.0
        self.most = self.map(10 ** math.ceil(math.log10(most))) if logarithmic else most * 1.1
        if self.most <= self.least:
            self.most = self.least + 1
        self.low, self.high, self.logarithmic = low, high, logarithmic

    def __call__(self, value):
        return self.low + (self.map(value) - self.least) / (self.most - self.least) * (self.high - self.low)

    def ticks(self):
        if self.logarithmic:
            return [10 ** e for e in range(round(self.least), round(self.most) + 1)]
        return [self.most * i / 4 for i in range(5)]


def panel(title, value, logarithmic, curves, left, top):
    x = Scale([r.size for results in curves.values() for r in results], True, left + MARGIN, left + WIDTH - 20)
    # Of a time below its resolution the logarithm is that of the resolution.
    shown = (lambda r: max(value(r), 1e-3)) if logarithmic else value
    y = Scale([shown(r) for results in curves.values() for r in results], logarithmic, top + HEIGHT - MARGIN, top + 40)
    out = [f'<text x="{left + MARGIN}" y="{top + 24}" font-weight="bold">{title}</text>']
    for tick in y.ticks():
        out.append(f'<line x1="{x.low}" x2="{x.high}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>'
                   f'<text x="{x.low - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x.ticks():
        out.append(f'<text x="{x(tick):.1f}" y="{y.low + 18}" text-anchor="middle">{tick:,}</text>')
    for color, results in zip(COLORS, curves.values()):
        points = [(x(r.size), y(shown(r))) for r in results]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{color}"/>' for a, b in points]
    return out


def svg(curves):
    """`curves`: results by name of kind."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {2 * HEIGHT + 40}" '
           'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for i, (title, value, logarithmic) in enumerate(PANELS):
        out += panel(title, value, logarithmic, curves, i % 2 * WIDTH, i // 2 * HEIGHT)
    for i, (color, name) in enumerate(zip(COLORS, curves)):
        left = MARGIN + i * 140
        out.append(f'<circle cx="{left}" cy="{2 * HEIGHT + 16}" r="4" fill="{color}"/>'
                   f'<text x="{left + 10}" y="{2 * HEIGHT + 20}">{name}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"

"""The figures as one SVG: for each scenario bars of CPU time per request and of p99 at the fixed rate, shorter is
better; a thin line spans the rounds."""
from xml.sax.saxutils import escape

from benchmark.figures import Rows
from benchmark.peers.registry import FLOOR
from benchmark.table import number

_PANELS = {
    "load": (("closed.cpu_us", 1, "CPU µs per request, full core"), ("fixed.p99", 1, "p99 µs at the fixed rate")),
    "idle": (("kib_per_connection", 1, "KiB per connection"),),
    "start": (("resident_kib", 1024, "resident MiB"), ("start_ms", 1, "ms until it takes connections")),
}
_LABEL, _BAR, _VALUE, _GAP = 130, 240, 70, 30
_ROW, _MARGIN = 18, 24
_WIDTH = 2 * _MARGIN + 2 * (_LABEL + _BAR + _VALUE) + _GAP
_CANDIDATE, _PEER, _FLOOR = "#1f6f8b", "#b9c2c9", "#e3e0d6"
_STYLE = ("text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:14px}"
          ".what{fill:#666}.value{font-variant-numeric:tabular-nums}")


def _text(x, y, text, kind="", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _bar(x, y, label, spread, longest, color):
    scale = _BAR / longest
    start, middle, width = x + _LABEL, y + _ROW / 2, max(1, spread.median * scale)
    return [
        _text(start - 6, y + 13, label, anchor="end"),
        f'<rect x="{start}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 6}" fill="{color}"/>',
        f'<line x1="{start + spread.low * scale:.1f}" x2="{start + spread.high * scale:.1f}" y1="{middle}" '
        f'y2="{middle}" stroke="#222"/>',
        _text(start + spread.high * scale + 5, y + 13, number(spread.median), "value"),
    ]


def _panel(x, y, rows, colors, path, divisor, what):
    spreads = {label: rows.spread(label, path) for label in rows.rows}
    spreads = {label: type(spread)(spread.median / divisor, spread.low / divisor, spread.high / divisor)
               for label, spread in spreads.items() if spread.median is not None}
    out = [_text(x + _LABEL, y, what, "what")]
    longest = max((spread.high for spread in spreads.values()), default=0) or 1
    for place, (label, spread) in enumerate(sorted(spreads.items(), key=lambda item: item[1].median)):
        out += _bar(x, y + 6 + place * _ROW, label, spread, longest, colors[label.split(" ")[0]])
    return out, 6 + len(spreads) * _ROW


def svg(about, scenarios, figures, peers):
    competing = {peer.label for peer in peers if peer.competes}
    colors = {peer.label.split(" ")[0]: _CANDIDATE if peer.candidate else _FLOOR if peer.label == FLOOR else _PEER
              for peer in peers}
    out = [_text(_MARGIN, _MARGIN + 14 + place * _ROW, line, "what") for place, line in enumerate(about)]
    y = _MARGIN + len(about) * _ROW
    for scenario in scenarios:
        rows = Rows(figures[scenario.name], competing, FLOOR)
        y += 36
        out.append(_text(_MARGIN, y, scenario.name, "title"))
        out.append(_text(_MARGIN + _LABEL, y, scenario.what, "what"))
        heights = []
        for place, panel in enumerate(_PANELS[scenario.kind]):
            shapes, height = _panel(_MARGIN + place * (_LABEL + _BAR + _VALUE + _GAP), y + 22, rows, colors, *panel)
            out += shapes
            heights.append(height)
        y += 22 + max(heights)
    height = y + _MARGIN
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}"><style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>\n'
            + "\n".join(out) + "\n</svg>\n")

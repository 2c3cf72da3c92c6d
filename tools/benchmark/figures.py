"""What rounds say together. Ratios are taken within a round and then their median, so that the day's noise, which falls
on all of a round, falls out."""
import dataclasses
import math
import statistics


def _outer_rank(count):
    """k, so that the median of what `count` values were drawn from lies with 95 % from the k-th lowest to the k-th highest
    of them, whatever it is that they were drawn from; at least 1."""
    below, rank = 0.5 ** count, 0
    while below <= 0.025:
        rank += 1
        below += math.comb(count, rank) * 0.5 ** count
    return max(rank, 1)


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of rounds, and their range. All None where no round has the figure."""
    median: float = None
    low: float = None
    high: float = None
    # Where the median of endless rounds would be, with 95 %; of five rounds or fewer their range.
    likely: tuple = dataclasses.field(default=None, compare=False)

    @staticmethod
    def of(values):
        values = sorted(value for value in values if value is not None)
        if not values:
            return Spread()
        rank = _outer_rank(len(values))
        return Spread(statistics.median(values), values[0], values[-1], (values[rank - 1], values[-rank]))


def value(figures, path):
    """figures["a"]["b"] by "a.b", None where it is missing."""
    for name in path.split("."):
        if name not in figures:
            return None
        figures = figures[name]
    return figures


class Rows:
    """The figures of one scenario: label -> one dictionary for each round."""

    def __init__(self, rows, competing, floor):
        self.rows = rows
        self.competing = [label for label in rows if label in competing]
        self.floor = floor

    def spread(self, label, path):
        return Spread.of(value(each, path) for each in self.rows[label])

    def _paired(self, label, other, path, combine):
        """`combine` of two figures of the same round."""
        pairs = ((value(mine, path), value(theirs, path))
                 for mine, theirs in zip(self.rows[label], self.rows.get(other, ())))
        return Spread.of(combine(mine, theirs) if mine is not None and theirs else None for mine, theirs in pairs)

    def best(self, path):
        """The real peer whose median is the lowest; None where none has the figure."""
        medians = {label: self.spread(label, path).median for label in self.competing}
        medians = {label: median for label, median in medians.items() if median is not None}
        return min(medians, key=medians.get, default=None)

    def to_best(self, label, path):
        """Over the best peer, in the same round. The lowest of each round would rather be the luckiest one."""
        return self.to(label, self.best(path), path)

    def to(self, label, other, path):
        return self._paired(label, other, path, lambda mine, theirs: mine / theirs)

    def above_floor(self, label, path):
        return self._paired(label, self.floor, path, lambda mine, floor: mine - floor)

    def total(self, label, path):
        return sum(value(each, path) or 0 for each in self.rows[label])

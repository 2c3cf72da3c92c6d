"""What rounds say together. Ratios are taken within a round and then their median, so that the day's noise, which falls
on all of a round, falls out."""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of rounds, and their range. All None where no round has the figure."""
    median: float = None
    low: float = None
    high: float = None

    @staticmethod
    def of(values):
        values = [value for value in values if value is not None]
        return Spread(statistics.median(values), min(values), max(values)) if values else Spread()


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
        self.floor = rows.get(floor)

    def spread(self, label, path):
        return Spread.of(value(each, path) for each in self.rows[label])

    def _paired(self, label, others, path, combine):
        """`combine` of a figure and the lowest of others in the same round."""
        values = []
        for number, each in enumerate(self.rows[label]):
            mine = value(each, path)
            theirs = [value(rows[number], path) for rows in others if number < len(rows)]
            theirs = [other for other in theirs if other]
            values.append(combine(mine, min(theirs)) if mine is not None and theirs else None)
        return Spread.of(values)

    def to_best(self, label, path):
        """Over the best peer of the same round."""
        others = [self.rows[other] for other in self.competing]
        return self._paired(label, others, path, lambda mine, best: mine / best)

    def to(self, label, other, path):
        return self._paired(label, [self.rows[other]], path, lambda mine, theirs: mine / theirs)

    def above_floor(self, label, path):
        others = [self.floor] if self.floor else []
        return self._paired(label, others, path, lambda mine, floor: mine - floor)

    def total(self, label, path):
        return sum(value(each, path) or 0 for each in self.rows[label])

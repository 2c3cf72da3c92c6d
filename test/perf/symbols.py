"""Names of a running program's functions and static data."""
import bisect
import pathlib
import re
import subprocess

_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+ +(/.*)")
# What the compiler makes of a function in place of it.
_CLONE = re.compile(r" \[clone [^]]*\]")


class _File:
    """The symbols of a program or library, by their addresses within it."""

    def __init__(self, path):
        symbols = []
        # Libraries without others have dynamic ones.
        for options in ((), ("--dynamic",)):
            said = subprocess.run(["nm", "--demangle", "--defined-only", "--format=posix", *options, path],
                                  capture_output=True, text=True, check=False).stdout
            for line in said.splitlines():
                parts = line.rsplit(" ", 3)
                if len(parts) == 4 and parts[3]:
                    name = _CLONE.sub("", parts[0])
                    symbols.append((int(parts[2], 16), int(parts[3], 16), name))
            if symbols:
                break
        self.symbols = sorted(symbols)

    def name(self, address):
        index = bisect.bisect_right(self.symbols, (address, 1 << 64, "")) - 1
        if index < 0:
            return None
        start, size, name = self.symbols[index]
        return f"{name}+{address - start:#x}" if address < start + max(size, 1) else None


class Symbols:
    def __init__(self, pid):
        """Of process `pid` as it is mapped now."""
        self.mappings = []
        self.bases = {}
        self.files = {}
        last = ""
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            match = _MAPPING.match(line)
            if match:
                start, end, offset, last = int(match[1], 16), int(match[2], 16), int(match[3], 16), match[4]
                self.bases.setdefault(last, start - offset)
            else:
                # Behind the pages of a file stand its zeroed ones.
                first, _, rest = line.partition("-")
                start, end = int(first, 16), int(rest.split()[0], 16)
                if line.rstrip().endswith("]") or not self.mappings or self.mappings[-1][1] != start:
                    last = ""
            if last:
                self.mappings.append((start, end, last))

    def name(self, address, otherwise):
        """`name+offset`, or the file, or `otherwise` where the address belongs to neither."""
        for start, end, path in self.mappings:
            if start <= address < end:
                file = self.files.get(path) or self.files.setdefault(path, _File(path))
                base = self.bases[path]
                return file.name(address - base) or f"{pathlib.Path(path).name}+{address - base:#x}"
        return otherwise

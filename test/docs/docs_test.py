#!/usr/bin/env python3
"""What README.md and docs/ name must be there: paths, links, Bazel targets, symbols, statistics, flags.

Takes the folder of the checkout as its argument; without one, finds it from its own place.
"""
import pathlib
import re
import sys
import unittest

# Folders whose paths are looked for; what begins with another word is no path of ours.
TOP = ("api", "ci", "docs", "source", "test", "tools")
# Made by a build or by a reader of the README, so not in the checkout.
MADE = {"dist/nuncio", "dist/nuncio-control", "dist/nuncioctl", "dist/"}
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
SYMBOL = re.compile(r"^((?:[A-Za-z_]\w*::)+)([A-Za-z_]\w*)$")
STATISTIC = re.compile(r"^(?:downstream|upstream|membership|update)_[a-z0-9_]+$")
TARGET = re.compile(r"^//([\w/]+):([\w.-]+)$")


def checkout():
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        return pathlib.Path(sys.argv.pop(1)).resolve()
    # In Bazel's run this file is a link to the one in the checkout.
    return pathlib.Path(__file__).resolve().parents[2]


def anchors(text):
    """The anchors that headings of a page get."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(kept.replace(" ", "-"))
    return found


class Tree:
    """The sources, as far as the documentation speaks of them."""

    def __init__(self, root):
        self.root = root
        self.texts = {path: path.read_text(errors="replace")
                      for folder in ("source", "api")
                      for path in sorted((root / folder).rglob("*"))
                      if path.suffix in (".h", ".cc", ".proto")}
        self.definitions = {}
        defined = re.compile(r"\b(?:class|struct|enum|message|service)\s+(?:class\s+)?(?:alignas\(\w+\)\s+)?"
                             r"([A-Za-z_]\w*)")
        self.namespaces = {}
        for path, text in self.texts.items():
            for name in defined.findall(text):
                self.definitions.setdefault(name, set()).add(path)
            for name in re.findall(r"^namespace nuncio(?:::(\w+(?:::\w+)*))?", text, re.MULTILINE):
                for part in name.split("::"):
                    self.namespaces.setdefault(part, set()).add(path)
        # Blocks of statistics are classes made by a macro.
        self.telemetry = "\n".join(text for path, text in self.texts.items() if path.parent.name == "telemetry")
        self.flags = "\n".join(text for path, text in self.texts.items() if path.name == "options.cc")
        for script in sorted((root / "ci").glob("*")) + sorted((root / "tools").rglob("*")):
            if script.is_file():
                self.flags += script.read_text(errors="replace")
        bazelrc = root / ".bazelrc"
        self.configs = bazelrc.read_text() if bazelrc.exists() else ""

    def has_symbol(self, qualifiers, member):
        """Whether `member` is said in a file that defines the innermost qualifier, or in that file's .cc or .h."""
        inner = qualifiers[-1]
        for path in self.definitions.get(inner, set()) | self.namespaces.get(inner, set()):
            for each in (path, path.with_suffix(".cc"), path.with_suffix(".h")):
                if re.search(rf"\b{re.escape(member)}\b", self.texts.get(each, "")):
                    return True
        return False

    def has_flag(self, name):
        # C++ tables give names with or without the dashes; scripts name them as they are typed.
        return f'"{name[2:]}"' in self.flags or re.search(rf"{name}\b(?!-)", self.flags) is not None

    def has_target(self, package, name):
        build = self.root / package / "BUILD.bazel"
        return build.exists() and f'name = "{name}"' in build.read_text()


class DocsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = ROOT
        cls.tree = Tree(ROOT)
        cls.pages = {path: path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
        # Code in the running text; blocks of code are configurations and commands to be copied.
        cls.codes = [(path, code) for path, text in cls.pages.items() for code in CODE.findall(FENCE.sub("", text))]

    def refuse(self, wrong, what):
        if wrong:
            self.fail(f"{what}:\n" + "\n".join(f"  {path.relative_to(self.root)}: {text}" for path, text in wrong))

    def test_there_is_something_to_check(self):
        self.assertGreater(len(self.pages), 4)
        self.assertGreater(len(self.codes), 200)
        self.assertGreater(len(self.tree.definitions), 200)

    def test_paths_exist(self):
        wrong = []
        for page, code in self.codes:
            path = code.split()[0]
            if path.split("/")[0] not in TOP or "/" not in path or path in MADE or path.endswith("..."):
                continue
            if not (self.root / path).exists():
                wrong.append((page, code))
        self.refuse(wrong, "named, and not in the checkout")

    def test_links_lead_somewhere(self):
        wrong = []
        for page, text in self.pages.items():
            for link in LINK.findall(FENCE.sub("", text)):
                if "://" in link:
                    continue
                name, _, anchor = link.partition("#")
                target = (page.parent / name).resolve() if name else page
                if not target.exists():
                    wrong.append((page, link))
                elif anchor and anchor not in anchors(target.read_text()):
                    wrong.append((page, f"{link} (no such heading)"))
        self.refuse(wrong, "links to nothing")

    def test_symbols_exist(self):
        wrong = []
        for page, code in self.codes:
            match = SYMBOL.match(code.removesuffix("()"))
            # What has no capital is a format, such as `name::address`: types and functions of ours have one.
            if match is None or code == code.lower() or match[1].startswith(("std::", "absl::")):
                continue
            if not self.tree.has_symbol(match[1].rstrip(":").split("::"), match[2]):
                wrong.append((page, code))
        self.refuse(wrong, "no such symbol in source/")

    def test_statistics_exist(self):
        # Fields of the API and details of answers may begin with the same words.
        protos = "\n".join(text for path, text in self.tree.texts.items() if path.suffix == ".proto")
        details = "\n".join(text for path, text in self.tree.texts.items() if path.parent.name == "proxy")
        wrong = [(page, code) for page, code in self.codes
                 if STATISTIC.match(code) and not re.search(rf"\b{code}\b", self.tree.telemetry + protos)
                 and f'"{code}"' not in details]
        self.refuse(wrong, "no statistic, field or detail of that name")

    def test_targets_exist(self):
        wrong = []
        for page, code in self.codes:
            match = TARGET.match(code)
            if match is not None and not self.tree.has_target(match[1], match[2]):
                wrong.append((page, code))
        self.refuse(wrong, "no such Bazel target")

    def test_flags_exist(self):
        wrong = []
        for page, code in self.codes:
            for flag in re.findall(r"(?:^|\s)(--[a-z][a-z0-9-]*)(?:[=\s]|$)", code):
                config = re.search(r"--config=(\w+)", code)
                if config is not None:
                    if f"build:{config[1]} " not in self.tree.configs:
                        wrong.append((page, code))
                elif not self.tree.has_flag(flag):
                    wrong.append((page, code))
        self.refuse(wrong, "no program takes this flag")

    def test_details_of_answers_exist(self):
        everything = "\n".join(self.tree.texts.values())
        wrong = []
        for page, code in self.codes:
            if not re.match(r"^(http1\.[a-z0-9_.]+|upstream_reset_\w+(\{\w+\})?)$", code):
                continue
            # Statistics of the codec begin with the same word.
            statistic = code.removeprefix("http1.")
            if f'"{code}"' not in everything and not re.search(rf"\b{statistic}\b", self.tree.telemetry):
                wrong.append((page, code))
        self.refuse(wrong, "no answer has these details")


ROOT = checkout()
if __name__ == "__main__":
    unittest.main()

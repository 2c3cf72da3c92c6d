"""The programs in C++: backend, forwarder, load and pushes, compiled into a cache outside the checkout."""
import hashlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
_SOURCES = ROOT / "tools/benchmark/native"
_FLAGS = ["-O2", "-std=c++20", "-Wall", "-Wextra", f"-I{ROOT}"]
_SHARED = ["sockets.cc", "poller.cc"]
_PROGRAMS = {
    "backend": (["backend/*.cc"], []),
    "forwarder": (["forwarder.cc"], []),
    "load": (["load/*.cc"], ["-lssl", "-lcrypto"]),
    "pushes": (["pushes.cc"], []),
}


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("NUNCIO_CACHE") or f"{home}/nuncio") / "benchmark"


def build():
    """The folder with the programs. What was compiled from the same sources is taken from the cache."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCES.rglob("*")):
        if path.suffix in (".cc", ".h"):
            digest.update(path.read_bytes())
    folder = cache() / digest.hexdigest()[:16]
    for name, (patterns, libraries) in _PROGRAMS.items():
        if (folder / name).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        print(f"compiling {name}", file=sys.stderr)
        sources = [str(path) for pattern in [*patterns, *_SHARED] for path in sorted(_SOURCES.glob(pattern))]
        new = folder / f"{name}.{os.getpid()}"
        subprocess.run(["g++", *_FLAGS, "-o", new, *sources, *libraries], check=True)
        new.rename(folder / name)
    return folder

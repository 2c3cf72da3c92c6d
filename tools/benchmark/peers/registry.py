"""The peers by name."""
import dataclasses
import os
import shutil
import subprocess

from benchmark.peers.forwarder import Forwarder
from benchmark.peers.haproxy import Haproxy
from benchmark.peers.nghttpx import Nghttpx
from benchmark.peers.nginx import Nginx
from benchmark.peers.nuncio import Nuncio
from benchmark.processes import Failure

FLOOR = "floor"
AGAIN = " again"


@dataclasses.dataclass(frozen=True)
class Peer:
    label: str
    proxy: object
    # Counts when the best peer is looked for: neither the floor nor a candidate does.
    competes: bool = False
    candidate: bool = False

    def version(self):
        """What the program says of itself; empty where it says nothing."""
        if self.proxy.version_flag is None:
            return ""
        said = subprocess.run([self.proxy.binary, self.proxy.version_flag], capture_output=True, text=True, check=False)
        return next(iter((said.stdout + said.stderr).splitlines()), "")


@dataclasses.dataclass(frozen=True)
class _Kind:
    make: object
    program: str
    package: str


_KINDS = {
    "nginx": _Kind(Nginx, "nginx", "nginx-light libnginx-mod-stream"),
    "haproxy": _Kind(Haproxy, "haproxy", "haproxy"),
    "haproxy-splice": _Kind(lambda binary: Haproxy(binary, splice=True), "haproxy", "haproxy"),
    "nghttpx": _Kind(Nghttpx, "nghttpx", "nghttp2-proxy"),
}
NAMES = (*_KINDS, FLOOR)


def _executable(path):
    path = os.path.abspath(os.path.expanduser(path))
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise Failure(f"{path} is no program")
    return path


def _name_and_path(text, option):
    name, separator, path = text.partition("=")
    if not separator or not name or not path:
        raise Failure(f"{option} {text}: wants NAME=PATH")
    return name, _executable(path)


def _debian(name):
    """The program's path or None. Those of administrators are not on everybody's PATH."""
    return shutil.which(_KINDS[name].program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def peers(names, others, programs):
    """Peers of these names, and others as KIND=PATH or KIND:LABEL=PATH. What is missing is told and left out."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise Failure(f"unknown peer {', '.join(unknown)}; there are {', '.join(NAMES)}")
    found, missing = [], []
    replaced = {}
    for text in others:
        name, path = _name_and_path(text, "--peer")
        kind, _, label = name.partition(":")
        if kind not in _KINDS:
            raise Failure(f"--peer {text}: unknown kind {kind}; there are {', '.join(_KINDS)}")
        replaced[label or kind] = (kind, path)
    for name in dict.fromkeys([*(name for name in names if name != FLOOR), *replaced]):
        kind, path = replaced[name] if name in replaced else (name, _debian(name))
        if path is None:
            missing.append(f"{name} (apt-get install {_KINDS[name].package})")
        else:
            found.append(Peer(name, _KINDS[kind].make(path), competes=True))
    if FLOOR in names:
        found.append(Peer(FLOOR, Forwarder(programs / "forwarder")))
    return found, missing


def candidates(arguments, twice):
    """Candidates as NAME=PATH, `twice`: the first one also under another name, which shows what means nothing."""
    found = []
    for text in arguments:
        name, path = _name_and_path(text, "--candidate")
        found.append(Peer(name, Nuncio(path), candidate=True))
    if twice and found:
        found.insert(1, dataclasses.replace(found[0], label=found[0].label + AGAIN))
    labels = [peer.label for peer in found]
    doubled = {label for label in labels if labels.count(label) > 1}
    if doubled:
        raise Failure(f"several candidates are called {', '.join(sorted(doubled))}")
    return found

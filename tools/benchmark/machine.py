"""What the kernel knows of a process, and how the machine is shared out."""
import ctypes
import fcntl
import os
import pathlib
import re
import socket
import struct

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_AND_RUNNING = 0x41
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def description():
    """Processor and kernel."""
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{model[1] if model else os.uname().machine}, {os.cpu_count()} cores, Linux {os.uname().release}"


def parse_cores(text):
    """"0", "0,2", "0-3" as a list."""
    cores = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        cores += range(int(first), int(last or first) + 1)
    return cores


def own_cores():
    return sorted(os.sched_getaffinity(0))


def isolate():
    """Moves this process into a network of its own, which has a loopback device only and the settings below. Says what
    stands in the way, or nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        return os.strerror(ctypes.get_errno())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14s", b"lo", _IFF_UP_AND_RUNNING, b""))
    settings = {"ipv4/tcp_congestion_control": "reno", "ipv4/ip_local_port_range": "10000 65000",
                "core/somaxconn": "8192"}
    for name, value in settings.items():
        try:
            pathlib.Path("/proc/sys/net", name).write_text(value)
        except OSError as error:
            return f"/proc/sys/net/{name}: {error.strerror}"
    return ""


def congestion_control():
    return pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _stat(pid):
    """The fields behind the name, which may hold anything."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(pid):
    """A process and all that descend from it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_stat(entry)[1]), []).append(int(entry))
            except OSError:
                pass  # Ended meanwhile.
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def cpu_seconds(pids):
    """Time on a core of all threads, what the kernel does in interrupts on their behalf included. Of those that ended
    meanwhile, as helpers that nghttpx has at its start do, it is not known."""
    nanoseconds = 0
    for pid in pids:
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                nanoseconds += int(path.read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
    return nanoseconds / 1e9


def core_seconds(cores):
    """Time that cores were busy with anything, to the clock tick."""
    wanted = {f"cpu{core}" for core in cores}
    busy = 0
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        name, *values = line.split()
        if name in wanted:
            user, nice, system, _idle, _iowait, irq, softirq, steal = (int(value) for value in values[:8])
            busy += user + nice + system + irq + softirq + steal
    return busy / _TICKS_PER_SECOND


def _kibibytes(pids, file, field):
    """What has ended has none, waited for by its parent or not."""
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/{file}").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        match = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
        total += int(match[1]) if match else 0
    return total


def peak_resident_kib(pids):
    """Pages that processes share count for each of them."""
    return _kibibytes(pids, "status", "VmHWM")


def resident_kib(pids):
    return _kibibytes(pids, "status", "VmRSS")


def proportional_kib(pids):
    """Shared pages are shared out."""
    return _kibibytes(pids, "smaps_rollup", "Pss")

"""Processes on cores of their own, in a folder of their own, that end with the benchmark."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

_START_SECONDS = 20
_STOP_SECONDS = 5


class Failure(Exception):
    """What stands in the way of a measurement, in words for the one who runs it."""


class Processes:
    def __init__(self, nice=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nuncio-bench."))
        # Workers of some proxies leave root behind.
        self.folder.chmod(0o755)
        self.nice = nice
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in list(self.running):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, cores, output, **options):
        """`output`: a file for what it says, standard output too unless options name another place for it."""
        with open(output, "ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **options}
            process = subprocess.Popen([str(word) for word in command], cwd=self.folder, start_new_session=True,
                                       preexec_fn=lambda: self._enter(cores), **streams)
        process.output = pathlib.Path(output)
        self.running.append(process)
        return process

    def _enter(self, cores):
        os.sched_setaffinity(0, cores)
        if self.nice:
            os.nice(self.nice)
            try:
                # Between sessions the scheduler goes by this, where it groups by session.
                pathlib.Path("/proc/self/autogroup").write_text(str(self.nice))
            except OSError:
                pass

    def stop(self, process):
        """Ends a process and its children."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(_STOP_SECONDS)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        self.running.remove(process)

    def wait_for_port(self, process, port, patience=_START_SECONDS):
        """Seconds until the port of a process took a connection."""
        begin = time.monotonic()
        while time.monotonic() < begin + patience:
            if process.poll() is not None:
                raise Failure(f"ended with status {process.returncode}: {said(process)}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return time.monotonic() - begin
            except OSError:
                time.sleep(0.005)
        raise Failure(f"takes no connections after {patience} seconds: {said(process)}")


def said(process):
    """The end of what a process wrote."""
    return process.output.read_text(errors="replace")[-800:].strip() or "it said nothing"

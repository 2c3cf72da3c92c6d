"""What is measured."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    what: str
    # Spoken by the client: h1, h1tls, h2c, h2tls, tcp; and by the backend: h1, h2.
    front: str
    upstream: str
    # Arguments of the load program, and requests per second of the run at a fixed rate.
    load: tuple = ()
    rate: int = 0
    # "load"; "idle": memory per connection that does nothing; "start": time and memory of a proxy just started.
    kind: str = "load"
    # Virtual hosts of two routes each; 0: one of one route.
    hosts: int = 0
    access_log: bool = False
    # Of candidates only: an access log, statistics read every second and a configuration every 100 ms, beside the same
    # proxy without any of them.
    pushed: bool = False
    # Of candidates only: with one worker, with two and with four, as far as there are cores.
    scaling: bool = False

    @property
    def tls(self):
        return self.front.endswith("tls")

    @property
    def http2(self):
        return self.front.startswith("h2")

    @property
    def connections(self):
        return int(self.load[self.load.index("--connections") + 1])

    @property
    def bodies(self):
        """Messages are large enough for splice() to be of use."""
        return any(size in argument for argument in self.load for size in ("16384", "65536", "1048576"))


def _load(text):
    return tuple(text.split())


_SMALL = _load("--connections 64 --path /b/128")
_STREAMS = _load("--http2 --connections 8 --streams 32 --path /b/128")
_CALLS = _load("--http2 --connections 8 --streams 32 --method POST --path /package.Service/Method --grpc --body 69")

_ALL = (
    Scenario("h1_small", "GET, 128 B", "h1", "h1", _SMALL, 5000),
    Scenario("h1_log", "h1_small and an access log in a file", "h1", "h1", _SMALL, 5000, access_log=True),
    Scenario("h1_vhosts", "h1_small with 1000 virtual hosts of two routes", "h1", "h1",
             _load("--connections 64 --path /api/v1/items --hosts 1000"), 5000, hosts=1000),
    Scenario("h1_16k", "GET, 16 KiB", "h1", "h1", _load("--connections 64 --path /b/16384"), 4000),
    Scenario("h1_1m", "GET, 1 MiB", "h1", "h1", _load("--connections 16 --path /b/1048576"), 150),
    Scenario("h1_post64k", "POST, 64 KiB", "h1", "h1",
             _load("--connections 32 --method POST --body 65536 --path /b/16"), 1500),
    Scenario("h1_close", "a connection for every GET", "h1", "h1",
             _load("--connections 32 --close --path /b/128"), 2000),
    Scenario("h1_push", "h1_small with access log, statistics and a configuration every 100 ms", "h1", "h1", _SMALL,
             5000, access_log=True, pushed=True),
    Scenario("tls_h1", "TLS 1.3, GET, 128 B", "h1tls", "h1", ("--tls", *_SMALL), 4000),
    Scenario("tls_16k", "TLS 1.3, GET, 16 KiB", "h1tls", "h1", _load("--tls --connections 64 --path /b/16384"), 2000),
    Scenario("tls_handshake", "a full TLS 1.3 handshake (P-256) for every GET", "h1tls", "h1",
             _load("--tls --connections 32 --close --path /b/128"), 300),
    Scenario("h2_h1", "HTTP/2, GET, 128 B, 8 x 32 streams, to HTTP/1.1", "h2c", "h1", _STREAMS, 4000),
    Scenario("h2tls_h1", "the same with TLS 1.3", "h2tls", "h1", ("--tls", *_STREAMS), 4000),
    Scenario("h2_h2", "gRPC-like calls, 8 x 32 streams, to HTTP/2", "h2c", "h2", _CALLS, 4000),
    Scenario("tcp_small", "TCP, exchanges of 128 B", "tcp", "h1", _SMALL, 5000),
    Scenario("tcp_1m", "TCP, 1 MiB downloads", "tcp", "h1", _load("--connections 16 --path /b/1048576"), 150),
    Scenario("h1_workers", "h1_small with one worker and more", "h1", "h1", _SMALL, 5000, scaling=True),
    Scenario("h2_workers", "h2_h2 with one worker and more", "h2c", "h2", _CALLS, 4000, scaling=True),
    Scenario("idle", "1000 idle connections", "h1", "h1", _load("--connections 1000 --path /b/128"), kind="idle"),
    Scenario("idle_tls", "1000 idle TLS connections", "h1tls", "h1", _load("--tls --connections 1000 --path /b/128"),
             kind="idle"),
    Scenario("start", "just started, two workers", "h1", "h1", kind="start"),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
QUICK = ("h1_small", "tls_h1", "h2_h1")

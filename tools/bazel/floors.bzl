"""The floors of source/, from the ground up: a folder is visible to the floors above it, and to tests and tools."""

_FLOORS = [
    "base",
    "event",
    "buffer",
    "config",
    "telemetry",
    "net",
    "http",
    "matcher",
    "tls",
    "route",
    "upstream",
    "grpc",
    "access_log",
    "filter",
    "proxy",
    "extensions",
    "listener",
    "xds",
    "bootstrap",
    "admin",
    "server",
]

# Programs of their own beside the proxy. They use what is pure: `:config` targets and what these stand on.
_PROGRAMS = [
    "control",
    "ctl",
]

def visible_above(floor):
    """Visibility of the targets of //source/<floor>, its own subfolders included."""
    above = _FLOORS[_FLOORS.index(floor):] + _PROGRAMS
    return ["//source/%s:__subpackages__" % name for name in above] + [
        "//test:__subpackages__",
        "//tools:__subpackages__",
    ]

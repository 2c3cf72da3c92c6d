"""The floor: forwards TCP without looking at it."""


class Forwarder:
    version_flag = None

    def __init__(self, binary):
        self.binary = binary

    def command(self, scenario, place):
        # What the client says must be what the backend understands, and the paths those of the backend.
        plain = scenario.front in ("tcp", "h1") and scenario.upstream == "h1"
        same = plain or (scenario.front, scenario.upstream) == ("h2c", "h2")
        if not same or scenario.access_log or scenario.hosts:
            return None
        return [self.binary, place.port, place.upstream_port]

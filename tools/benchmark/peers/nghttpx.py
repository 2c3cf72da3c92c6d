"""nghttpx, the proxy of nghttp2."""


class Nghttpx:
    version_flag = "--version"

    def __init__(self, binary):
        self.binary = binary

    def command(self, scenario, place):
        if scenario.front == "tcp":
            return None
        protocol = ";proto=h2" * (scenario.upstream == "h2")
        hosts = [f"host{i}.example.com/" for i in range(scenario.hosts)] + ["/"]
        lines = [
            f"frontend=127.0.0.1,{place.port}{'' if scenario.tls else ';no-tls'}",
            *(f"backend=127.0.0.1,{place.upstream_port};{host}{protocol}" for host in hosts),
            f"workers={place.workers}", "backlog=4096", "errorlog-file=/dev/null", "worker-frontend-connections=0",
            "frontend-http2-max-concurrent-streams=1000",
            "frontend-keep-alive-timeout=600", "backend-keep-alive-timeout=600",
        ]
        if scenario.tls:
            lines += [f"private-key-file={place.key}", f"certificate-file={place.certificate}",
                      "tls-min-proto-version=TLSv1.3"]
        if scenario.access_log:
            lines.append(f"accesslog-file={place.access_log}")
        return [self.binary, f"--conf={place.write('nghttpx.conf', chr(10).join(lines) + chr(10))}"]

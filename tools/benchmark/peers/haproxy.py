"""HAProxy, with its defaults or with splice() for bodies."""


class Haproxy:
    version_flag = "-v"

    def __init__(self, binary, splice=False):
        self.binary, self.splice = binary, splice

    def command(self, scenario, place):
        # Only plain bytes can be spliced, and only bodies are worth it.
        if self.splice and (scenario.tls or scenario.http2 or not scenario.bodies):
            return None
        protocol = " proto h2" * (scenario.upstream == "h2")
        text = f"""{self._global(scenario, place)}
defaults
  mode {'tcp' if scenario.front == 'tcp' else 'http'}
  timeout client 600s
  timeout server 600s
  timeout connect 5s
  timeout http-keep-alive 600s
  http-reuse always
{self._splice_options()}
{self._frontend(scenario, place)}
backend backend
  server one 127.0.0.1:{place.upstream_port} maxconn 4000 pool-purge-delay 600s{protocol}
"""
        return [self.binary, "-db", "-f", place.write("haproxy.cfg", text)]

    @staticmethod
    def _global(scenario, place):
        log = "  log stdout format raw local0\n" if scenario.access_log else ""
        return f"global\n  nbthread {place.workers}\n  maxconn 4000\n  tune.h2.max-concurrent-streams 1000\n{log}"

    def _splice_options(self):
        return "  option splice-request\n  option splice-response\n" if self.splice else ""

    @staticmethod
    def _frontend(scenario, place):
        bind = f"  bind 127.0.0.1:{place.port} backlog 4096"
        if scenario.tls:
            protocol = "h2" if scenario.http2 else "http/1.1"
            bind += f" ssl crt {place.certificate_and_key} alpn {protocol} ssl-min-ver TLSv1.3"
        elif scenario.http2:
            bind += " proto h2"
        lines = ["frontend front", bind]
        if scenario.access_log:
            lines += ["  log global", "  option httplog"]
        if scenario.hosts:
            names = place.write("hosts.map", "".join(f"host{i}.example.com backend\n" for i in range(scenario.hosts)))
            lines += ["  http-request set-path /b/128 if { path_beg /static/ }",
                      f"  use_backend %[req.hdr(host),lower,map_str({names},none)]"]
        else:
            lines.append("  default_backend backend")
        return "\n".join(lines) + "\n"

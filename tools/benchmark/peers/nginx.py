"""nginx, with buffers larger than its defaults: bulk transfers cost it a third of what they cost with those."""
import os
import re
import subprocess

from benchmark.processes import Failure

_STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


class Nginx:
    version_flag = "-v"

    def __init__(self, binary):
        self.binary = binary
        about = subprocess.run([binary, "-V"], capture_output=True, text=True, check=False).stderr
        version = re.search(r"nginx/(\d+)\.(\d+)", about)
        if version is None:
            raise Failure(f"{binary} -V does not tell a version of nginx")
        # From 1.25.1 on a directive; before, a word of `listen`.
        self.http2_directive = (int(version[1]), int(version[2])) > (1, 25)
        self.http2 = "--with-http_v2_module" in about
        self.stream_module = "--with-stream=dynamic" in about
        self.stream = "--with-stream " in about + " " or (self.stream_module and os.path.exists(_STREAM_MODULE))

    def command(self, scenario, place):
        if scenario.front == "tcp":
            text = self._tcp(place) if self.stream else None
        else:
            text = self._http(scenario, place) if self.http2 or not scenario.http2 else None
        return text and [self.binary, "-c", place.write("nginx.conf", self._head(scenario, place) + text)]

    def _head(self, scenario, place):
        module = f"load_module {_STREAM_MODULE};\n" if scenario.front == "tcp" and self.stream_module else ""
        user = "user root;\n" if os.geteuid() == 0 else ""
        return (f"{module}{user}daemon off;\nworker_processes {place.workers};\npid {place.folder}/nginx.pid;\n"
                f"error_log {place.folder}/error.log crit;\n"
                "events { worker_connections 20000; use epoll; }\n")

    @staticmethod
    def _tcp(place):
        return (f"stream {{ server {{ listen 127.0.0.1:{place.port} backlog=4096; tcp_nodelay on;\n"
                f"  proxy_pass 127.0.0.1:{place.upstream_port}; proxy_buffer_size 64k; }} }}\n")

    def _http(self, scenario, place):
        log = f"{place.access_log} combined buffer=16k flush=1s" if scenario.access_log else "off"
        folders = "".join(f"  {what}_temp_path {place.folder}/{what};\n"
                          for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""http {{
  access_log {log};
  sendfile on; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 600s;
  client_max_body_size 0; client_body_buffer_size 64k;
  proxy_buffers 4 64k; proxy_buffer_size 8k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
  server_names_hash_max_size 8192; server_names_hash_bucket_size 64;
{folders}  upstream backend {{
    server 127.0.0.1:{place.upstream_port};
    keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 600s;
  }}
{self._servers(scenario, place)}}}
"""

    def _servers(self, scenario, place):
        address = f"listen 127.0.0.1:{place.port}"
        words = " ssl" * scenario.tls + " http2" * (scenario.http2 and not self.http2_directive)
        listen = f"{address}{words} backlog=4096;"
        if scenario.http2:
            listen += " http2 on;" * self.http2_directive + " http2_max_concurrent_streams 1000;"
        if scenario.tls:
            listen += (f" ssl_certificate {place.certificate}; ssl_certificate_key {place.key};"
                       " ssl_protocols TLSv1.3;")
        to = ("grpc_pass grpc://backend;" if scenario.upstream == "h2" else
              'proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";'
              " proxy_request_buffering off;")
        if not scenario.hosts:
            return f"  server {{ {listen} location / {{ {to} }} }}\n"
        return "".join(f"  server {{ {listen if i == 0 else address + ';'} server_name host{i}.example.com;\n"
                       f"    location /static/ {{ rewrite ^ /b/128 break; {to} }} location / {{ {to} }} }}\n"
                       for i in range(scenario.hosts))

"""nginx and HAProxy behind the proxy, over HTTP/2 in plaintext and TLS, by configuration and by ALPN."""

import hashlib
import os
import signal
import socket
import subprocess
import threading
import unittest

import http2
import tls
from harness import Backend, Client, Nuncio, bootstrap, cluster, directory, free_ports, listener, to, wait_for

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
BODY = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(1 << 16))  # 2 MiB

NGINX = """daemon off; {user} worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
  scgi_temp_path {dir}/s;
  ssl_certificate {pem}; ssl_certificate_key {pem};
  server {{ listen 127.0.0.1:{h2} ssl http2; http2_max_concurrent_streams 4; {location} }}
  server {{ listen 127.0.0.1:{h1} ssl; {location} }}
}}
"""
LOCATION = """location / {{
  add_header x-protocol $server_protocol; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off;
  proxy_pass http://127.0.0.1:{backend}; }}"""

HAPROXY = """global
  maxconn 500
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend f
  bind 127.0.0.1:{h2c} proto h2
  bind 127.0.0.1:{tls} ssl crt {pem} alpn h2,http/1.1
  http-response set-header x-protocol HTTP/%[fc_http_major].0
  default_backend b
backend b
  server s 127.0.0.1:{backend}
"""


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def answer(stream, request):
    if request.path.endswith("/hold"):
        held.append(request)
        release.wait(20)
    return Backend.echo(stream, request)


def start_servers(where):
    """The processes, and the port of each server by name."""
    pem = os.path.join(where, "both.pem")
    issued = authority.issue("server", sans=["DNS:a.test"])
    with open(pem, "wb") as file:
        for part in (issued.certificate, issued.key):
            with open(part, "rb") as source:
                file.write(source.read())
    names = ["nginx-h2", "nginx-h1", "haproxy-h2c", "haproxy-tls"]
    at = dict(zip(names, free_ports(4)))
    location = LOCATION.format(backend=backend.port)
    with open(os.path.join(where, "nginx.conf"), "w", encoding="ascii") as file:
        # As root it would become somebody else, who may not exist where tests are shut in.
        file.write(NGINX.format(dir=where, user="user root root;" if os.geteuid() == 0 else "",
                                pem=pem, h2=at["nginx-h2"], h1=at["nginx-h1"], location=location))
    with open(os.path.join(where, "haproxy.cfg"), "w", encoding="ascii") as file:
        file.write(HAPROXY.format(h2c=at["haproxy-h2c"], tls=at["haproxy-tls"], pem=pem, backend=backend.port))
    commands = [["/usr/sbin/nginx", "-p", where, "-c", os.path.join(where, "nginx.conf"),
                 "-e", os.path.join(where, "early.log")],
                ["/usr/sbin/haproxy", "-db", "-f", os.path.join(where, "haproxy.cfg")]]
    with open(os.path.join(where, "servers.log"), "wb") as log:
        servers = [subprocess.Popen(each, stdout=log, stderr=log) for each in commands]
    for name, port in at.items():
        wait_for(lambda: listens(port), f"{name}'s start; see {where}")
    return servers, at


def speaking(name, at, secure, **protocol):
    options = {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", **protocol}
    fields = {"typed_extension_protocol_options": {HTTP_OPTIONS: options}}
    if secure:
        fields["transport_socket"] = tls.upstream(tls.trusting(authority), sni="a.test")
    return cluster(name, [at], **fields)


EXPLICIT = {"explicit_http_config": {"http2_protocol_options": {}}}
AUTO = {"auto_config": {"http2_protocol_options": {}}}
# Name of the cluster: the server, TLS, how the protocol is chosen, which is spoken then.
CLUSTERS = {
    "nginx": ("nginx-h2", True, EXPLICIT, "HTTP/2.0"),
    "nginx-auto": ("nginx-h2", True, AUTO, "HTTP/2.0"),
    "nginx-auto-h1": ("nginx-h1", True, AUTO, "HTTP/1.1"),
    "haproxy-h2c": ("haproxy-h2c", False, EXPLICIT, "HTTP/2.0"),
    "haproxy-tls": ("haproxy-tls", True, EXPLICIT, "HTTP/2.0"),
    "haproxy-auto": ("haproxy-tls", True, AUTO, "HTTP/2.0"),
}


def setUpModule():
    global proxy, servers, backend, port, admin, held, release, authority
    held, release = [], threading.Event()
    backend, authority = Backend(answer), tls.Authority()
    servers, at = start_servers(directory())
    port, admin = free_ports(2)
    # Longest first: one name begins another.
    routes = [to(name, prefix=f"/{name}/", timeout="30s") for name in CLUSTERS]
    clusters = [speaking(name, at[server], secure, **how) for name, (server, secure, how, _) in CLUSTERS.items()]
    proxy = Nuncio(bootstrap([listener("main", port, routes)], clusters,
                             admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}}))


def tearDownModule():
    release.set()
    proxy.stop()
    for each in servers:
        each.terminate()
        each.wait()


def stat(name):
    with Client(admin) as client:
        text = client.get("/stats?filter=^" + name.replace(".", r"\.") + "$").body.decode()
    return int(text.split(": ")[1]) if ": " in text else 0


class RealBackends(unittest.TestCase):

    def each(self, check):
        for name in CLUSTERS:
            with self.subTest(name):
                check(name)

    def test_the_protocol_that_is_spoken(self):
        def check(name):
            with Client(port) as client:
                message = client.get(f"/{name}/x")
                self.assertEqual((message.status, message.body), (200, f"/{name}/x".encode()))
                self.assertEqual(message.get("x-protocol"), CLUSTERS[name][3])
            http_2 = CLUSTERS[name][3] == "HTTP/2.0"
            self.assertEqual(stat(f"cluster.{name}.upstream_cx_http2_total") > 0, http_2)
            self.assertEqual(stat(f"cluster.{name}.upstream_cx_http1_total") > 0, not http_2)
            self.assertEqual(stat(f"cluster.{name}.ssl.handshake") > 0, CLUSTERS[name][1])
        self.each(check)

    def test_bodies_both_ways(self):
        def check(name):
            with Client(port) as client:
                client.send(f"POST /{name}/up HTTP/1.1\r\nHost: a\r\nContent-Length: {len(BODY)}\r\n\r\n")
                sender = threading.Thread(target=client.send, args=(BODY,))
                sender.start()
                self.assertTrue(client.answer().body == BODY)
                sender.join()
            with http2.Http2Client(port) as client:
                self.assertTrue(client.get(f"/{name}/up", body=BODY, method="POST").body == BODY)
        self.each(check)

    def test_many_at_once(self):
        def check(name):
            with http2.Http2Client(port) as client:
                streams = {client.begin(client.request(f"/{name}/{i}")): f"/{name}/{i}" for i in range(100)}
                for stream, path in streams.items():
                    self.assertEqual(client.finish(stream).body, path.encode())
        self.each(check)
        self.assertEqual(stat("cluster.haproxy-h2c.upstream_cx_total"), 1)

    def test_the_hosts_limit_spreads_streams_over_connections(self):
        before = len(held)
        with http2.Http2Client(port) as client:
            streams = [client.begin(client.request("/nginx/hold")) for _ in range(20)]
            wait_for(lambda: len(held) == before + 20, "20 requests at once")
            self.assertEqual(stat("cluster.nginx.upstream_rq_active"), 20)
            self.assertGreaterEqual(stat("cluster.nginx.upstream_cx_active"), 5)
            release.set()
            for stream in streams:
                self.assertEqual(client.finish(stream).status, 200)
        release.clear()

    def test_a_host_that_reloads_loses_nothing(self):
        """nginx's old workers say GOAWAY; new streams go to the new ones."""
        connections = stat("cluster.nginx.upstream_cx_total")
        with http2.Http2Client(port) as client:
            for i in range(300):
                if i % 100 == 50:
                    servers[0].send_signal(signal.SIGHUP)
                streams = [client.begin(client.request(f"/nginx/{i}.{j}")) for j in range(4)]
                for j, stream in enumerate(streams):
                    message = client.finish(stream)
                    self.assertEqual((message.status, message.body), (200, f"/nginx/{i}.{j}".encode()))
        self.assertGreater(stat("cluster.nginx.upstream_cx_total"), connections)


if __name__ == "__main__":
    unittest.main()

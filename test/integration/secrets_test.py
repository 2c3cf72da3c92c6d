"""TLS secrets from files, the bootstrap and discovery: how they come, change and are refused, while connections go
on."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest

import tls
from harness import (PATIENCE, Backend, Client, Nuncio, Stream, bootstrap, cluster, directory, free_ports, listener, to,
                     wait_for)

CONTROL = os.environ["NUNCIO_CONTROL"]
CTL = os.environ["NUNCIOCTL"]

SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
H2 = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "explicit_http_config": {"http2_protocol_options": {}}}}
ADS = {"ads": {}, "resource_api_version": "V3"}


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def issue(authority, name):
    return authority.issue(name, ["DNS:a.test", "IP:127.0.0.1"])


def expired(authority, name):
    """A certificate whose last day was yesterday."""
    made = issue(authority, name)
    made.certificate += ".old"
    request = tls.openssl("req", "-new", "-key", made.key, "-subj", "/CN=old")
    subprocess.run(["openssl", "x509", "-req", "-CA", authority.certificate, "-CAkey", authority.key, "-days", "-1",
                    "-out", made.certificate], input=request, check=True, capture_output=True)
    return made


def serial(pair):
    return pair.ask("-serial").split("=")[1]


def inline(pair):
    """As a TlsCertificate, the texts in it."""
    return {"certificate_chain": {"inline_string": read(pair.certificate)},
            "private_key": {"inline_string": read(pair.key)}}


class TlsClient(Client):
    """One connection to the proxy, which must present a certificate of `authority`: that of `serial`."""

    def __init__(self, port, authority):
        context = ssl.create_default_context(cafile=authority.certificate)
        plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock = context.wrap_socket(plain, server_hostname="a.test")
        except BaseException:
            plain.close()
            raise
        Stream.__init__(self, sock)
        self.serial = sock.getpeercert()["serialNumber"]


def serial_at(port, authority):
    """Of the certificate that is presented there now; None where no handshake succeeds."""
    try:
        with TlsClient(port, authority) as client:
            return client.serial
    except (OSError, EOFError):
        return None


def tls_listener(name, port, common, **fields):
    out = listener(name, port, [to("echo", prefix="/")])
    out["filter_chains"][0]["transport_socket"] = tls.downstream([], common, alpn=["http/1.1"], **fields)
    return out


def named(name, source=None):
    """An SdsSecretConfig."""
    return {"name": name, **({"sds_config": source} if source else {})}


def secret(name, pair):
    return {"@type": SECRET, "name": name, "tls_certificate": inline(pair)}


def put(path, text):
    """Whole or not at all, as those who replace files do."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def key_lines(*pairs):
    """What of their keys must never be seen."""
    return [line for pair in pairs for line in read(pair.key).splitlines() if len(line) > 40]


class Admin:
    """The admin interface of a running nuncio."""

    def __init__(self, port):
        self.port = port

    def config(self):
        return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}}}

    def get(self, path):
        with Client(self.port) as client:
            return client.get(path, "Connection: close\r\n").body.decode()

    def ready(self):
        """The status of /ready; None while there is nobody to ask."""
        try:
            with Client(self.port) as client:
                return client.get("/ready", "Connection: close\r\n").status
        except (OSError, EOFError):
            return None

    def stat(self, name):
        """Its number, None where there is no such statistic."""
        for line in self.get("/stats").splitlines():
            found, _, value = line.rpartition(": ")
            if found == name:
                return int(value)
        return None

    def certificates(self):
        return json.loads(self.get("/certs"))["certificates"]


class Traffic:
    """Requests on a connection that stays and on connections made anew, all the time, until stop()."""

    def __init__(self, port, authority):
        self.port, self.authority = port, authority
        self.failures = []
        self.serials = []
        self.exchanges = 0
        self.ended = threading.Event()
        self.steady = TlsClient(port, authority)
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self._stay, self._renew)]
        for thread in self.threads:
            thread.start()

    def _run(self, exchange):
        while not self.ended.is_set():
            try:
                exchange()
                self.exchanges += 1
            except Exception as failure:  # pylint: disable=broad-except
                self.failures.append(repr(failure))
                return

    def _ask(self, client):
        answer = client.get("/traffic")
        if (answer.status, answer.body) != (200, b"/traffic"):
            raise AssertionError(answer.raw)

    def _stay(self):
        self._run(lambda: self._ask(self.steady))

    def _renew(self):
        def once():
            with TlsClient(self.port, self.authority) as client:
                self._ask(client)
                if not self.serials or self.serials[-1] != client.serial:
                    self.serials.append(client.serial)
        self._run(once)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        self.steady.close()


class Files(unittest.TestCase):
    """Certificate and key in files that are replaced."""

    def setUp(self):
        self.authority = tls.Authority()
        self.first, self.second, self.third = (issue(self.authority, name) for name in ("first", "second", "third"))
        self.backend = Backend()
        self.port, admin = free_ports(2)
        self.admin = Admin(admin)
        self.factory = f"listener.127.0.0.1_{self.port}.server_ssl_socket_factory"
        self.where = directory()
        self.proxy = None

    def tearDown(self):
        if self.proxy is not None:
            log = self.proxy.log().decode()
            self.proxy.stop()
            for line in key_lines(self.first, self.second, self.third):
                self.assertNotIn(line, log)
        self.backend.stop()

    def start(self, certificate, *arguments, **common):
        self.proxy = Nuncio(bootstrap([tls_listener("tls", self.port, {"tls_certificates": [certificate], **common})],
                                      [self.backend.cluster("echo")], admin=self.admin.config()), *arguments)

    def start_with_files(self):
        self.certificate_path, self.key_path = (os.path.join(self.where, name) for name in ("tls.crt", "tls.key"))
        self.replace(self.first)
        self.start(self.in_files())

    def in_files(self):
        """A TlsCertificate."""
        return {"certificate_chain": {"filename": self.certificate_path}, "private_key": {"filename": self.key_path}}

    def replace(self, pair, key=None):
        put(self.certificate_path, read(pair.certificate))
        put(self.key_path, read((key or pair).key))

    def presents(self, pair):
        wait_for(lambda: serial_at(self.port, self.authority) == serial(pair), "the certificate is presented")

    def test_a_pair_is_replaced_under_traffic(self):
        self.start_with_files()
        traffic = Traffic(self.port, self.authority)
        wait_for(lambda: traffic.serials, "a first exchange")
        self.replace(self.second)
        wait_for(lambda: len(traffic.serials) == 2 or traffic.failures, "the second certificate is presented")
        before = traffic.exchanges
        wait_for(lambda: traffic.exchanges > before + 20 or traffic.failures, "traffic goes on")
        traffic.stop()
        self.assertEqual(traffic.failures, [])
        self.assertEqual(traffic.serials, [serial(self.first), serial(self.second)])
        self.assertEqual(self.admin.stat(f"{self.factory}.ssl_context_update_by_sds"), 1)

    def test_a_bad_pair_is_refused_whole_and_a_good_one_taken(self):
        self.start_with_files()
        traffic = Traffic(self.port, self.authority)
        self.replace(self.second, key=self.third)
        wait_for(lambda: self.admin.stat(f"{self.factory}.key_rotation_failed"), "the refusal is counted")
        log = self.proxy.log().decode()
        self.assertIn("does not belong to the first certificate", log)
        self.assertIn(self.key_path, log)
        self.assertEqual(serial_at(self.port, self.authority), serial(self.first))
        self.replace(self.third)
        self.presents(self.third)
        traffic.stop()
        self.assertEqual(traffic.failures, [])
        self.assertEqual(traffic.serials[0], serial(self.first))
        self.assertNotIn(serial(self.second), traffic.serials)

    def test_what_cannot_be_read_or_has_expired_is_refused(self):
        self.start_with_files()
        os.remove(self.key_path)
        put(self.certificate_path, read(self.second.certificate))
        refused = lambda: self.admin.stat(f"{self.factory}.key_rotation_failed")
        wait_for(lambda: refused() == 1, "the missing file is refused")
        self.assertIn(f"cannot open '{self.key_path}'", self.proxy.log().decode().replace('"', "'"))
        old = expired(self.authority, "old")
        self.replace(old)
        wait_for(lambda: refused() > 1 and b"expired at" in self.proxy.log(), "the expired one is refused")
        self.assertEqual(serial_at(self.port, self.authority), serial(self.first))
        for line in key_lines(old):
            self.assertNotIn(line, self.proxy.log().decode())

    def test_a_swapped_link_is_a_change(self):
        """As Kubernetes mounts a Secret: tls.crt -> ..data/tls.crt, and ..data is replaced."""
        def fill(name, pair):
            os.mkdir(os.path.join(self.where, name))
            shutil.copy(pair.certificate, os.path.join(self.where, name, "tls.crt"))
            shutil.copy(pair.key, os.path.join(self.where, name, "tls.key"))
            os.symlink(name, os.path.join(self.where, "..tmp"))
            os.rename(os.path.join(self.where, "..tmp"), os.path.join(self.where, "..data"))

        fill("..1", self.first)
        paths = [os.path.join(self.where, name) for name in ("tls.crt", "tls.key")]
        for path in paths:
            os.symlink(os.path.join("..data", os.path.basename(path)), path)
        self.start({"certificate_chain": {"filename": paths[0]}, "private_key": {"filename": paths[1]}})
        self.presents(self.first)
        fill("..2", self.second)
        shutil.rmtree(os.path.join(self.where, "..1"))
        self.presents(self.second)
        self.assertEqual(self.admin.stat(f"{self.factory}.key_rotation_failed"), 0)

    def test_a_watched_directory(self):
        """Whatever is moved in it is a change; the files themselves stand elsewhere."""
        live, watched = os.path.join(self.where, "live"), os.path.join(self.where, "watched")
        os.mkdir(live)
        os.mkdir(watched)
        self.certificate_path, self.key_path = os.path.join(live, "tls.crt"), os.path.join(live, "tls.key")
        self.replace(self.first)
        self.start({**self.in_files(), "watched_directory": {"path": watched}})
        self.replace(self.second)
        put(os.path.join(watched, "any"), "")
        self.presents(self.second)

    def test_what_is_shown(self):
        self.start_with_files()
        self.presents(self.first)
        shown, = self.admin.certificates()
        leaf, = shown["cert_chain"]
        self.assertEqual(leaf["path"], self.certificate_path)
        self.assertEqual(leaf["serial_number"], serial(self.first).lower())
        self.assertEqual(leaf["subject_alt_names"], [{"dns": "a.test"}, {"ip_address": "127.0.0.1"}])
        self.assertEqual(leaf["days_until_expiration"], "29")
        self.assertRegex(leaf["expiration_time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        expires = self.admin.stat(
            f"listener.127.0.0.1_{self.port}.ssl.certificate.tls_certificates[0].expiration_unix_time_seconds")
        self.assertAlmostEqual(expires, time.time() + 30 * 86400, delta=3600)
        wait_for(lambda: self.admin.stat("server.days_until_first_cert_expiring") == 29, "the gauge of the first")
        dump = self.admin.get("/config_dump")
        self.assertIn("[redacted]", dump)
        for pair in (self.first, self.second):
            for line in key_lines(pair):
                self.assertNotIn(line, dump)

    def test_the_key_log(self):
        path = os.path.join(self.where, "keys.log")
        self.start(inline(self.first), key_log={"path": path})
        self.presents(self.first)

        def logged():
            with open(path, encoding="ascii") as file:
                return file.read()
        wait_for(lambda: "SERVER_TRAFFIC_SECRET_0" in logged(), "the key log is written")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        for line in logged().splitlines():
            self.assertRegex(line, r"^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}$")

class Control:
    """A running nuncio-control. `tls`: flags of its certificates; `client`: those with which nuncioctl reaches it."""

    def __init__(self, port=None, tls=(), client=()):
        self.port = port or free_ports(1)[0]
        self.client = client
        where = directory()
        self.log_path = os.path.join(where, "control.log")
        ready = os.path.join(where, "addresses")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [CONTROL, f"--listen=127.0.0.1:{self.port}", "--http-listen=none", f"--store={where}/store.db",
                 f"--address-path={ready}", *tls], stdout=log, stderr=log)
        wait_for(lambda: os.path.exists(ready) or self.process.poll() is not None, "nuncio-control's start")
        if self.process.poll() is not None:
            raise AssertionError(self.log())

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def push(self, *resources):
        """(exit status, what it printed)."""
        path = os.path.join(directory(), "all.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump({"resources": resources}, file)
        done = subprocess.run([CTL, "push", path, "--group", "web", f"--server=127.0.0.1:{self.port}", *self.client],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode()

    def call(self, *arguments):
        return subprocess.run([CTL, *arguments, f"--server=127.0.0.1:{self.port}", *self.client],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(15) == 0, self.log()


def control_cluster(port, **fields):
    return cluster("control", [port], typed_extension_protocol_options=H2, **fields)


def grpc_source(**fields):
    """A source of its own, beside the aggregated stream."""
    return {"api_config_source": {"api_type": "GRPC", "transport_api_version": "V3",
                                  "grpc_services": [{"envoy_grpc": {"cluster_name": "control"}}]},
            "resource_api_version": "V3", **fields}


def from_control(clusters, admin, listeners=(), **dynamic):
    return bootstrap(list(listeners), clusters, admin=admin.config(), node={"id": "edge-1", "cluster": "web"},
                     **({"dynamic_resources": dynamic} if dynamic else {}))


ADS_CONFIG = {"api_type": "GRPC", "transport_api_version": "V3",
              "grpc_services": [{"envoy_grpc": {"cluster_name": "control"}}]}
ALL_BY_ADS = {"ads_config": ADS_CONFIG, "lds_config": ADS, "cds_config": ADS}


class Discovery(unittest.TestCase):
    """Secrets that a control plane or a file serves."""

    def setUp(self):
        self.authority = tls.Authority()
        self.first, self.second = issue(self.authority, "first"), issue(self.authority, "second")
        self.backend = Backend()
        self.port, self.control_port, admin = free_ports(3)
        self.admin = Admin(admin)
        self.factory = f"listener.127.0.0.1_{self.port}.server_ssl_socket_factory"
        self.control = self.proxy = None

    def tearDown(self):
        self.assertKeysUnseen(self.first, self.second)
        if self.proxy is not None:
            self.proxy.stop()
        if self.control is not None:
            self.control.stop()
        self.backend.stop()

    def assertKeysUnseen(self, *pairs):
        texts = []
        if self.proxy is not None:
            texts += [self.proxy.log().decode(), self.admin.get("/config_dump?include_eds"), self.admin.get("/certs")]
        if self.control is not None:
            texts.append(self.control.log())
        for text in texts:
            for line in key_lines(*pairs):
                self.assertNotIn(line, text)

    def serves(self, pair):
        wait_for(lambda: serial_at(self.port, self.authority) == serial(pair), "the certificate is presented")

    def resources(self, pair):
        return [{"@type": LISTENER, **tls_listener("tls", self.port,
                                                   {"tls_certificate_sds_secret_configs": [named("own", ADS)]})},
                {"@type": CLUSTER, **self.backend.cluster("echo")}, secret("own", pair)]

    def test_rotation_by_the_control_plane(self):
        self.control = Control(self.control_port)
        self.assertEqual(self.control.push(*self.resources(self.first))[0], 0)
        self.proxy = Nuncio(from_control([control_cluster(self.control_port)], self.admin, **ALL_BY_ADS))
        self.serves(self.first)
        traffic = Traffic(self.port, self.authority)
        wait_for(lambda: traffic.serials, "a first exchange")
        self.assertEqual(self.control.push(*self.resources(self.second))[0], 0)
        wait_for(lambda: len(traffic.serials) == 2 or traffic.failures, "the second certificate is presented")
        traffic.stop()
        self.assertEqual((traffic.failures, traffic.serials), ([], [serial(self.first), serial(self.second)]))
        self.assertEqual(self.admin.stat("sds.own.update_success"), 2)
        self.assertEqual(self.admin.stat("sds.own.update_rejected"), 0)
        self.assertEqual(self.admin.stat(f"{self.factory}.ssl_context_update_by_sds"), 2)
        shown = self.admin.certificates()
        self.assertEqual([each["cert_chain"][0]["serial_number"] for each in shown], [serial(self.second).lower()])
        self.assertIn("expiration_unix_time_seconds",
                      self.admin.get("/stats?filter=listener.*ssl.certificate.own.expiration"))
        shown = json.loads(self.admin.get("/config_dump?resource=dynamic_active_secrets"))["configs"]
        self.assertEqual([each["name"] for each in shown], ["own"])
        self.assertEqual(shown[0]["secret"]["tls_certificate"]["private_key"], {"inline_string": "[redacted]"})
        self.assertIn("synced", self.control.call("proxies"))
        self.assertNotIn(key_lines(self.second)[0], self.control.call("get", "--group", "web", "-o", "yaml"))

    def test_a_bad_secret_stops_at_the_control_plane(self):
        self.control = Control(self.control_port)
        self.control.push(*self.resources(self.first))
        self.proxy = Nuncio(from_control([control_cluster(self.control_port)], self.admin, **ALL_BY_ADS))
        self.serves(self.first)
        bad = secret("own", self.second)
        bad["tls_certificate"]["private_key"] = inline(self.first)["private_key"]
        status, told = self.control.push(*self.resources(self.first)[:2], bad)
        self.assertEqual(status, 1)
        self.assertIn("secret own: tls_certificate.private_key: does not belong to the first certificate", told)
        for line in key_lines(self.first, self.second):
            self.assertNotIn(line, told)
        self.assertEqual(serial_at(self.port, self.authority), serial(self.first))

    def test_a_listener_waits_for_its_secret(self):
        """The source is not there yet. Connections are refused, and the process is not ready."""
        waiting = tls_listener("tls", self.port, {"tls_certificate_sds_secret_configs": [
            named("own", grpc_source(initial_fetch_timeout="0s"))]})
        self.proxy = Nuncio(from_control([self.backend.cluster("echo"), control_cluster(self.control_port)], self.admin,
                                         [waiting]), wait=False)
        wait_for(lambda: self.admin.ready() == 503, "the admin interface")
        wait_for(lambda: self.admin.stat("sds.own.update_failure"), "the source is tried")
        self.assertEqual(self.admin.stat("listener_manager.total_listeners_warming"), 1)
        shown = json.loads(self.admin.get("/config_dump?resource=dynamic_warming_secrets"))["configs"]
        self.assertEqual([(each["name"], each["client_status"]) for each in shown], [("own", "REQUESTED")])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port))
        self.control = Control(self.control_port)
        self.control.push(*self.resources(self.first))
        self.serves(self.first)
        self.assertEqual(self.admin.ready(), 200)
        self.assertEqual(self.admin.stat(f"{self.factory}.downstream_context_secrets_not_ready"), 0)

    def test_a_listener_waits_only_so_long(self):
        waiting = tls_listener("tls", self.port, {"tls_certificate_sds_secret_configs": [
            named("own", grpc_source(initial_fetch_timeout="0.2s"))]})
        self.proxy = Nuncio(from_control([self.backend.cluster("echo"), control_cluster(self.control_port)], self.admin,
                                         [waiting]))
        with Client(self.port) as client:
            self.assertTrue(client.at_end())
        wait_for(lambda: self.admin.stat(f"{self.factory}.downstream_context_secrets_not_ready") == 1, "it is counted")
        self.assertEqual(self.admin.stat("sds.own.init_fetch_timeout"), 1)
        self.control = Control(self.control_port)
        self.control.push(*self.resources(self.first))
        self.serves(self.first)

    def test_a_cluster_waits_only_so_long(self):
        """Without its roots nothing is sent there; once they come, requests are."""
        inner, = free_ports(1)
        roots = {"validation_context_sds_secret_config": named("roots", grpc_source(initial_fetch_timeout="0.2s"))}
        self.proxy = Nuncio(from_control(
            [self.backend.cluster("echo"), cluster("inner", [inner], transport_socket=tls.upstream(roots)),
             control_cluster(self.control_port)], self.admin,
            [tls_listener("inner", inner, {"tls_certificates": [inline(self.first)]}),
             listener("plain", self.port, [to("inner", prefix="/")])]))
        with Client(self.port) as client:
            self.assertEqual(client.get("/early").status, 503)
            self.assertEqual(
                self.admin.stat("cluster.inner.client_ssl_socket_factory.upstream_context_secrets_not_ready"), 1)
            self.control = Control(self.control_port)
            roots = {"inline_string": read(self.authority.certificate)}
            self.control.push({"@type": SECRET, "name": "roots", "validation_context": {"trusted_ca": roots}})
            wait_for(lambda: client.get("/late").status == 200, "the cluster is served")
        self.assertEqual(self.backend.last().path, "/late")

    def test_secrets_outlive_the_control_plane(self):
        """A start without one, from the state directory, which only its owner may read."""
        state = os.path.join(directory(), "state")
        self.control = Control(self.control_port)
        self.control.push(*self.resources(self.first))
        config = from_control([control_cluster(self.control_port)], self.admin, **ALL_BY_ADS)
        self.proxy = Nuncio(config, "--state-dir", state)
        self.serves(self.first)
        self.proxy.stop()
        self.control.stop()
        self.control = None
        self.assertEqual(os.stat(state).st_mode & 0o777, 0o700)
        for name in os.listdir(state):
            self.assertEqual(os.stat(os.path.join(state, name)).st_mode & 0o777, 0o600)
        self.proxy = Nuncio(config, "--state-dir", state)
        self.serves(self.first)

    def test_secrets_in_a_file(self):
        path = os.path.join(directory(), "secrets.json")
        write = lambda each: put(path, json.dumps({"resources": [each], "version_info": "1"}))
        write(secret("own", self.first))
        by_file = {"path_config_source": {"path": path}, "resource_api_version": "V3"}
        self.proxy = Nuncio(from_control([self.backend.cluster("echo")], self.admin, [tls_listener(
            "tls", self.port, {"tls_certificate_sds_secret_configs": [named("own", by_file)]})]))
        self.serves(self.first)
        bad = secret("own", self.second)
        bad["tls_certificate"]["private_key"] = inline(self.first)["private_key"]
        write(bad)
        wait_for(lambda: self.admin.stat("sds.own.update_rejected") == 1, "the bad one is refused")
        self.assertIn("\"own\": tls_certificate.private_key: does not belong to the first certificate",
                      self.proxy.log().decode())
        self.assertEqual(serial_at(self.port, self.authority), serial(self.first))
        shown, = json.loads(self.admin.get("/config_dump?resource=dynamic_active_secrets"))["configs"]
        self.assertEqual(shown["client_status"], "NACKED")
        self.assertIn("does not belong", shown["error_state"]["details"])
        write(secret("own", self.second))
        self.serves(self.second)

    def test_of_the_bootstrap_and_towards_clusters(self):
        """A secret of static_resources on both sides: nuncio in front of itself, with client certificates."""
        inner, = free_ports(1)
        own = {"tls_certificate_sds_secret_configs": [named("own")]}
        trust = {"validation_context_sds_secret_config": named("trusted")}
        combined = {"combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": [
                {"san_type": "DNS", "matcher": {"exact": "a.test"}}]},
            "validation_context_sds_secret_config": named("trusted")}}
        config = from_control(
            [self.backend.cluster("echo"),
             cluster("inner", [inner], transport_socket=tls.upstream({**own, **combined}))],
            self.admin, [tls_listener("inner", inner, {**own, **trust}, require_client_certificate=True),
                         listener("plain", self.port, [to("inner", prefix="/")])])
        config["static_resources"]["secrets"] = [
            {"name": "own", "tls_certificate": self.first.configured()},
            {"name": "trusted", "validation_context": {"trusted_ca": {"filename": self.authority.certificate}}}]
        self.proxy = Nuncio(config)
        with Client(self.port) as client:
            self.assertEqual(client.get("/x").body, b"/x")
            put(self.first.certificate, read(self.second.certificate))
            put(self.first.key, read(self.second.key))
            wait_for(lambda: serial_without_own(inner) == serial(self.second), "the second certificate is presented")
            self.assertEqual(client.get("/y").body, b"/y")
        wait_for(lambda: self.admin.stat("cluster.inner.client_ssl_socket_factory.ssl_context_update_by_sds") == 2,
                 "the cluster has it too")
        self.assertEqual(len(self.admin.certificates()), 2)
        self.assertEqual({each["name"] for each in json.loads(
            self.admin.get("/config_dump?resource=static_secrets"))["configs"]}, {"own", "trusted"})


def serial_without_own(port):
    """Of the certificate presented to a client that is turned away for having none."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=done.stdout, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    return shown.stdout.decode().strip().rpartition("=")[2]


class ControlPlaneOverTls(unittest.TestCase):
    """The stream to the control plane through TLS of its cluster, with certificates on both sides."""

    def setUp(self):
        self.authority, self.strangers = tls.Authority(), tls.Authority("Strangers")
        self.server, self.edge, self.operator = (
            self.authority.issue(name, [f"DNS:{name}.test", "IP:127.0.0.1"])
            for name in ("control", "edge", "operator"))
        self.backend = Backend()
        self.port, self.control_port, admin = free_ports(3)
        self.admin = Admin(admin)
        self.control = Control(
            self.control_port,
            [f"--tls-cert={self.server.certificate}", f"--tls-key={self.server.key}",
             f"--client-ca={self.authority.certificate}", "--operators=operator.test"],
            [f"--tls-ca={self.authority.certificate}", f"--tls-cert={self.operator.certificate}",
             f"--tls-key={self.operator.key}"])
        self.proxy = None

    def tearDown(self):
        if self.proxy is not None:
            for line in key_lines(self.edge, self.server, self.operator):
                self.assertNotIn(line, self.proxy.log().decode() + self.control.log())
            self.proxy.stop()
        self.control.stop()
        self.backend.stop()

    def start(self, trusted_path, own=True, wait=True):
        common = {"validation_context": {"trusted_ca": {"filename": trusted_path}, "match_typed_subject_alt_names": [
            {"san_type": "DNS", "matcher": {"exact": "control.test"}}]}}
        if own:
            common["tls_certificates"] = [self.edge.configured()]
        self.proxy = Nuncio(from_control(
            [control_cluster(self.control_port, transport_socket=tls.upstream(common, sni="control.test"))], self.admin,
            **ALL_BY_ADS), wait=wait)
        wait_for(self.admin.ready, "the admin interface")

    def push(self, text):
        answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": text}}}
        self.assertEqual(self.control.push({"@type": LISTENER, **listener("web", self.port, [answer])})[0], 0)

    def serves(self, text):
        def there():
            try:
                with Client(self.port) as client:
                    return client.get("/").body.decode() == text
            except (OSError, EOFError):
                return False
        wait_for(there, f"the listener that answers {text}")

    def test_certificates_on_both_sides(self):
        self.push("one")
        self.start(self.authority.certificate)
        self.serves("one")
        self.assertEqual(self.admin.stat("cluster.control.ssl.handshake"), 1)
        self.assertEqual(self.admin.stat("control_plane.connected_state"), 1)
        self.push("two")
        self.serves("two")

    def test_the_control_plane_changes_its_certificate(self):
        self.push("one")
        self.start(self.authority.certificate)
        self.serves("one")
        renewed = self.authority.issue("renewed", ["DNS:control.test", "IP:127.0.0.1"])
        put(self.server.certificate, read(renewed.certificate))
        put(self.server.key, read(renewed.key))
        wait_for(lambda: serial_without_own(self.control_port) == serial(renewed), "the renewed one is presented")
        self.push("two")
        self.serves("two")
        # The stream that was open went on.
        self.assertEqual(self.admin.stat("cluster.control.ssl.handshake"), 1)

    def test_a_stranger_is_not_believed(self):
        trusted = os.path.join(directory(), "trusted.pem")
        put(trusted, read(self.strangers.certificate))
        self.push("one")
        self.start(trusted, wait=False)
        wait_for(lambda: b"CERTIFICATE_VERIFY_FAILED" in self.proxy.log(), "it is told")
        wait_for(lambda: self.admin.stat("cluster.control.ssl.fail_verify_error"), "it is counted")
        self.assertEqual(self.admin.stat("control_plane.connected_state"), 0)
        # The right one is put in its place while the proxy runs.
        put(trusted, read(self.authority.certificate))
        self.serves("one")

    def test_a_proxy_without_certificate_is_turned_away(self):
        self.push("one")
        self.start(self.authority.certificate, own=False, wait=False)
        wait_for(lambda: self.admin.stat("cluster_manager.cds.update_failure"), "the stream fails")
        self.assertEqual(self.admin.stat("control_plane.connected_state"), 0)


if __name__ == "__main__":
    unittest.main()

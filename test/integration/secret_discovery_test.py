"""TLS secrets from a control plane, a file of resources and the bootstrap: how they come, change and are refused, while
connections go on."""

import json
import os
import socket
import unittest

import tls
from control_plane import ADS, ALL_BY_ADS, CLUSTER, LISTENER, Control, control_cluster, from_control, grpc_source
from harness import Backend, Client, Nuncio, cluster, directory, free_ports, listener, to, wait_for
from rotation import (SECRET, Admin, Traffic, inline, issue, key_lines, named, put, read, secret, serial, serial_at,
                      serial_without_own, tls_listener)


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


if __name__ == "__main__":
    unittest.main()

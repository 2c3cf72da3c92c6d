"""The stream to the control plane through TLS."""

import os
import unittest

import tls
from control_plane import ALL_BY_ADS, LISTENER, Control, control_cluster, from_control
from harness import Backend, Client, Nuncio, directory, free_ports, listener, wait_for
from rotation import Admin, key_lines, put, read, serial, serial_without_own


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

"""TLS secrets in files: how they are read, change and are refused, while connections go on."""

import os
import shutil
import time
import unittest

import tls
from harness import Backend, Nuncio, bootstrap, directory, free_ports, wait_for
from rotation import Admin, Traffic, expired, inline, issue, key_lines, put, read, serial, serial_at, tls_listener


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


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""tools/config_report, on folders made up here and, where it is present, on the corpus folder.

The corpus folder is $NUNCIO_CORPUS, or shared/corpus beside the checkout.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPORT = pathlib.Path("tools/config_report").resolve()
NUNCIO = None

BOOTSTRAP = """
admin:
  address: {socket_address: {address: 127.0.0.1, port_value: 9901}}
"""
LISTENERS = """
version_info: "1"
resources:
# Written as control planes write them.
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: web
  address:
    socketAddress: {address: 0.0.0.0, portValue: 10080}
  filterChains:
  - filters:
    - name: envoy.filters.network.http_connection_manager
      typedConfig:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        statPrefix: web
        rds: {configSource: {ads: {}, resourceApiVersion: V3}, routeConfigName: web}
        httpFilters:
        - name: envoy.filters.http.router
          typedConfig:
            "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
"""
ROUTES = """
resources:
  - "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
    name: web
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
      - match: {@MATCH@}
        route: {cluster: one}
"""
CLUSTERS = """
resources:
- '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster
  connectTimeout: 10s
  edsClusterConfig: {edsConfig: {ads: {}, resourceApiVersion: V3}}
  name: one
  type: EDS

- '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster
  connectTimeout: 10s
  name: two
  type: STATIC
version_info: "1"
"""
ENDPOINTS = {"resources": [{
    "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    "clusterName": "one",
    "endpoints": [{"lbEndpoints": [{"endpoint": {"address": {
        "socketAddress": {"address": "1.2.3.4", "portValue": 80}}}}]}],
}]}


class ConfigReport(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, path, text):
        file = self.folder / "in" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def stand_in(self, script):
        program = self.folder / "stand-in"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
        return program

    def run_report(self, *options, nuncio=None, folder=None):
        return subprocess.run([REPORT, folder or self.folder / "in", "--nuncio", nuncio or NUNCIO, *options],
                              capture_output=True, text=True)

    def report(self, *options, **kwargs):
        done = self.run_report("--json", *options, **kwargs)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        result = json.loads(done.stdout)
        return done.returncode, {c["name"]: c for c in result["configurations"]}, result["reasons"]

    def test_bootstraps_load_or_are_refused_with_a_path(self):
        self.write("good.yaml", BOOTSTRAP)
        self.write("deep/down/good.json", json.dumps({"static_resources": {}}))
        self.write("bad.yml", BOOTSTRAP + "no_such_field: 1\nstaticResources:\n  noSuchList: []\n")
        self.write("notes.txt", "not a configuration")
        status, found, reasons = self.report()
        self.assertEqual(status, 0)
        self.assertEqual({name: c["state"] for name, c in found.items()},
                         {"good.yaml": "loads", "deep/down/good.json": "loads", "bad.yml": "refused"})
        self.assertEqual([f["path"] for f in found["bad.yml"]["faults"]],
                         ["no_such_field", "static_resources.noSuchList"])
        self.assertEqual({r["reason"] for r in reasons},
                         {"field envoy.config.bootstrap.v3.Bootstrap.no_such_field",
                          "field envoy.config.bootstrap.v3.Bootstrap.StaticResources.no_such_list"})

    def test_resources_of_one_folder_are_one_configuration(self):
        self.write("good/lds.yaml", LISTENERS)
        self.write("good/rds.yaml", ROUTES.replace("@MATCH@", "prefix: /"))
        self.write("good/cds.yaml", CLUSTERS)
        self.write("good/eds.json", json.dumps(ENDPOINTS))
        status, found, _ = self.report()
        self.assertEqual(found["good/"]["state"], "loads", found)
        self.assertEqual((status, len(found)), (0, 1))

    def test_faults_of_resources_are_told_by_file_and_resource(self):
        self.write("bad/lds.yaml", LISTENERS.replace("statPrefix", "noSuchField"))
        self.write("bad/rds.yaml", ROUTES.replace("@MATCH@", "no_such_match: /"))
        self.write("bad/cds.yaml", CLUSTERS.replace("10s\n  name: two", "10s\n  noSuchField: 1\n  name: two"))
        self.write("bad/eds.json", json.dumps(ENDPOINTS).replace('"endpoint"', '"no_such_field"'))
        status, found, _ = self.report()
        self.assertEqual(status, 0)
        self.assertEqual({(f["where"], f["path"]) for f in found["bad/"]["faults"]}, {
            ('bad/lds.yaml: Listener "web"', "filter_chains[0].filters[0].typed_config.noSuchField"),
            ('bad/rds.yaml: RouteConfiguration "web"', "virtual_hosts[0].routes[0].match.no_such_match"),
            ('bad/cds.yaml: Cluster "two"', "noSuchField"),
            ('bad/eds.json: ClusterLoadAssignment "one"', "endpoints[0].lb_endpoints[0].no_such_field"),
        })

    def test_what_cannot_be_given_to_the_program_fails(self):
        self.write("flow/lds.yaml", "resources: [{}]\n")
        self.write("odd/lds.yaml", 'resources:\n- "@type": type.googleapis.com/envoy.no.such.Thing\n  name: x\n')
        status, found, _ = self.report()
        self.assertEqual({c["state"] for c in found.values()}, {"not checked"})
        self.assertEqual(status, 1)

    def test_a_crash_fails(self):
        self.write("a.yaml", BOOTSTRAP)
        status, found, _ = self.report(nuncio=self.stand_in("kill -SEGV $$\n"))
        self.assertEqual((status, found["a.yaml"]["state"]), (1, "crashed"))

    def test_a_hang_fails(self):
        self.write("a.yaml", BOOTSTRAP)
        status, found, _ = self.report("--time-limit", "0.2", nuncio=self.stand_in("exec sleep 100\n"))
        self.assertEqual((status, found["a.yaml"]["state"]), (1, "hangs"))

    def test_too_much_memory_fails(self):
        self.write("a.yaml", BOOTSTRAP)
        hog = self.stand_in("exec python3 -c 'bytearray(1 << 30)'\n")
        status, found, _ = self.report("--memory-limit", "256", nuncio=hog)
        self.assertEqual((status, found["a.yaml"]["state"]), (1, "mute"))

    def test_a_refusal_without_a_path_fails(self):
        self.write("a.yaml", BOOTSTRAP)
        for script in ("exit 1\n", "echo nuncio: something is wrong >&2; exit 1\n",
                       'echo "nuncio: $4: 3 things are wrong" >&2; exit 1\n'):
            status, found, _ = self.report(nuncio=self.stand_in(script))
            self.assertEqual((status, found["a.yaml"]["state"]), (1, "mute"), script)

    def test_the_table_tells_counts_reasons_and_names(self):
        self.write("good.yaml", BOOTSTRAP)
        self.write("bad.yaml", BOOTSTRAP + "no_such_field: 1\n")
        done = self.run_report()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 configurations: 1 load, 1 refused; 0 crashed, 0 hang", done.stdout)
        self.assertIn("field envoy.config.bootstrap.v3.Bootstrap.no_such_field", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^  bad\.yaml  1$")
        self.assertRegex(done.stdout, r"(?m)^  good\.yaml$")

    def test_the_corpus_crashes_and_hangs_nothing(self):
        beside = REPORT.parent.parent.parent / "shared" / "corpus"
        corpus = pathlib.Path(os.environ.get("NUNCIO_CORPUS") or beside)
        if not corpus.is_dir():
            self.skipTest(f"no corpus folder at {corpus}")
        done = self.run_report(folder=corpus)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^[1-9]\d* configurations: [1-9]\d* load")


if __name__ == "__main__":
    NUNCIO = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

"""A real control plane for tests, and proxies that get their configuration from it."""

import json
import os
import subprocess

from harness import bootstrap, cluster, directory, free_ports, wait_for

CONTROL = os.environ["NUNCIO_CONTROL"]
CTL = os.environ["NUNCIOCTL"]

LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
H2 = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "explicit_http_config": {"http2_protocol_options": {}}}}
ADS = {"ads": {}, "resource_api_version": "V3"}


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

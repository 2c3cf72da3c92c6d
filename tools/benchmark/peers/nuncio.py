"""An Envoy-compatible proxy: nuncio, or another one that takes the same bootstrap."""
import json
import os
import random
import threading
import time
import urllib.request

from benchmark.processes import Failure

_TYPE = "type.googleapis.com/"
_FILTERS = "envoy.extensions.filters"
_CONFIG = "envoy.config"
# As Envoy's documentation advises for comparisons: no circuit breaking, no request ids.
_UNLIMITED = {name: 1_000_000 for name in ("max_connections", "max_pending_requests", "max_requests", "max_retries")}
_PUSH_SECONDS = 0.1
_READ_STATISTICS_SECONDS = 1


def _typed(name, message, **fields):
    return {"name": name, "typed_config": {"@type": _TYPE + message, **fields}}


def _address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _endpoints(cluster, port, weight=1):
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": _address(port)}, "load_balancing_weight": weight}]}]}


def _cluster(scenario, place, source=None):
    """`source`: where its endpoints come from; none: they are within."""
    cluster = {"name": "backend", "connect_timeout": "5s", "circuit_breakers": {"thresholds": [_UNLIMITED]}}
    if source is None:
        cluster.update(type="STATIC", load_assignment=_endpoints("backend", place.upstream_port))
    else:
        cluster.update(type="EDS", eds_cluster_config={"eds_config": source})
    if scenario.upstream == "h2":
        options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        cluster["typed_extension_protocol_options"] = {options: {
            "@type": _TYPE + options, "explicit_http_config": {"http2_protocol_options": {}}}}
    return cluster


def _virtual_hosts(scenario, marks=()):
    """`marks`: names that come and go with pushes."""
    everything = {"match": {"prefix": "/"}, "route": {"cluster": "backend"}}
    rewritten = {"match": {"prefix": "/static/"}, "route": {"cluster": "backend", "prefix_rewrite": "/b/128"}}
    hosts = [{"name": f"host{i}", "domains": [f"host{i}.example.com"], "routes": [rewritten, everything]}
             for i in range(scenario.hosts)]
    hosts += [{"name": mark, "domains": [f"{mark}.example.com"], "routes": [rewritten, everything]} for mark in marks]
    return hosts if scenario.hosts else [*hosts, {"name": "all", "domains": ["*"], "routes": [everything]}]


def _filter(scenario, place, routes):
    if scenario.front == "tcp":
        name = f"{_FILTERS}.network.tcp_proxy"
        return _typed(name, f"{name}.v3.TcpProxy", stat_prefix="front", cluster="backend")
    manager = f"{_FILTERS}.network.http_connection_manager"
    router = f"{_FILTERS}.http.router"
    logs = [_typed("envoy.access_loggers.file", "envoy.extensions.access_loggers.file.v3.FileAccessLog",
                   path=str(place.access_log))] if scenario.access_log else []
    return _typed(manager, f"{manager}.v3.HttpConnectionManager", stat_prefix="front", codec_type="AUTO",
                  generate_request_id=False, access_log=logs, http_filters=[_typed(router, f"{router}.v3.Router")],
                  **routes)


def _listener(scenario, place, routes):
    chain = {"filters": [_filter(scenario, place, routes)]}
    if scenario.tls:
        chain["transport_socket"] = _typed(
            "envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context={
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
                "tls_certificates": [{"certificate_chain": {"filename": str(place.certificate)},
                                      "private_key": {"filename": str(place.key)}}]})
    return {"name": "front", "address": _address(place.port), "filter_chains": [chain]}


class Nuncio:
    version_flag = "--version"

    def __init__(self, binary):
        self.binary = binary

    def command(self, scenario, place):
        admin = {"address": _address(place.admin_port)}
        if scenario.pushed:
            bootstrap = {"node": {"id": "bench", "cluster": "bench"}, "admin": admin,
                         "dynamic_resources": Pushes(scenario, place).write_all()}
        else:
            routes = {"route_config": {"name": "front", "virtual_hosts": _virtual_hosts(scenario)}}
            bootstrap = {"admin": admin, "static_resources": {
                "listeners": [_listener(scenario, place, routes)], "clusters": [_cluster(scenario, place)]}}
        path = place.write("bootstrap.json", json.dumps(bootstrap, indent=1))
        return [self.binary, "-c", path, "--concurrency", place.workers]


class Pushes:
    """A configuration in files, and changes to it that leave the traffic as it is: in turn a virtual host, a cluster
    and the weight of an endpoint. Between start() and stop() one every 100 ms, and statistics are read beside them.
    Not `watched`, files are written only, and the proxy is told of none: it costs the core of the load the same."""

    def __init__(self, scenario, place, watched=True):
        self.scenario, self.place, self.watched = scenario, place, watched
        self.count = 0
        self.failure = None
        self.ending = threading.Event()
        self.threads = []

    def _source(self, kind):
        return {"path_config_source": {"path": str(self.place.folder / f"{kind}.json")}}

    def _write(self, kind, message, *resources):
        typed = [{"@type": f"{_TYPE}{_CONFIG}.{message}", **resource} for resource in resources]
        new = self.place.write(f"{kind}.new", json.dumps({"version_info": str(self.count), "resources": typed}))
        os.replace(new, self.place.folder / f"{kind}.json")

    def _write_endpoints(self):
        self._write("eds", "endpoint.v3.ClusterLoadAssignment",
                    _endpoints("backend", self.place.upstream_port, 1 + self.count % 100))

    def _write_clusters(self):
        extra = {"name": f"extra{self.count}", "type": "STATIC", "connect_timeout": "5s",
                 "load_assignment": _endpoints(f"extra{self.count}", self.place.upstream_port)}
        self._write("cds", "cluster.v3.Cluster", _cluster(self.scenario, self.place, self._source("eds")), extra)

    def _write_routes(self):
        self._write("rds", "route.v3.RouteConfiguration",
                    {"name": "front", "virtual_hosts": _virtual_hosts(self.scenario, [f"pushed{self.count}"])})

    def write_all(self):
        """The configuration before all changes; the dynamic_resources that find it."""
        self._write_endpoints()
        self._write_clusters()
        self._write_routes()
        routes = {"rds": {"route_config_name": "front", "config_source": self._source("rds")}}
        self._write("lds", "listener.v3.Listener", _listener(self.scenario, self.place, routes))
        return {"lds_config": self._source("lds"), "cds_config": self._source("cds")}

    def _push(self):
        self.count += 1
        (self._write_routes, self._write_clusters, self._write_endpoints)[self.count % 3]()

    def _statistics(self, query):
        url = f"http://127.0.0.1:{self.place.admin_port}/stats{query}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    def _every(self, seconds, action):
        # In short rounds too, as often as that in the mean.
        due = time.monotonic() + random.uniform(0, seconds)
        try:
            while not self.ending.wait(max(0, due - time.monotonic())):
                action()
                due += seconds
        except OSError as error:
            self.failure = error

    def start(self):
        self.ending.clear()
        actions = [(_PUSH_SECONDS, self._push)]
        if self.watched:
            actions.append((_READ_STATISTICS_SECONDS, lambda: self._statistics("/prometheus")))
        for seconds, action in actions:
            thread = threading.Thread(target=self._every, args=(seconds, action), daemon=True)
            thread.start()
            self.threads.append(thread)

    def stop(self):
        """Raises Failure where the proxy did not take what was pushed."""
        self.ending.set()
        for thread in self.threads:
            thread.join()
        self.threads.clear()
        if not self.watched:
            return
        counters = {name: int(value) for name, value in
                    (line.split(": ") for line in self._statistics("?filter=update_(success|rejected)").splitlines())}
        taken = sum(value for name, value in counters.items() if name.endswith("update_success"))
        refused = sum(value for name, value in counters.items() if name.endswith("update_rejected"))
        if self.failure is not None or refused > 0 or taken < self.count / 2:
            raise Failure(f"{self.count} configurations were pushed, {taken} taken, {refused} refused"
                          + (f": {self.failure}" if self.failure else ""))

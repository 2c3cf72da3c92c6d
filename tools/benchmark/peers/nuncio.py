"""An Envoy-compatible proxy: nuncio, or another one that takes the same bootstrap."""
import json
import os

_TYPE = "type.googleapis.com/"
_FILTERS = "envoy.extensions.filters"
_CONFIG = "envoy.config"
# As Envoy's documentation advises for comparisons: no circuit breaking, no request ids.
_UNLIMITED = {name: 1_000_000 for name in ("max_connections", "max_pending_requests", "max_requests", "max_retries")}


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
                         "dynamic_resources": ConfigurationFiles(scenario, place).write_all()}
        else:
            routes = {"route_config": {"name": "front", "virtual_hosts": _virtual_hosts(scenario)}}
            bootstrap = {"admin": admin, "static_resources": {
                "listeners": [_listener(scenario, place, routes)], "clusters": [_cluster(scenario, place)]}}
        path = place.write("bootstrap.json", json.dumps(bootstrap, indent=1))
        return [self.binary, "-c", path, "--concurrency", place.workers]


class ConfigurationFiles:
    """A configuration in files, and changes to it that leave the traffic as it is. Changes are written beside the files
    that they are to be moved to."""

    def __init__(self, scenario, place):
        self.scenario, self.place = scenario, place
        (place.folder / "new").mkdir(exist_ok=True)

    def _source(self, kind):
        return {"path_config_source": {"path": str(self.place.folder / f"{kind}.json")}}

    def _write(self, kind, number, message, *resources):
        """The file, and where it is to be moved to."""
        typed = [{"@type": f"{_TYPE}{_CONFIG}.{message}", **resource} for resource in resources]
        new = self.place.write(f"new/{kind}.{number}", json.dumps({"version_info": str(number), "resources": typed}))
        return new, self.place.folder / f"{kind}.json"

    def _write_endpoints(self, number):
        return self._write("eds", number, "endpoint.v3.ClusterLoadAssignment",
                           _endpoints("backend", self.place.upstream_port, 1 + number))

    def _write_clusters(self, number):
        extra = {"name": f"extra{number}", "type": "STATIC", "connect_timeout": "5s",
                 "load_assignment": _endpoints(f"extra{number}", self.place.upstream_port)}
        return self._write("cds", number, "cluster.v3.Cluster",
                           _cluster(self.scenario, self.place, self._source("eds")), extra)

    def _write_routes(self, number):
        return self._write("rds", number, "route.v3.RouteConfiguration",
                           {"name": "front", "virtual_hosts": _virtual_hosts(self.scenario, [f"pushed{number}"])})

    def _write_listeners(self):
        routes = {"rds": {"route_config_name": "front", "config_source": self._source("rds")}}
        return self._write("lds", 0, "listener.v3.Listener", _listener(self.scenario, self.place, routes))

    def write_changes(self, count):
        """`count` of each kind, in turn: a virtual host, a cluster, the weight of an endpoint."""
        kinds = (self._write_routes, self._write_clusters, self._write_endpoints)
        return [write(number) for number in range(1, count + 1) for write in kinds]

    def write_all(self):
        """The configuration before all changes; the dynamic_resources that find it."""
        for new, path in (self._write_endpoints(0), self._write_clusters(0), self._write_routes(0),
                          self._write_listeners()):
            os.replace(new, path)
        return {"lds_config": self._source("lds"), "cds_config": self._source("cds")}

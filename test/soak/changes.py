"""The configuration that the traffic runs through, and the changes it goes through: xDS resources as Envoy reads
them."""

FILTERS = "type.googleapis.com/envoy.extensions.filters"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"

# One step each, in turn.
KINDS = ("weights", "endpoint", "cluster", "route", "filter chain", "listener option", "listener")


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


class Configuration:
    """Backends a, b and c behind three clusters: `one` of a and now and then b, `two` of b, `extra` of c, which comes
    and goes. `steady` takes the long transfers and stays as it is."""

    def __init__(self, backends, web, extra_web, source, in_order):
        """`source(kind)`: the ConfigSource of a type's resources, kind one of "rds" and "eds". `in_order`: a step may
        bring or take a cluster together with the routes to it, because who delivers it makes before he breaks."""
        self.backends = backends
        self.in_order = in_order
        self.web, self.extra_web, self.source = web, extra_web, source
        self.revision = 0
        self.weight = 50
        self.two_endpoints = False
        self.extra_cluster = False
        self.extra_route = False
        self.server_name = 0
        self.second_chain = False
        self.small_buffers = False
        self.extra_listener = False

    def step(self):
        """Changes one thing; says what."""
        kind = KINDS[self.revision % len(KINDS)]
        self.revision += 1
        if kind == "weights":
            self.weight = 10 + self.revision * 37 % 81
        elif kind == "endpoint":
            self.two_endpoints = not self.two_endpoints
        elif kind == "cluster":
            self.extra_cluster = not self.extra_cluster
        elif kind == "route":
            self.extra_route = not self.extra_route
        elif kind == "filter chain":
            # In turn: the chain of the traffic changes, and another one comes or goes.
            if self.second_chain:
                self.server_name += 1
            self.second_chain = not self.second_chain
        elif kind == "listener option":
            self.small_buffers = not self.small_buffers
        elif kind == "listener":
            self.extra_listener = not self.extra_listener
        return kind

    def manager(self, routes):
        return {"name": "envoy.filters.network.http_connection_manager", "typed_config": {
            "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "soak",
            "server_name": f"soak-{self.server_name % 2}",
            "http_filters": [{"name": "envoy.filters.http.router",
                              "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"}}],
            **routes,
        }}

    def listeners(self):
        rds = {"rds": {"route_config_name": "soak", "config_source": self.source("rds")}}
        chains = [{"name": "all", "filters": [self.manager(rds)]}]
        if self.second_chain:
            chains.append({"name": "some", "filters": [self.manager(rds)], "filter_chain_match": {
                "source_prefix_ranges": [{"address_prefix": "127.0.0.2", "prefix_len": 32}]}})
        yield {"@type": LISTENER, "name": "web", "address": address(self.web), "filter_chains": chains,
               "per_connection_buffer_limit_bytes": 64 * 1024 if self.small_buffers else 1024 * 1024}
        if self.extra_listener:
            answer = {"route_config": {"virtual_hosts": [{"name": "extra", "domains": ["*"], "routes": [
                {"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]}}
            yield {"@type": LISTENER, "name": "extra", "address": address(self.extra_web),
                   "filter_chains": [{"filters": [self.manager(answer)]}]}

    def routes(self):
        weights = [{"name": "one", "weight": self.weight}, {"name": "two", "weight": 100 - self.weight}]
        # Without order the routes wait for the cluster for a step, and leave it a step before it goes.
        last, following = KINDS[(self.revision - 1) % len(KINDS)], KINDS[self.revision % len(KINDS)]
        if self.extra_cluster and (self.in_order or "cluster" not in (last, following)):
            weights.append({"name": "extra", "weight": 20})
        routes = [{"match": {"prefix": "/long"}, "route": {"cluster": "steady", "timeout": "0s"}}]
        if self.extra_route:
            routes.append({"match": {"safe_regex": {"regex": "/bytes/1[0-9]*"}}, "route": {"cluster": "two"}})
        routes.append({"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": weights}}})
        yield {"@type": ROUTES, "name": "soak",
               "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
               "response_headers_to_add": [{"header": {"key": "x-revision", "value": str(self.revision)},
                                            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]}

    def cluster_names(self):
        return ["one", "two", "steady"] + ["extra"] * self.extra_cluster

    def clusters(self):
        for name in self.cluster_names():
            yield {"@type": CLUSTER, "name": name, "type": "EDS", "connect_timeout": "5s",
                   "eds_cluster_config": {"eds_config": self.source("eds")}}

    def endpoints(self):
        members = {"one": "ab" if self.two_endpoints else "a", "two": "b", "steady": "a", "extra": "c"}
        for name in self.cluster_names():
            yield {"@type": ENDPOINTS, "cluster_name": name, "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": address(self.backends[member])}} for member in members[name]]}]}

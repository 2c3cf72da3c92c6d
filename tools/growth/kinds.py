"""What grows: for each kind the configuration with so many items of it, a change of one of them, and requests for
some."""
import itertools

import certificates
from wire import address, any_of, encode, seconds

CLUSTER = "envoy.config.cluster.v3.Cluster"
ASSIGNMENT = "envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = "envoy.config.listener.v3.Listener"
ROUTES = "envoy.config.route.v3.RouteConfiguration"
SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"
TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
INSPECTOR = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"

CLUSTER_HEADER = "x-cluster"
ENDPOINTS_PER_CLUSTER = 1000
# Requests go round over so many items, whatever their number is.
ITEMS_ASKED_FOR = 10


def asked_for(size):
    """Indexes of the items that requests are for, spread over all of them."""
    count = min(size, ITEMS_ASKED_FOR)
    return [i * size // count for i in range(count)]


class Kind:
    """One listener, one table with one route, one cluster with one endpoint; subclasses have many of something.

    `version` 0 is the configuration at the start; every later one differs from the one before in one item, the middle
    one. """
    name = ""
    item = ""
    largest = 10000
    # Of what the change is.
    changed = "routes"

    def __init__(self, source, size, port, backend_port):
        self.source, self.size, self.port, self.backend_port = source, size, port, backend_port
        self.version = 0

    def version_of(self, index):
        return self.version if index == self.size // 2 else 0

    # The resources.

    def clusters(self):
        return [self.cluster("backend", [(address("127.0.0.1", self.backend_port), 0)])]

    def cluster(self, name, endpoints, version=0):
        return {1: name, 2: 0, 4: seconds(1 + version), 33: self.assignment(name, endpoints)}

    def assignment(self, name, endpoints):
        """`endpoints`: pairs of address and priority, in order of priorities."""
        return {1: name, 2: [{2: [{1: {1: each}} for each, _ in group], 5: priority}
                             for priority, group in itertools.groupby(endpoints, key=lambda pair: pair[1])]}

    def assignments(self):
        return []

    def routes(self):
        return [{1: "routes", 2: [self.virtual_host("all", "*", [self.route({1: "/"}, {1: "backend"})])]}]

    def virtual_host(self, name, domain, routes):
        return {1: name, 2: domain, 3: routes}

    def route(self, match, action, version=0):
        return {1: match, 2: {**action, 8: seconds(15 + version)}}

    def secrets(self):
        return []

    def listeners(self):
        return [{1: "listener", 2: address("127.0.0.1", self.port), 3: self.chain("ingress")}]

    def chain(self, prefix):
        router = {1: "envoy.filters.http.router", 4: any_of(ROUTER, {})}
        manager = {2: prefix, 3: {1: self.source.config_source("routes"), 2: "routes"}, 5: [router]}
        return {3: {1: "envoy.filters.network.http_connection_manager", 4: any_of(MANAGER, manager)}}

    # What is asked for: (address, host, path, further headers, server name in the TLS handshake or None).

    def requests(self):
        return [(("127.0.0.1", self.port), "host.example.com", "/", "", None)]

    def all(self):
        return {"clusters": (CLUSTER, self.clusters), "endpoints": (ASSIGNMENT, self.assignments),
                "routes": (ROUTES, self.routes), "secrets": (SECRET, self.secrets),
                "listeners": (LISTENER, self.listeners)}

    def put(self, name):
        type_name, resources = self.all()[name]
        self.source.put(name, type_name, str(self.version), resources())


class VirtualHosts(Kind):
    name, item = "virtual_hosts", "virtual host"

    def routes(self):
        return [{1: "routes", 2: [
            self.virtual_host(f"host{i}", f"host{i}.example.com",
                              [self.route({1: "/"}, {1: "backend"}, self.version_of(i))])
            for i in range(self.size)]}]

    def requests(self):
        return [(("127.0.0.1", self.port), f"host{i}.example.com", "/", "", None) for i in asked_for(self.size)]


class Routes(Kind):
    name, item = "routes", "route"

    def routes(self):
        return [{1: "routes", 2: [self.virtual_host("all", "*", [
            self.route({2: f"/path/{i}"}, {1: "backend"}, self.version_of(i)) for i in range(self.size)])]}]

    def requests(self):
        return [(("127.0.0.1", self.port), "host.example.com", f"/path/{i}", "", None) for i in asked_for(self.size)]


class ByHeader(Kind):
    """The cluster is named by a header of the request."""

    def routes(self):
        return [{1: "routes", 2: [self.virtual_host("all", "*", [self.route({1: "/"}, {2: CLUSTER_HEADER})])]}]

    def requests(self):
        return [(("127.0.0.1", self.port), "host.example.com", "/", f"{CLUSTER_HEADER}: {name}\r\n", None)
                for name in self.asked_clusters()]


class Clusters(ByHeader):
    name, item, changed = "clusters", "cluster with two endpoints", "clusters"

    def clusters(self):
        hosts = [(address(host, self.backend_port), 0) for host in ("127.0.0.1", "127.0.0.2")]
        return [self.cluster(f"cluster{i}", hosts, self.version_of(i)) for i in range(self.size)]

    def asked_clusters(self):
        return [f"cluster{i}" for i in asked_for(self.size)]


class Endpoints(ByHeader):
    """Of each cluster the first endpoints are a priority of their own, so that requests go to these and to the same
    number of connections whatever the size is."""
    name, item, changed, largest = "endpoints", "endpoint", "endpoints", 100000

    def count(self):
        return -(-self.size // ENDPOINTS_PER_CLUSTER)

    def clusters(self):
        source = self.source.config_source("endpoints")
        return [{1: f"cluster{i}", 2: 3, 3: {1: source}, 4: seconds(1)} for i in range(self.count())]

    def endpoint(self, index):
        at = index % ENDPOINTS_PER_CLUSTER
        # All of 127.0.0.0/8 is this machine; an endpoint that changes goes to another address.
        network = 1 + self.version_of(index)
        return address(f"127.{network}.{at // 250}.{1 + at % 250}", self.backend_port), int(at >= ITEMS_ASKED_FOR)

    def assignments(self):
        each = ENDPOINTS_PER_CLUSTER
        return [self.assignment(f"cluster{i}",
                                [self.endpoint(at) for at in range(i * each, min((i + 1) * each, self.size))])
                for i in range(self.count())]

    def asked_clusters(self):
        return ["cluster0"]


class TlsContexts(Kind):
    """Filter chains of one listener, chosen by server name, each with a certificate of its own by discovery."""
    name, item, changed = "tls_contexts", "TLS context with its filter chain", "secrets"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        pairs = itertools.islice(certificates.key_pairs(), self.size + 100)
        self.pairs = list(pairs)

    def server_name(self, index):
        return f"host{index}.example.com"

    def secrets(self):
        out = []
        for i in range(self.size):
            make, key = self.pairs[self.size + self.version if self.version_of(i) else i]
            out.append({1: self.server_name(i), 2: {1: {3: make(self.server_name(i))}, 2: {3: key}}})
        return out

    def listeners(self):
        source = self.source.config_source("secrets")
        inspector = {1: "envoy.filters.listener.tls_inspector", 3: any_of(INSPECTOR, {})}
        chain = encode(self.chain("ingress"))
        chains = []
        for i in range(self.size):
            context = {1: {6: {1: self.server_name(i), 2: source}}}
            own = {1: {11: self.server_name(i)}, 6: {1: "envoy.transport_sockets.tls", 3: any_of(TLS, context)}}
            chains.append(encode(own) + chain)
        return [{1: "listener", 2: address("127.0.0.1", self.port), 3: chains, 9: inspector}]

    def requests(self):
        return [(("127.0.0.1", self.port), self.server_name(i), "/", "",
                 self.server_name(i)) for i in asked_for(self.size)]


class Listeners(Kind):
    name, item, changed, largest = "listeners", "listener", "listeners", 1000

    def host(self, index):
        return f"127.1.{index // 250}.{1 + index % 250}"

    def listeners(self):
        return [{1: f"listener{i}", 2: address(self.host(i), self.port),
                 3: self.chain(f"ingress{self.version_of(i) or ''}")} for i in range(self.size)]

    def requests(self):
        return [((self.host(i), self.port), "host.example.com", "/", "", None) for i in asked_for(self.size)]


KINDS = {kind.name: kind for kind in (VirtualHosts, Routes, Clusters, Endpoints, TlsContexts, Listeners)}

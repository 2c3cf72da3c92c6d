"""Listeners and their routes from a control plane, as they come and go on one stream."""

import unittest

from control_plane import ADS, ALL_BY_ADS, CLUSTER, LISTENER, Control, control_cluster, from_control
from harness import HCM, ROUTER, Backend, Client, Nuncio, free_ports, to, wait_for
from rotation import Admin

ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


def rds_listener(name, port, routes):
    """Waits for its routes for ever."""
    manager = {"@type": HCM, "stat_prefix": name,
               "rds": {"route_config_name": routes, "config_source": {**ADS, "initial_fetch_timeout": "0s"}},
               "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}]}
    return {"@type": LISTENER, "name": name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}


class RouteDiscovery(unittest.TestCase):
    def setUp(self):
        self.backend = Backend()
        self.port, control_port, admin = free_ports(3)
        self.admin = Admin(admin)
        self.control = Control(control_port)
        self.assertEqual(self.control.push(*self.resources("first"))[0], 0)
        self.proxy = Nuncio(from_control([control_cluster(control_port)], self.admin, **ALL_BY_ADS))

    def tearDown(self):
        self.proxy.stop()
        self.control.stop()
        self.backend.stop()

    def resources(self, routes):
        return [rds_listener("web", self.port, routes),
                {"@type": ROUTES, "name": routes,
                 "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [to("echo")]}]},
                {"@type": CLUSTER, **self.backend.cluster("echo")}]

    def status(self):
        with Client(self.port) as client:
            return client.get("/echo").status

    def test_routes_come_after_the_last_ones_went(self):
        """The control plane sends the empty set of routes while the proxy gives up the last name of it."""
        self.assertEqual(self.status(), 200)
        self.assertEqual(self.control.push({"@type": CLUSTER, **self.backend.cluster("echo")})[0], 0)
        wait_for(lambda: self.admin.stat("listener_manager.listener_removed") == 1, "the listener goes")
        wait_for(lambda: "synced" in self.control.call("proxies"), "the control plane knows that")
        self.assertEqual(self.control.push(*self.resources("second"))[0], 0)
        wait_for(lambda: self.admin.stat("listener_manager.total_listeners_active") == 1, "the listener is back")
        self.assertEqual(self.status(), 200)


if __name__ == "__main__":
    unittest.main()

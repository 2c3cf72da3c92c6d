#!/usr/bin/env python3
"""Traffic under change: requests through a proxy whose configuration changes every 100 ms, and whose control plane is
killed and started again meanwhile. Not one request may fail; a connection refused or reset is a failure.

The load is traffic.cc's: half of the requests open a connection each, a fifth are POSTs, and a long download and a slow
upload span all of it. The changes are those of changes.py, one after the other. With `--by ads` nuncio-control hands
them to the proxy, pushed by nuncioctl; with `--by files` the proxy watches files that are replaced.
"""
import argparse
import collections
import http.client
import json
import os
import sys
import time

import changes
import processes

INTERVAL = 0.1
GROUP = "soak"


class Delivery:
    """How configurations reach the proxy."""

    def __init__(self, programs, arguments):
        self.programs, self.arguments = programs, arguments

    def dynamic_resources(self):
        source = {kind: self.source(kind) for kind in ("lds", "cds")}
        return {"lds_config": source["lds"], "cds_config": source["cds"]}

    def clusters(self):
        return []

    def outage(self):
        """Takes away what hands out configurations, where there is something."""
        return False

    def recover(self):
        pass


class Files(Delivery):
    """Files that the proxy watches, replaced as a whole."""

    def source(self, kind):
        return {"path_config_source": {"path": str(self.programs.directory / f"{kind}.json")}}

    def start(self):
        pass

    def push(self, configuration):
        # What is named goes before what names it.
        for kind, resources in (("eds", configuration.endpoints()), ("cds", configuration.clusters()),
                                ("rds", configuration.routes()), ("lds", configuration.listeners())):
            path = self.programs.directory / f"{kind}.json"
            new = path.with_suffix(".new")
            new.write_text(json.dumps({"version_info": str(configuration.revision), "resources": list(resources)}))
            os.replace(new, path)


class Ads(Delivery):
    """The control plane."""

    def __init__(self, programs, arguments):
        super().__init__(programs, arguments)
        self.port, self.http_port = processes.free_ports(2)
        self.starts = 0

    def source(self, kind):
        return {"ads": {}}

    def dynamic_resources(self):
        return {"ads_config": {"api_type": "GRPC",
                               "grpc_services": [{"envoy_grpc": {"cluster_name": "control_plane"}}]},
                **super().dynamic_resources()}

    def clusters(self):
        options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        endpoint = {"endpoint": {"address": changes.address(self.port)}}
        return [{"name": "control_plane", "type": "STATIC", "connect_timeout": "1s",
                 "typed_extension_protocol_options": {options: {
                     "@type": f"type.googleapis.com/{options}",
                     "explicit_http_config": {"http2_protocol_options": {}}}},
                 "load_assignment": {"cluster_name": "control_plane",
                                     "endpoints": [{"lb_endpoints": [endpoint]}]}}]

    def start(self):
        self.programs.start("nuncio-control", self.arguments.nuncio_control,
                            "--listen", f"127.0.0.1:{self.port}", "--http-listen", f"127.0.0.1:{self.http_port}",
                            "--store", self.programs.directory / "store.db")
        self.programs.wait("the control plane is ready", lambda: processes.get(self.http_port, "/ready")[0] == 200)

    def push(self, configuration):
        path = self.programs.directory / "resources.json"
        path.write_text(json.dumps({"resources": [
            *configuration.listeners(), *configuration.routes(), *configuration.clusters(),
            *configuration.endpoints()]}))
        self.programs.call(self.arguments.nuncioctl, "--server", f"127.0.0.1:{self.port}",
                           "push", path, "--group", GROUP, "-m", f"revision {configuration.revision}")

    def outage(self):
        self.programs.kill("nuncio-control")
        return True

    def recover(self):
        self.start()


def extra_listener_answers(port):
    try:
        return processes.get(port, "/", timeout=1)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def body(programs, arguments):
    backends = programs.start_backends(arguments.traffic, ["a", "b", "c"])
    web, extra_web, admin = processes.free_ports(3)
    delivery = (Ads if arguments.by == "ads" else Files)(programs, arguments)
    configuration = changes.Configuration(backends, web, extra_web, delivery.source,
                                          in_order=arguments.by == "ads")
    delivery.start()
    delivery.push(configuration)
    bootstrap = programs.directory / "bootstrap.json"
    bootstrap.write_text(json.dumps({
        "node": {"id": "soak-proxy", "cluster": GROUP},
        "admin": {"address": changes.address(admin)},
        "dynamic_resources": delivery.dynamic_resources(),
        "static_resources": {"clusters": delivery.clusters()},
    }))
    programs.start("nuncio", arguments.nuncio, "-c", bootstrap, "--concurrency", 2)
    programs.wait("the proxy serves", lambda: processes.get(web, "/bytes/1")[0] == 200)

    load = programs.start_load(arguments.traffic, port=web, requests=arguments.requests, rate=arguments.rate,
                               spanning_download=arguments.download_mebibytes << 20,
                               spanning_upload=arguments.upload_mebibytes << 20)
    started = time.monotonic()
    # Moments of the control plane's death, as shares of the run, and how long it stays away.
    outages = collections.deque(share * arguments.requests / arguments.rate for share in (0.3, 0.6))
    outage_ends = None
    pushed = collections.Counter()
    extra_answers = 0
    while load.poll() is None:
        turn = time.monotonic()
        if outage_ends is None and outages and turn - started > outages[0]:
            outages.popleft()
            if delivery.outage():
                outage_ends = turn + arguments.outage_seconds
                pushed["control plane killed"] += 1
        if outage_ends is not None and turn > outage_ends:
            delivery.recover()
            outage_ends = None
        if outage_ends is None:
            before = configuration.extra_listener
            pushed[configuration.step()] += 1
            # A listener that has been there for some changes.
            if before and configuration.extra_listener and extra_listener_answers(extra_web):
                extra_answers += 1
            delivery.push(configuration)
        programs.check()
        time.sleep(max(0, turn + INTERVAL - time.monotonic()))
    result = programs.finish_load()
    print(f"{result['requests']} requests in {result['seconds']:.0f} s over {result['connections']} connections, "
          f"{result['failed']} failed; answered under {result['revisions']} configurations by {result['backends']}",
          flush=True)
    print("changes: " + ", ".join(f"{count} {kind}" for kind, count in sorted(pushed.items())), flush=True)

    processes.expect(f"no request failed: {result['failures']}", result["failed"] == 0)
    processes.expect("every kind of change was made", set(changes.KINDS) <= set(pushed))
    processes.expect("the proxy took up the changes", result["revisions"] * 4 >= configuration.revision)
    processes.expect("all backends were used", {"a", "b", "c"} <= set(result["backends"]))
    processes.expect("the listener that comes and goes has answered", extra_answers > 0)
    if arguments.by == "ads":
        processes.expect("the control plane was killed", pushed["control plane killed"] > 0)
    refused = [line for line in processes.get(admin, "/stats?filter=update_rejected")[1].splitlines()
               if not line.endswith(": 0")]
    processes.expect(f"the proxy refused no configuration: {refused}", not refused)
    processes.expect("the proxy ends with status 0", programs.terminate("nuncio", 20) == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    processes.add_programs(parser, "nuncio", "traffic", "nuncio-control", "nuncioctl")
    parser.add_argument("--by", choices=("ads", "files"), default="ads")
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=2_000, help="requests per second (default: 2000)")
    parser.add_argument("--download-mebibytes", type=int, default=1024)
    parser.add_argument("--upload-mebibytes", type=int, default=64)
    parser.add_argument("--outage-seconds", type=float, default=3, help="the control plane stays away (default: 3)")
    return processes.run(body, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())

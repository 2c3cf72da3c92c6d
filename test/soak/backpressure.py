#!/usr/bin/env python3
"""Backpressure: a large download whose client stalls and a large upload whose backend stalls, beside each other,
through one proxy. Every byte arrives, and the proxy's resident memory stays within what its buffer limits allow."""
import argparse
import json
import pathlib
import sys
import time

import processes

MIB = 1 << 20
# What one connection may hold back, in each direction.
BUFFER_LIMIT = 256 * 1024
# Two streams, each with a client's and a backend's connection, each of which may hold its limit in both directions;
# the rest is for arenas, slices that are filled in part, and the allocator.
GROWTH_LIMIT = 2 * 2 * 2 * BUFFER_LIMIT + 6 * MIB
RESIDENT_LIMIT = 64 * MIB


def bootstrap(web, backend):
    address = {"socket_address": {"address": "127.0.0.1", "port_value": web}}
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": backend}}}
    filters = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "web",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": "backend", "timeout": "0s"}}]}]},
        "http_filters": [{"name": "envoy.filters.http.router",
                          "typed_config": {"@type": f"{filters}.http.router.v3.Router"}}],
    }
    return {"static_resources": {
        "listeners": [{
            "name": "web", "address": address, "per_connection_buffer_limit_bytes": BUFFER_LIMIT,
            "filter_chains": [{"filters": [
                {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}],
        "clusters": [{
            "name": "backend", "type": "STATIC", "connect_timeout": "5s",
            "per_connection_buffer_limit_bytes": BUFFER_LIMIT,
            "load_assignment": {"cluster_name": "backend",
                                "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]}}],
    }}


def memory(process, field):
    """VmRSS or VmHWM (the highest VmRSS so far), in bytes."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise processes.Failure(f"the kernel does not tell {field}")


def body(programs, arguments):
    port = programs.start_backends(arguments.traffic, ["backend"])["backend"]
    web, = processes.free_ports(1)
    config = programs.directory / "bootstrap.json"
    config.write_text(json.dumps(bootstrap(web, port)))
    proxy = programs.start("nuncio", arguments.nuncio, "-c", config, "--concurrency", 2)
    programs.wait("the proxy serves", lambda: processes.get(web, "/bytes/1000")[0] == 200)
    before = memory(proxy, "VmRSS")
    size = arguments.mebibytes * MIB
    load = programs.start_load(arguments.traffic, port=web, stalled_download=size, stalled_upload=size,
                               stall_seconds=arguments.stall_seconds, stall_every=size // 3)
    highest = before
    while load.poll() is None:
        highest = max(highest, memory(proxy, "VmRSS"))
        if highest > RESIDENT_LIMIT:
            raise processes.Failure(f"the proxy holds {highest // MIB} MiB")
        time.sleep(0.1)
    result = programs.finish_load()
    programs.check()
    highest = memory(proxy, "VmHWM")
    print(f"{arguments.mebibytes} MiB each way in {result['seconds']:.0f} s; resident memory {before / MIB:.1f} MiB "
          f"before, at most {highest / MIB:.1f} MiB", flush=True)
    processes.expect(f"no transfer failed: {result['failures']}", result["failed"] == 0)
    processes.expect(f"memory grew by at most {GROWTH_LIMIT // MIB} MiB", highest - before <= GROWTH_LIMIT)
    processes.expect(f"memory stayed below {RESIDENT_LIMIT // MIB} MiB", highest <= RESIDENT_LIMIT)
    processes.expect("the proxy ends with status 0", programs.terminate("nuncio", 20) == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    processes.add_programs(parser, "nuncio", "traffic")
    parser.add_argument("--mebibytes", type=int, default=10 * 1024, help="each way (default: 10240)")
    parser.add_argument("--stall-seconds", type=int, default=5,
                        help="at the start and after every third of the bytes (default: 5)")
    return processes.run(body, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())

"""Several workers: a few long connections are as many on each, and short ones lose nothing on the way from one to the
other."""

import threading
import unittest

import tls
from harness import Backend, Client, Nuncio, bootstrap, free_ports, listener, to, wait_for

WORKERS = 4


class Workers(unittest.TestCase):

    def setUp(self):
        self.backend = Backend()
        self.port, self.sniffed, self.exact, self.admin = free_ports(4)
        routes = [to("echo", prefix="/")]
        self.proxy = Nuncio(bootstrap(
            [listener("main", self.port, routes),
             listener("sniffed", self.sniffed, routes, listener_fields={"listener_filters": [tls.inspector()]}),
             listener("exact", self.exact, routes,
                      listener_fields={"connection_balance_config": {"exact_balance": {}}})],
            [self.backend.cluster("echo")],
            admin={"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.admin}}}),
            "--concurrency", str(WORKERS))
        self.addCleanup(self.proxy.stop)

    def counts(self, port):
        with Client(self.admin) as client:
            name = f"^listener[.]127.0.0.1_{port}[.]worker_[0-9]*[.]downstream_cx_active$"
            text = client.get(f"/stats?filter={name}").body.decode()
        return sorted(int(line.rsplit(":", 1)[1]) for line in text.splitlines())

    def test_a_few_long_ones(self):
        for port in (self.port, self.sniffed, self.exact):
            clients = [Client(port) for _ in range(10 * WORKERS)]
            for client in clients:
                self.assertEqual(client.get("/").status, 200)
            # A worker may accept one before it is told that another has just ended: off by one at most.
            counts = self.counts(port)
            self.assertEqual(sum(counts), 10 * WORKERS)
            self.assertLessEqual(counts[-1] - counts[0], 2, counts)
            for client in clients:
                self.assertEqual(client.get("/again").status, 200)
                client.close()
            wait_for(lambda: sum(self.counts(port)) == 0, "the end of the connections")

    def test_many_short_ones(self):
        failures = []

        def run():
            try:
                for number in range(200):
                    with Client(self.port) as client:
                        answer = client.get(f"/{number}", "Connection: close\r\n")
                        assert answer.body.decode() == f"/{number}", answer.body
            except (AssertionError, EOFError, OSError) as failure:
                failures.append(failure)

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        wait_for(lambda: sum(self.counts(self.port)) == 0, "the end of the connections")


if __name__ == "__main__":
    unittest.main()

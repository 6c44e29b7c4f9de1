"""`greyctl dev`: starts, keeps, stops, and says what is in its way."""

import os
import signal
import socket
import subprocess
import unittest

from harness import DEGRADED, GREYCTL, OK, USAGE, Case, clean_environment, is_running


class Development(Case):
    def start(self, *arguments):
        cluster = self.dev(*arguments)
        self.assertIsNotNone(cluster.report, cluster.events())
        self.endpoints = cluster.endpoints
        return cluster

    def refused(self, *arguments):
        ended = self.greyctl("dev", *arguments, "--greyd", os.environ["GREYD_PROGRAM"])
        self.assertEqual(ended.code, USAGE, ended.err)
        self.assertEqual(ended.out, b"")
        return ended.err

    def test_data_is_kept_across_runs_and_ports(self):
        first = self.start()
        self.expect(OK, "put", "k", "kept")
        self.assertEqual(first.stop(), OK)
        self.assertEqual([event["event"] for event in first.events()], ["stopped"] * 3)
        self.assertFalse(any(is_running(first.pid(node)) for node in (1, 2, 3)))
        second = self.start()
        self.assertEqual(self.expect(OK, "get", "k").out, b"kept")
        self.assertEqual(second.stop(signal.SIGTERM), OK)
        self.assertIn("holds a cluster of 3 nodes", self.refused("--nodes", "5"))

    def test_a_temporary_one_leaves_nothing(self):
        cluster = self.start("--temporary")
        directory = cluster.report["directory"]
        self.assertTrue(os.path.isdir(directory))
        self.assertEqual(cluster.stop(), OK)
        self.assertFalse(os.path.exists(directory))
        self.assertFalse(os.path.exists(os.path.join(self.directory, "grey-dev")))

    def test_a_port_in_use_is_named_and_nothing_is_started(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            error = self.refused("--temporary", "--first-port", str(port), "--nodes", "1")
        self.assertIn(f"127.0.0.1:{port} is in use", error)
        self.assertIn("--first-port", error)

    def test_a_directory_belongs_to_one_at_a_time(self):
        cluster = self.start()
        self.assertIn("in use by another", self.refused("--first-port", "0"))
        self.expect(OK, "put", "k", "unharmed")
        self.assertEqual(cluster.stop(), OK)

    def test_without_nodes_it_ends(self):
        cluster = self.start("--temporary")
        for node in (1, 2, 3):
            cluster.kill_node(node)
        self.assertEqual(cluster.process.wait(60), DEGRADED)
        self.assertEqual(cluster.events()[-1]["event"], "all_ended")

    def test_nodes_die_with_it(self):
        cluster = self.start()
        cluster.process.kill()
        cluster.process.wait()
        self.eventually(lambda: not any(is_running(cluster.pid(node)) for node in (1, 2, 3)))

    def test_one_node_is_a_cluster_too(self):
        self.start("--temporary", "--nodes", "1")
        self.expect(OK, "put", "k", "v")
        self.assertEqual(self.expect(OK, "get", "k").out, b"v")

    def test_no_node_program(self):
        ended = self.greyctl("dev", "--temporary", "--greyd", "nowhere/greyd")
        self.assertEqual(ended.code, USAGE)
        self.assertIn("--greyd", ended.err)

    def test_people_get_a_table_and_the_line_to_export(self):
        process = subprocess.Popen(
            [GREYCTL, "dev", "--temporary", "--first-port", "0", "--greyd",
             os.environ["GREYD_PROGRAM"]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=self.directory, env=clean_environment(self.directory))
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        text = b""
        while b"Ctrl-C" not in text:
            line = process.stdout.readline()
            self.assertNotEqual(line, b"", text)
            text += line
        self.assertIn(b"export GREY_ENDPOINTS=127.0.0.1:", text)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), OK)


if __name__ == "__main__":
    unittest.main()

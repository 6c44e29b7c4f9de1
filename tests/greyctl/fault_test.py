"""What greyctl says when nodes die under it."""

import unittest

from harness import (DEADLINE, DEGRADED, NO_QUORUM, NOT_FOUND, OK, UNKNOWN, Case)


class NodesDie(Case):
    def test_one_costs_nothing_two_cost_the_majority(self):
        cluster = self.dev("--temporary")
        self.endpoints = cluster.endpoints
        self.eventually(lambda: self.greyctl("status").code == OK)
        self.expect(OK, "put", "k", "before")

        cluster.kill_node(2)
        self.eventually(lambda: self.greyctl("status").code == DEGRADED)
        document = self.expect(DEGRADED, "status", "-o", "json").json
        self.assertEqual([node["reachable"] for node in document["nodes"]], [True, False, True])
        self.assertEqual(len(document["troubles"]), 1, document["troubles"])
        self.assertIn("degraded: node 2", self.expect(DEGRADED, "status").text)
        self.expect(OK, "put", "k", "during")
        self.assertEqual(self.expect(OK, "get", "k").out, b"during")
        self.expect(NOT_FOUND, "get", "other")
        self.eventually(lambda: cluster.events() != [])
        event = cluster.events()[0]
        self.assertEqual((event["event"], event["node"]), ("node_ended", 2))
        self.assertIn("signal 9", event["message"])

        cluster.kill_node(3)
        self.eventually(lambda: len(cluster.events()) == 2)
        read = self.greyctl("get", "k", "--timeout", "2s")
        self.assertIn(read.code, (NO_QUORUM, DEADLINE), read.err)
        self.assertEqual(read.out, b"")
        write = self.greyctl("put", "k", "after", "--timeout", "2s", "--tenant", "default", "-o",
                             "json")
        self.assertIn(write.code, (NO_QUORUM, DEADLINE, UNKNOWN), write.err)
        self.assertEqual(write.error["exit_code"], write.code)
        if write.code == UNKNOWN:
            command = write.error["resolve_command"]
            self.assertEqual(command, "greyctl --tenant default --timeout 2s resolve -- k " +
                             write.error["token"])
            self.assertIn(self.greyctl(*command.split()[1:]).code, (NO_QUORUM, DEADLINE, UNKNOWN))
        self.assertEqual(cluster.stop(), OK)


if __name__ == "__main__":
    unittest.main()

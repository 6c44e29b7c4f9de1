"""Directory trees in and out of a cluster."""

import os
import unittest

from harness import DEGRADED, NOT_FOUND, OK, USAGE, ClusterCase

FILES = {"a.txt": b"hello\n", "empty": b"", "deep/er/bin": bytes(range(256)) * 300,
         "with space/é": b"x", **{f"many/{i}": str(i).encode() * i for i in range(60)}}


class Trees(ClusterCase):
    def plant(self):
        for path, content in FILES.items():
            self.write(f"tree/{path}", content)
        os.symlink("..", os.path.join(self.directory, "tree", "loop"))

    def test_round_trip(self):
        self.plant()
        report = self.expect(OK, "import", "tree", "--prefix", "t/", "-o", "json").json
        self.assertTrue(report["complete"])
        self.assertEqual(report["files"], len(FILES))
        self.assertEqual(report["bytes"], sum(map(len, FILES.values())))
        self.assertEqual(report["left_out"], ["loop: a link to a directory"])
        self.assertEqual(self.expect(OK, "get", "t/a.txt").out, FILES["a.txt"])
        self.assertIn("verify of tree: complete",
                      self.expect(OK, "verify", "tree", "--prefix", "t/").text)
        self.expect(OK, "export", "copy", "--prefix", "t/", "--concurrency", "3")
        for path, content in FILES.items():
            self.assertEqual(self.read(f"copy/{path}"), content, path)
        self.assertIn("not empty", self.expect(USAGE, "export", "copy", "--prefix", "t/").err)
        self.expect(OK, "export", "copy", "--prefix", "t/", "--overwrite")

    def test_differences_are_found(self):
        self.plant()
        self.expect(OK, "import", "tree", "--prefix", "d/")
        changed = self.write("tree/a.txt", b"hellO\n")
        ended = self.expect(DEGRADED, "verify", "tree", "--prefix", "d/", "-o", "json").json
        self.assertEqual((ended["mismatches"], ended["errors"]), (1, 0))
        self.assertIn("a.txt", ended["failures"][0])
        os.remove(changed)
        ended = self.expect(DEGRADED, "verify", "tree", "--prefix", "d/", "-o", "json").json
        self.assertEqual(ended["missing"], ["a.txt"])
        self.write("tree/a.txt", FILES["a.txt"])
        self.write("tree/new", b"")
        self.assertIn("new", self.expect(DEGRADED, "verify", "tree", "--prefix", "d/").text)

    def test_damage_in_the_cluster_is_found(self):
        self.plant()
        self.expect(OK, "import", "tree", "--prefix", "c/")
        self.expect(OK, "put", "c/a.txt", "jello")
        self.expect(DEGRADED, "verify", "tree", "--prefix", "c/")
        ended = self.expect(DEGRADED, "export", "copy", "--prefix", "c/", "-o", "json").json
        self.assertEqual((ended["mismatches"], ended["files"]), (1, len(FILES) - 1))
        self.assertFalse(os.path.exists(os.path.join(self.directory, "copy/a.txt")))

    def test_what_is_not_there(self):
        os.mkdir(os.path.join(self.directory, "empty"))
        self.expect(USAGE, "import", "missing")
        for command in ("export", "verify"):
            ended = self.expect(NOT_FOUND, command, "empty", "--prefix", "never/")
            self.assertIn("'never/'", ended.err)
            self.assertEqual(ended.out, b"")


if __name__ == "__main__":
    unittest.main()

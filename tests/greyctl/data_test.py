"""get, put, delete, cas, resolve and status against three nodes; every exit code that a healthy
cluster can give."""

import base64
import os
import unittest

from harness import (AUTH, NOT_FOUND, OK, PRECONDITION, UNREACHABLE, USAGE, ClusterCase)

EVERY_BYTE = bytes(range(256)) + b"\0\r\n\xff"


class Values(ClusterCase):
    def test_a_value_comes_back_as_it_was_put(self):
        for name, value in {"text": b"3 apples", "empty": b"", "lines": b"a\nb\n", "list": b"[a,b]",
                            "braces": b"{}", "percent": b"%%", "umlaut": "zwölf".encode()}.items():
            self.expect(OK, "put", name, value.decode())
            self.assertEqual(self.expect(OK, "get", name).out, value, name)
            self.assertEqual(self.expect(OK, "get", name, "-o", "json").json["value"],
                             value.decode())

    def test_any_bytes_from_a_file_and_through_a_pipe(self):
        self.expect(OK, "put", "file", "--file", self.write("in.bin", EVERY_BYTE))
        self.expect(OK, "put", "pipe", "-", stdin=EVERY_BYTE)
        for key in ("file", "pipe"):
            self.assertEqual(self.expect(OK, "get", key).out, EVERY_BYTE)
            self.assertEqual(self.expect(OK, "get", key, "-o", "raw").out, EVERY_BYTE)
            document = self.expect(OK, "get", key, "-o", "json").json
            self.assertEqual(base64.b64decode(document["value_base64"]), EVERY_BYTE)

    def test_a_large_value(self):
        value = os.urandom(3 << 20)
        self.expect(OK, "put", "large", "-", stdin=value)
        self.assertEqual(self.expect(OK, "get", "large").out, value)
        self.assertIn("limit", self.expect(USAGE, "put", "large", "-", stdin=bytes(17 << 20)).err)

    def test_people_get_no_control_characters(self):
        self.expect(OK, "put", "title", "-", stdin=b"\x1b]0;gotcha\x07")
        shown = self.expect(OK, "get", "title", "-o", "table")
        self.assertNotIn(b"\x1b", shown.out)
        self.assertIn("version", shown.err)

    def test_keys_of_any_bytes(self):
        key = b"key \xff'\n".decode("utf-8", "surrogateescape")
        self.expect(OK, "put", "--", key, "v")
        document = self.expect(OK, "get", "-o", "json", "--", key).json
        self.assertEqual(base64.b64decode(document["key_base64"]), b"key \xff'\n")

    def test_what_looks_like_a_flag(self):
        self.expect(OK, "put", "--", "--key", "--value")
        self.assertEqual(self.expect(OK, "get", "--", "--key").out, b"--value")

    def test_delete(self):
        self.expect(OK, "put", "gone", "v")
        self.expect(OK, "delete", "gone")
        self.assertIn("'gone'", self.expect(NOT_FOUND, "get", "gone").err)
        self.expect(OK, "delete", "gone")

    def test_tenants_do_not_see_each_other(self):
        self.expect(OK, "put", "mine", "a", "--tenant", "alice")
        self.expect(NOT_FOUND, "get", "mine", "--tenant", "bob")
        self.assertEqual(self.expect(OK, "get", "mine", GREY_TENANT="alice").out, b"a")


class CompareAndSwap(ClusterCase):
    def test_by_absence_value_and_version(self):
        self.expect(OK, "cas", "k", "1", "--expect-absent")
        self.expect(PRECONDITION, "cas", "k", "2", "--expect-absent")
        self.expect(OK, "cas", "k", "2", "--expect-value", "1")
        self.expect(PRECONDITION, "cas", "k", "3", "--expect-value", "1")
        version = self.expect(OK, "get", "k", "-o", "json").json["version"]
        self.expect(OK, "cas", "k", "3", "--expect-version", version)
        failed = self.expect(PRECONDITION, "cas", "k", "4", "--expect-version", version, "-o",
                             "json").error
        self.assertEqual(failed["code"], "precondition_failed")
        self.assertEqual(failed["exit_code"], PRECONDITION)
        self.assertNotEqual(failed["version"], version)
        self.assertEqual(self.expect(OK, "get", "k").out, b"3")

    def test_a_removal(self):
        self.expect(OK, "put", "d", "")
        self.expect(PRECONDITION, "cas", "d", "--delete", "--expect-value", "x")
        self.expect(OK, "cas", "d", "--delete", "--expect-value", "")
        self.expect(NOT_FOUND, "get", "d")

    def test_the_version_of_a_put_is_the_one_that_get_tells(self):
        version = self.expect(OK, "put", "v", "1", "-o", "raw").text.strip()
        self.assertEqual(self.expect(OK, "get", "v", "-o", "json").json["version"], version)


class OneClientAfterAnother(ClusterCase):
    """Each greyctl is a new client that goes to the node it reaches first; nothing is wrong, so
    nothing may be in doubt, also right after the start."""

    def test_no_outcome_is_unknown(self):
        for i in range(100):
            self.expect(OK, "put", f"key{i % 5}", str(i))


class Resolve(ClusterCase):
    def test_a_write_that_never_was(self):
        token = "00000000000000010000000000000002-0000000000000003.1.0.0.0.0.0.40"
        self.assertEqual(self.expect(OK, "resolve", "r", token, "-o", "raw").text, "not_applied\n")
        self.assertEqual(self.expect(OK, "resolve", "r", token, "-o", "json").json["outcome"],
                         "not_applied")

    def test_what_is_no_token(self):
        self.assertIn("no token", self.expect(USAGE, "resolve", "r", "12").err)


class Errors(ClusterCase):
    def test_wrong_use(self):
        for arguments in ([], ["bogus"], ["get"], ["get", "a", "b"], ["put", "k"],
                          ["put", "k", "v", "--file", "f"], ["put", "k", "--file", "missing"],
                          ["cas", "k", "v"], ["cas", "k", "--expect-absent"],
                          ["cas", "k", "v", "--expect-absent", "--expect-value", "x"],
                          ["cas", "k", "v", "--expect-version", "7"],
                          ["cas", "k", "v", "--delete", "--expect-value", "x"],
                          ["get", "k", "--timeout", "soon"], ["get", "k", "-o", "xml"],
                          ["get", "k", "--endpoints", "nowhere"], ["get", "k" * 5000],
                          ["get", "k", "--secret-file", "missing"], ["status", "--nonsense"]):
            ended = self.expect(USAGE, *arguments)
            self.assertEqual(ended.out, b"", arguments)
            self.assertTrue(ended.err.startswith("greyctl: "), ended.err)
            self.assertLess(len(ended.err.splitlines()), 5, ended.err)

    def test_with_json_errors_are_json_too(self):
        self.assertEqual(self.expect(NOT_FOUND, "get", "none", "-o", "json").error["code"],
                         "not_found")
        self.assertEqual(self.expect(USAGE, "bogus", "-o", "ndjson").error["code"], "usage")
        self.assertEqual(self.expect(USAGE, "get", GREY_OUTPUT="json").error["exit_code"], USAGE)
        self.assertEqual(self.expect(USAGE, "get", "k", "--timeout", "x", "--output=json")
                         .error["code"], "config_bad_value")

    def test_nobody_there(self):
        ended = self.expect(UNREACHABLE, "get", "k", GREY_ENDPOINTS="127.0.0.1:1")
        self.assertIn("no node of 127.0.0.1:1 answered: connection refused", ended.err)
        self.assertIn("greyctl dev", ended.err)
        for command in (["status"], ["put", "k", "v"], ["import", self.directory]):
            self.expect(UNREACHABLE, *command, "--timeout", "2s", GREY_ENDPOINTS="127.0.0.1:1")

    def test_another_cluster(self):
        self.assertIn("another cluster", self.expect(AUTH, "get", "k", "--cluster-id", "x").err)

    def test_a_secret_that_the_nodes_do_not_have(self):
        secret = self.write("secret", b"0123456789abcdef0123456789abcdef\n")
        self.expect(AUTH, "get", "k", "--secret-file", secret)
        short = self.write("short", b"hunter2\n")
        self.assertIn("16 bytes", self.expect(USAGE, "get", "k", "--secret-file", short).err)


class Settings(ClusterCase):
    def test_flag_environment_file_default(self):
        self.expect(OK, "put", "k", "in flag", "--tenant", "flag")
        self.expect(OK, "put", "k", "in environment", "--tenant", "environment")
        self.expect(OK, "put", "k", "in file", "--tenant", "file")
        self.write(".config/grey/greyctl.yaml", b"tenant: file\noutput: raw\n")
        self.assertEqual(self.expect(OK, "get", "k").text, "in file")
        self.assertEqual(self.expect(OK, "get", "k", GREY_TENANT="environment").text,
                         "in environment")
        self.assertEqual(self.expect(OK, "get", "k", "--tenant", "flag",
                                     GREY_TENANT="environment").text, "in flag")

    def test_a_file_that_is_named_must_be_there_and_right(self):
        self.expect(USAGE, "version", "--config", "missing.yaml")
        wrong = self.write("wrong.yaml", b"tenant: a\n\ncolour: red\n")
        ended = self.expect(USAGE, "version", GREYCTL_CONFIG=wrong)
        self.assertIn("wrong.yaml:3: 'colour'", ended.err)
        self.assertEqual(self.expect(USAGE, "version", "--config", wrong, "-o", "json")
                         .error["code"], "config_unknown_key")


class Status(ClusterCase):
    def test_a_healthy_cluster(self):
        self.eventually(lambda: self.greyctl("status").code == OK)
        text = self.expect(OK, "status").text
        for endpoint in self.endpoints.split(","):
            self.assertIn(endpoint, text)
        self.assertIn("healthy", text)
        document = self.expect(OK, "status", "-o", "json").json
        self.assertTrue(document["healthy"])
        self.assertEqual([node["status"]["state"] for node in document["nodes"]], ["serving"] * 3)
        self.assertEqual(len(self.expect(OK, "status", "-o", "ndjson").text.splitlines()), 3)

    def test_help_and_version(self):
        self.assertIn("Exit status", self.expect(OK, "--help").text)
        for command in ("get", "put", "delete", "cas", "resolve", "status", "import", "export",
                        "verify", "dev", "version"):
            self.assertIn("Usage", self.expect(OK, command, "--help").text)
        self.assertIn("version", self.expect(OK, "version", "-o", "json").json)


if __name__ == "__main__":
    unittest.main()

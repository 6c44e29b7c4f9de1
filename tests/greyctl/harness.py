"""Runs greyctl and clusters of `greyctl dev` as a user would, each bounded in time. Ends only what it
started: nodes die with their greyctl."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

GREYCTL = os.environ["GREYCTL_PROGRAM"]
GREYD = os.environ["GREYD_PROGRAM"]
COMMAND_SECONDS = 60
# Exit codes (apps/greyctl/core/exit_code.h).
OK, USAGE, UNREACHABLE, AUTH, NOT_FOUND, PRECONDITION, NO_QUORUM, DEADLINE, UNKNOWN, DEGRADED = \
    range(10)


def clean_environment(home, **more):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("GREY_", "XDG_")) or name == "GREY_TRANSPORT"}
    kept["HOME"] = home
    kept.update(more)
    return kept


class Ended:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr.decode("utf-8", "replace")

    @property
    def text(self):
        return self.out.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        return json.loads(self.err)["error"]


class Dev:
    """A cluster of `greyctl dev`, on free ports unless told otherwise."""

    def __init__(self, *arguments, cwd, home):
        self.errors = tempfile.TemporaryFile()
        if "--first-port" not in arguments:
            arguments += ("--first-port", "0")
        self.process = subprocess.Popen(
            [GREYCTL, "dev", "--greyd", GREYD, "-o", "ndjson", *arguments],
            stdout=subprocess.PIPE, stderr=self.errors, stdin=subprocess.DEVNULL, cwd=cwd,
            env=clean_environment(home))
        line = self.process.stdout.readline()  # greyctl gives up on a node after 20 s
        self.report = json.loads(line) if line else None

    @property
    def endpoints(self):
        return self.report["endpoints"]

    def pid(self, node):
        return self.report["nodes"][node - 1]["pid"]

    def kill_node(self, node):
        os.kill(self.pid(node), signal.SIGKILL)

    def events(self):
        self.errors.seek(0)
        return [json.loads(line) for line in self.errors.read().decode().splitlines()]

    def stop(self, how=signal.SIGINT):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(COMMAND_SECONDS)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Case(unittest.TestCase):
    """With a directory of its own, and clusters that end with the test."""

    endpoints = None  # what greyctl() talks to unless told otherwise

    def setUp(self):
        self.directory = self.temporary_directory()

    def temporary_directory(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        return directory.name

    def dev(self, *arguments):
        cluster = Dev(*arguments, cwd=self.directory, home=self.directory)
        self.addCleanup(cluster.close)
        return cluster

    def greyctl(self, *arguments, stdin=b"", **environment):
        if self.endpoints and "GREY_ENDPOINTS" not in environment:
            environment["GREY_ENDPOINTS"] = self.endpoints
        return Ended(subprocess.run(
            [GREYCTL, *arguments], input=stdin, capture_output=True, timeout=COMMAND_SECONDS,
            cwd=self.directory, env=clean_environment(self.directory, **environment), check=False))

    def expect(self, code, *arguments, **more):
        ended = self.greyctl(*arguments, **more)
        self.assertEqual(ended.code, code, f"greyctl {arguments}: {ended.text} {ended.err}")
        return ended

    def eventually(self, condition, seconds=40):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "this never came to be")
            time.sleep(0.1)

    def write(self, path, content):
        path = os.path.join(self.directory, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def read(self, path):
        with open(os.path.join(self.directory, path), "rb") as file:
            return file.read()


class ClusterCase(Case):
    """All tests of the class share one cluster."""

    @classmethod
    def setUpClass(cls):
        cls.shared_directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.shared_directory.cleanup)
        cls.cluster = Dev("--temporary", cwd=cls.shared_directory.name,
                          home=cls.shared_directory.name)
        cls.addClassCleanup(cls.cluster.close)
        assert cls.cluster.report, cls.cluster.events()
        cls.endpoints = cls.cluster.endpoints

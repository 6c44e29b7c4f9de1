"""The rules as tables. To change what the project allows, change a line here and say why."""

import dataclasses
import re

# From bottom to top. A module may use modules of its own line and of lines above it in this list.
LAYERS = ["base", "flowcontrol", "breaker", "protocol", "transport", "rpc", "storage", "cluster",
          "client", "sim", "apps", "tests", "bench", "fuzz"]

# Siblings that must not know one another: within each of these folders, the subfolders.
STRANGERS = ["transport", "storage"]
# Folders of such a layer that choose among the strangers and so know them.
CHOOSERS = {"transport/select"}

# Pure cores: they take time and randomness as arguments and touch nothing outside.
PURE = ["flowcontrol", "breaker", "protocol", "cluster/ring", "cluster/register", "cluster/raft",
        "cluster/repair", "cluster/failure", "sim/lincheck"]

# Single-threaded and reproducible, though they implement a seam that others implement with I/O.
DETERMINISTIC = PURE + ["transport/sim", "storage/memory", "sim"]

LINES_MAX = 1000
LINES_WARN = 600

# Outside the product: what measures, tests, attacks and builds it.
HARNESS = ["tests", "bench", "fuzz", "cmake"]


@dataclasses.dataclass
class Rule:
    """`pattern` may match only in files under `allowed`, never under `denied`."""

    pattern: str
    allowed: list
    message: str
    denied: list = dataclasses.field(default_factory=list)
    tests_exempt: bool = True  # is_test_code(), wherever it stands

    def __post_init__(self):
        self.regex = re.compile(self.pattern)


def headers(*names):
    return r"^\s*#\s*include\s*<(?:" + "|".join(names) + r")"


# Matched against code with comments and the contents of string literals taken out.
RULES = [
    Rule(r"\b(?:steady_clock|system_clock|high_resolution_clock|utc_clock|file_clock)\s*::\s*now\b"
         r"|\b(?:clock_gettime|gettimeofday|ftime)\s*\(|\bstd\s*::\s*time\s*\(",
         ["base", "transport"] + HARNESS,
         "reads the machine's clock: take the time as an argument or from a Clock",
         denied=DETERMINISTIC, tests_exempt=False),
    Rule(r"\bSystemClock\b", ["base", "transport", "apps"] + HARNESS,
         "makes the machine's clock: a Clock comes in through the constructor",
         denied=DETERMINISTIC, tests_exempt=False),
    Rule(r"\bstd\s*::\s*random_device\b|\bs?rand\s*\(\s*\)|\bsrand\s*\(|\b[dlm]rand48\s*\("
         r"|\bgetrandom\s*\(|\bstd\s*::\s*(?:mt19937|minstd_rand|default_random_engine)",
         ["base"],
         "randomness outside base/random.h: take a Random", tests_exempt=False),
    Rule(r"\bsystem_seed\s*\(|\bRAND_bytes\s*\(", ["base", "apps", "client"] + HARNESS,
         "draws randomness from the system: seeds come in through the constructor",
         denied=DETERMINISTIC, tests_exempt=False),
    Rule(headers("sys/socket\\.h", "netinet/", "arpa/inet\\.h", "sys/epoll\\.h", "sys/un\\.h",
                 "poll\\.h", "netdb\\.h") +
         r"|(?<![\w:>.])::(?:socket|bind|listen|accept4?|connect|send|sendmsg|recv|recvmsg)\s*\(",
         # It looks for free ports and for listeners that are other processes.
         ["transport", "apps/dev_cluster/ports.cc"] + HARNESS,
         "sockets outside transport/: use the stream seam (transport/stream.h)",
         denied=DETERMINISTIC),
    Rule(headers("liburing"), ["transport/uring"] + HARNESS, "io_uring outside transport/uring"),
    Rule(headers("boost/asio", "boost/beast"),
         ["transport/asio", "client", "apps"] + HARNESS,
         "Boost.Asio outside transport/asio and the client's API"),
    Rule(headers("fstream", "filesystem", "fcntl\\.h", "sys/stat\\.h", "sys/mman\\.h", "dirent\\.h")
         + r"|\bf(?:re)?open\s*\(|(?<![\w:>.])::(?:open|openat|creat|unlink|rename|mkdir)\s*\(",
         ["base", "transport", "storage", "apps", "cluster/node"] + HARNESS,
         "files outside base/, transport/, storage engines and programs",
         denied=DETERMINISTIC),
    Rule(headers("thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore",
                 "latch", "barrier", "pthread\\.h") + r"|\bstd\s*::\s*(?:jthread|thread)\b",
         # The blocking client owns a thread; the client's test nodes have one each.
         ["base", "transport", "storage", "apps", "client/sync_client.cc", "client/testing"]
         + HARNESS,
         "threads and locks outside base/, transport/, storage engines and programs",
         denied=DETERMINISTIC),
    Rule(headers("atomic", "iostream", "cstdlib", "unistd\\.h", "csignal", "signal\\.h", "spdlog/"),
         ["base", "transport", "storage", "rpc", "cluster", "client", "sim", "apps"] + HARNESS,
         "a pure core needs none of this header: it has no thread, no output and no process",
         denied=PURE),
    Rule(headers("iostream") + r"|\bstd\s*::\s*(?:cout|cerr)\b|(?<!\w)(?:std\s*::\s*)?f?printf\s*\(",
         ["apps", "base/check.cc"] + HARNESS,
         "prints: only programs talk to the terminal"),
    Rule(r"\bassert\s*\(|" + headers("cassert", "assert\\.h"), [],
         "assert() vanishes in some builds: GREY_CHECK for what cannot happen, an Error for input"),
    Rule(r"\bDISABLED_|\bGTEST_SKIP\b", [],
         "a test that does not run", tests_exempt=False),
    Rule(r"\bsleep_for\b|\bsleep_until\b|\bu?sleep\s*\(", ["apps"] + HARNESS,
         "sleeps: wait for the event, or schedule a timer on the executor"),
]

# Matched against whole lines of every text file, comments included.
TEXT_RULES = [
    Rule(r"\b(?:TODO|FIXME|XXX|HACK)\b", [], "unfinished mark: do it, or say it in an issue",
         tests_exempt=False),
    Rule(r"(?:^|[\s\"'=(:`])/(?:work|home|root|Users)/[A-Za-z0-9_.-]", [],
         "a path of one machine", tests_exempt=False),
]
TEXT_ENDINGS = (".cc", ".h", ".def", ".py", ".sh", ".cmake", ".txt", ".md", ".json", ".yaml",
                ".yml", ".pml", "Makefile", "run")

# Mutable globals that were looked at and are meant: "path: name" -> why.
GLOBALS_ALLOWED = {}
# Folders whose files may have mutable globals (signal handlers, counters of a test's allocator).
GLOBALS_EXEMPT = HARNESS + ["apps"]


def is_test_code(path):
    """True for x_test.cc, and for what only tests include: the testing/ folder of a module."""
    return path.endswith("_test.cc") or "/testing/" in path


def under(path, folders):
    """True if `path` is one of `folders` or lies below one."""
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def under_deepest(path, allowed, denied):
    """True if the deepest of the folders that enclose `path` is an allowed one."""
    best_allowed = max((len(f) for f in allowed if under(path, [f])), default=-1)
    best_denied = max((len(f) for f in denied if under(path, [f])), default=-1)
    return best_allowed >= best_denied and best_allowed >= 0

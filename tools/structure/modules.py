"""Reads what the CMakeLists.txt files declare: which folder is which module, and what it may use."""

import dataclasses
import re

from structure import rules

KEYWORDS = {"DEPS", "LIBS", "TEST_DEPS", "TEST_LIBS", "SOURCES", "TIMEOUT",
            "THREADS", "TEST_THREADS"}
CALL = re.compile(
    r"\b(grey_module|grey_test|grey_program|grey_fuzz_target|target_link_libraries)\s*\(([^)]*)\)")


@dataclasses.dataclass
class Target:
    """One call of grey_module(), grey_test(), grey_program() or grey_fuzz_target()."""

    kind: str
    name: str
    folder: str  # relative to the root, no trailing slash
    file: str
    line: int
    arguments: dict  # keyword -> list of words

    @property
    def deps(self):
        return self.arguments.get("DEPS", [])

    @property
    def sources(self):
        return self.arguments.get("SOURCES", [])

    @property
    def test_deps(self):
        """Modules that only the tests use, however they are named."""
        linked = self.arguments.get("TEST_LIBS", []) + (
            self.arguments.get("LIBS", []) if self.kind == "grey_test" else [])
        return self.arguments.get("TEST_DEPS", []) + [
            word[len("grey_"):] for word in linked if word.startswith("grey_")]


def parse_cmake(text, folder, file):
    """All targets that a CMakeLists.txt declares, and problems found on the way."""
    text = re.sub(r"#[^\n]*", "", text)
    targets, problems = [], []
    for match in CALL.finditer(text):
        kind, words = match.group(1), match.group(2).split()
        line = text.count("\n", 0, match.start()) + 1
        if kind == "target_link_libraries":
            hidden = [word for word in words[1:] if word.startswith("grey_")
                      and word != "grey_options"]
            if hidden and not folder.startswith("cmake"):
                problems.append((file, line, f"links {' '.join(hidden)} by hand: say it in DEPS"))
            continue
        arguments, current = {}, None
        for word in words[1:]:
            if word in KEYWORDS:
                current = arguments.setdefault(word, [])
            elif current is not None:
                current.append(word)
        target = Target(kind, words[0], folder, file, line, arguments)
        if kind != "grey_test":
            for word in arguments.get("LIBS", []):
                if word.startswith("grey_"):
                    problems.append((file, line, f"{word} stands in LIBS: say it in DEPS"))
        targets.append(target)
    return targets, problems


class ModuleMap:
    """Which folder belongs to which module, and which modules a file may include from."""

    def __init__(self, targets):
        self.modules = {t.name: t for t in targets if t.kind == "grey_module"}
        self.by_folder = {t.folder: t for t in self.modules.values()}
        self.targets_of_folder = {}
        for target in targets:
            self.targets_of_folder.setdefault(target.folder, []).append(target)

    def owner(self, path):
        """The module whose folder most closely encloses `path`, or None."""
        folder = path.rpartition("/")[0]
        while folder:
            if folder in self.by_folder:
                return self.by_folder[folder]
            folder = folder.rpartition("/")[0]
        return None

    def closure(self, names):
        seen, todo = set(), list(names)
        while todo:
            name = todo.pop()
            if name in seen or name not in self.modules:
                continue
            seen.add(name)
            todo += self.modules[name].deps
        return seen

    def allowed_for(self, path):
        """(names of modules that the file may include from, True if declared directly only)."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self.targets_of_folder:
            folder = folder.rpartition("/")[0]
        targets = self.targets_of_folder.get(folder, [])
        relative = path[len(folder) + 1:]
        own = {t.name for t in targets if t.kind == "grey_module"}
        listed = [t for t in targets if relative in t.sources]
        if rules.is_test_code(path):
            using = listed or targets
            deps = [d for t in using for d in t.deps + t.test_deps]
            return self.closure(own | set(deps)), False
        direct = set(own)
        for target in listed or targets:
            direct |= set(target.deps)
            if target.kind == "grey_test":
                direct |= set(target.test_deps)
        if rules.under(path, rules.HARNESS):
            return self.closure(direct), False
        return direct, True

    def find_cycle(self):
        """A list of module names that depend on one another in a circle, or None."""
        state, stack = {}, []

        def visit(name):
            if state.get(name) == "done" or name not in self.modules:
                return None
            if name in stack:
                return stack[stack.index(name):] + [name]
            stack.append(name)
            for dep in self.modules[name].deps:
                cycle = visit(dep)
                if cycle:
                    return cycle
            stack.pop()
            state[name] = "done"
            return None

        for name in sorted(self.modules):
            cycle = visit(name)
            if cycle:
                return cycle
        return None

#!/usr/bin/env python3
"""Checks what no compiler checks: who may know whom, where the outside world may be touched, how
large a file may grow. Prints `file:line: message` for each fault; exit status 1 if there is one.

    tools/lint_structure.py [root]

The rules themselves are tables in tools/structure/rules.py."""

import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from structure import modules, rules, source  # noqa: E402

SKIPPED = {".git", "build", ".cache", "__pycache__"}
CODE_ENDINGS = (".cc", ".h")


def list_files(root):
    """All files of the tree, relative, sorted: what git tracks or would, else all that is there."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            names = [name for name in listed.stdout.split("\0") if name]
            return sorted({name for name in names if (root / name).is_file()})
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


class Lint:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.files = list_files(self.root)
        self.known = set(self.files)
        self.text = {}
        self.faults = []
        self.warnings = []
        self.targets = []
        for name in self.files:
            if name.endswith("CMakeLists.txt"):
                folder = name.rpartition("/")[0]
                targets, problems = modules.parse_cmake(self.read(name), folder, name)
                self.targets += targets
                for problem in problems:
                    self.fault(*problem)
        self.map = modules.ModuleMap(self.targets)

    def read(self, name):
        if name not in self.text:
            self.text[name] = (self.root / name).read_text(encoding="utf-8", errors="replace")
        return self.text[name]

    def fault(self, file, line, message):
        self.faults.append((file, line, message))

    def run(self):
        self.check_modules()
        sizes = []
        for name in self.files:
            if name.endswith(rules.TEXT_ENDINGS):
                self.check_text(name)
            if name.endswith(CODE_ENDINGS):
                sizes.append(self.check_size(name))
                code = source.strip(self.read(name))
                self.check_includes(name, code)
                self.check_rules(name, code)
                self.check_globals(name, code)
                if name.endswith(".h"):
                    self.check_header(name)
        self.report(sizes)
        return 1 if self.faults else 0

    # ---- modules against one another

    def check_modules(self):
        for target in self.map.modules.values():
            if f"{target.folder}/README.md" not in self.known and self.has_code(target.folder):
                self.fault(target.file, target.line,
                           f"module {target.name} has no {target.folder}/README.md")
            for dep in target.deps:
                self.check_dependency(target, dep)
        cycle = self.map.find_cycle()
        if cycle:
            last = self.map.modules[cycle[-2]]
            self.fault(last.file, last.line, "modules depend in a circle: " + " -> ".join(cycle))

    def has_code(self, folder):
        return any(name.startswith(folder + "/") and name.endswith(CODE_ENDINGS)
                   and self.map.owner(name).folder == folder for name in self.files)

    def check_dependency(self, target, dep):
        def fault(message):
            self.fault(target.file, target.line, message)

        other = self.map.modules.get(dep)
        if other is None:
            return fault(f"DEPS of {target.name} name {dep}, which is no module")
        layer, other_layer = (t.folder.split("/")[0] for t in (target, other))
        for name in (layer, other_layer):
            if name not in rules.LAYERS:
                return fault(f"folder {name}/ has no place in LAYERS (tools/structure/rules.py)")
        if rules.LAYERS.index(other_layer) > rules.LAYERS.index(layer):
            fault(f"{target.name} depends upwards on {dep} ({layer} is below {other_layer})")
        if (layer in rules.STRANGERS and layer == other_layer
                and target.folder not in rules.CHOOSERS
                and "/" in target.folder and "/" in other.folder):
            fault(f"{target.name} depends on its sibling {dep}: both may only know {layer}/ itself")
        if (target.folder in rules.PURE and other.folder != "base"
                and other.folder not in rules.PURE):
            fault(f"{target.name} is a pure core and {dep} is not")

    # ---- one file

    def check_includes(self, name, code):
        owner = self.map.owner(name)
        allowed, direct = self.map.allowed_for(name)
        for line, path in source.includes(code):
            if path not in self.known:
                if path.startswith(("cmake/", "build/")):
                    continue
                self.fault(name, line, f'"{path}" is not in the tree: include from the root, '
                           "and outside libraries with <>")
                continue
            target = self.map.owner(path)
            if target is None or target is owner or target.name in allowed:
                continue
            if path.rpartition("/")[0] == name.rpartition("/")[0]:
                continue
            means = "DEPS" if direct else "DEPS, nor by what those depend on"
            self.fault(name, line, f'includes "{path}" but module {target.name} is not declared '
                       f"in {means}")

    def check_rules(self, name, code):
        lines = code.split("\n")
        for rule in rules.RULES:
            if rule.tests_exempt and rules.is_test_code(name):
                continue
            if rules.under_deepest(name, rule.allowed, rule.denied):
                continue
            for number, line in enumerate(lines, 1):
                if rule.regex.search(line):
                    self.fault(name, number, rule.message)

    def check_globals(self, name, code):
        if rules.under(name, rules.GLOBALS_EXEMPT) or rules.is_test_code(name):
            return
        for line, variable in source.mutable_globals(code):
            if f"{name}: {variable}" not in rules.GLOBALS_ALLOWED:
                self.fault(name, line, f"mutable global or static variable {variable}: "
                           "state belongs to an object that someone owns")

    def check_header(self, name):
        text = self.read(name)
        if not text.startswith("//"):
            self.fault(name, 1, "a header opens with a paragraph: what it is for, what it promises")
        if "\n#pragma once\n" not in text:
            self.fault(name, 1, "#pragma once is missing")

    def check_size(self, name):
        lines = self.read(name).count("\n")
        if lines > rules.LINES_MAX:
            self.fault(name, lines, f"{lines} lines; at most {rules.LINES_MAX}: split it")
        elif lines > rules.LINES_WARN:
            self.warnings.append(f"{name}: {lines} lines (over {rules.LINES_WARN})")
        return lines

    def check_text(self, name):
        if name.startswith("tools/structure/") or name.startswith("tools/lint_structure"):
            return  # the rules have to name what they forbid
        for number, line in enumerate(self.read(name).split("\n"), 1):
            for rule in rules.TEXT_RULES:
                if rule.regex.search(line):
                    self.fault(name, number, rule.message)

    # ---- the end

    def report(self, sizes):
        for file, line, message in sorted(self.faults):
            print(f"{file}:{line}: {message}")
        for warning in self.warnings:
            print(f"warning: {warning}")
        median = int(statistics.median(sizes)) if sizes else 0
        print(f"structure: {len(self.map.modules)} modules, {len(sizes)} source files, "
              f"median {median} lines, largest {max(sizes, default=0)}; {len(self.faults)} faults")


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent
    sys.exit(Lint(sys.argv[1] if len(sys.argv) > 1 else here).run())

#!/usr/bin/env python3
"""Tests of lint_structure.py: a small tree that is in order, then one with each fault."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lint_structure  # noqa: E402
from structure import source  # noqa: E402

HEADER = "// What it is for.\n#pragma once\n"
CLEAN = {
    "base/CMakeLists.txt": "grey_module(base LIBS zlib)",
    "base/README.md": "base",
    "base/error.h": HEADER,
    "base/clock.cc": "long now() { return std::chrono::steady_clock::now(); }",
    "transport/CMakeLists.txt": "grey_module(transport DEPS base)",
    "transport/README.md": "transport",
    "transport/stream.h": HEADER + '#include "base/error.h"\n',
    "transport/sim/CMakeLists.txt": "grey_module(transport_sim DEPS base transport)",
    "transport/sim/README.md": "sim",
    "transport/sim/world.h": HEADER + '#include "transport/stream.h"\n',
    "transport/asio/CMakeLists.txt": "grey_module(transport_asio DEPS base transport)",
    "transport/asio/README.md": "asio",
    "transport/asio/loop.cc": "#include <boost/asio.hpp>\n#include <mutex>\n",
    "protocol/CMakeLists.txt": "grey_module(protocol # comment\n  DEPS base\n  TEST_DEPS transport)",
    "protocol/README.md": "protocol",
    "protocol/wire.h": HEADER + '#include "base/error.h"\nconstexpr int size = 28;\n',
    "protocol/wire.cc": '#include "protocol/wire.h"\nconst char* text = "std::cout";  // rand()\n',
    "protocol/wire_test.cc": '#include <fstream>\n#include "transport/stream.h"\n',
    "protocol/testing/pair.h": HEADER + '#include "transport/stream.h"\n',
    "fuzz/CMakeLists.txt": "grey_fuzz_target(wire_fuzz DEPS protocol)",
    "fuzz/wire_fuzz.cc": '#include "base/error.h"\n',
    "apps/CMakeLists.txt": "grey_program(greyd SOURCES greyd.cc DEPS transport)",
    "apps/greyd.cc": '#include <iostream>\n#include "transport/stream.h"\nint stopped;\n',
    "tests/CMakeLists.txt": "grey_test(all_test SOURCES all_test.cc DEPS transport_sim)",
    "tests/all_test.cc": '#include "base/error.h"\n',
}


def lint(changes):
    """Output of the lint on the clean tree with `changes` (None: without that file)."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**CLEAN, **changes}.items():
            if text is not None:
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = lint_structure.Lint(folder).run()
        return status, output.getvalue()


class StructureTest(unittest.TestCase):
    def expect(self, changes, *wanted):
        status, output = lint(changes)
        self.assertEqual(status, 1, output)
        for text in wanted:
            self.assertIn(text, output)
        self.assertIn(f"; {len(wanted)} faults", output)

    def expect_line(self, name, line, message):
        """Adds `line` to the clean file `name`: exactly that line must be reported."""
        text = CLEAN.get(name, HEADER if name.endswith(".h") else "")
        number = text.count("\n") + (0 if text.endswith("\n") or not text else 1) + 1
        glue = "" if text.endswith("\n") or not text else "\n"
        self.expect({name: text + glue + line + "\n"}, f"{name}:{number}: {message}")

    def test_clean_tree_passes(self):
        status, output = lint({})
        self.assertEqual(status, 0, output)
        self.assertIn("0 faults", output)

    def test_undeclared_include(self):
        self.expect_line("protocol/wire.cc", '#include "transport/stream.h"', "includes")
        # Knowing transport_sim does not mean knowing what it knows, except for tests.
        self.expect({"apps/CMakeLists.txt": "grey_program(greyd SOURCES greyd.cc DEPS "
                     "transport_sim)"}, 'apps/greyd.cc:2: includes "transport/stream.h"')

    def test_include_of_nothing(self):
        self.expect_line("protocol/wire.cc", '#include "wire.h"', '"wire.h" is not in the tree')

    def test_upward_dependency(self):
        self.expect({"base/CMakeLists.txt": "grey_module(base DEPS protocol)",
                     "protocol/CMakeLists.txt": "grey_module(protocol DEPS)",
                     "protocol/wire.h": HEADER, "protocol/wire_test.cc": None,
                     "protocol/testing/pair.h": None, "fuzz/wire_fuzz.cc": None},
                    "base depends upwards on protocol")

    def test_cycle(self):
        self.expect({"transport/CMakeLists.txt": "grey_module(transport DEPS base transport_sim)"},
                    "circle: transport -> transport_sim -> transport")

    def test_siblings(self):
        self.expect({"transport/sim/CMakeLists.txt":
                     "grey_module(transport_sim DEPS base transport transport_asio)"},
                    "transport_sim depends on its sibling transport_asio")

    def test_what_chooses_among_siblings_may_know_them(self):
        status, output = lint({
            "transport/asio/CMakeLists.txt": "grey_module(transport_asio DEPS base transport)",
            "transport/select/CMakeLists.txt":
                "grey_module(transport_select DEPS base transport transport_asio)"})
        self.assertEqual(status, 0, output)

    def test_pure_core_knows_only_pure_cores(self):
        self.expect({"cluster/ring/CMakeLists.txt": "grey_module(ring DEPS base transport)"},
                    "ring is a pure core and transport is not")

    def test_unknown_dependency_and_folder(self):
        self.expect({"apps/x/CMakeLists.txt": "grey_module(x DEPS nonsense)"}, "is no module")
        self.expect({"other/CMakeLists.txt": "grey_module(other DEPS base)"}, "no place in LAYERS")

    def test_dependencies_hidden_from_the_lint(self):
        self.expect({"apps/CMakeLists.txt": CLEAN["apps/CMakeLists.txt"]
                     + "\ntarget_link_libraries(greyd PRIVATE grey_base)"},
                    "apps/CMakeLists.txt:2: links grey_base by hand")
        self.expect({"protocol/CMakeLists.txt": "grey_module(protocol DEPS base LIBS grey_transport"
                     " TEST_DEPS transport)"}, "stands in LIBS")

    def test_seams(self):
        self.expect_line("protocol/wire.cc", "auto t() { return steady_clock::now(); }", "reads the machine's")
        self.expect_line("transport/sim/world.h", "auto t() { return system_clock::now(); }",
                         "reads the machine's")
        self.expect_line("protocol/wire_test.cc", "std::random_device d;", "randomness outside")
        self.expect_line("transport/stream.h", "SystemClock f();" "int g() { return rand(); }",
                         "randomness outside")
        self.expect_line("protocol/wire.cc", "#include <sys/socket.h>", "sockets outside")
        self.expect_line("protocol/wire.cc", "int f() { return ::socket(1, 2, 3); }",
                         "sockets outside")
        self.expect_line("protocol/wire.cc", "#include <fstream>", "files outside")
        self.expect_line("protocol/wire.cc", "#include <thread>", "threads and locks outside")
        self.expect_line("protocol/wire.cc", "#include <atomic>", "a pure core needs none")
        self.expect_line("transport/sim/world.h", "#include <mutex>", "threads and locks outside")
        self.expect_line("transport/stream.h", "#include <boost/asio.hpp>", "Boost.Asio outside")
        self.expect_line("transport/asio/loop.cc", "#include <liburing.h>", "io_uring outside")
        self.expect_line("base/clock.cc", 'void f() { std::cout << 1; }', "prints")
        self.expect_line("base/clock.cc", 'void f() { assert(true); }', "assert() vanishes")
        self.expect_line("base/clock.cc", 'void f() { sleep(1); }', "sleeps")
        self.expect_line("tests/all_test.cc", 'TEST(A, DISABLED_B) {}', "a test that does not run")

    def test_what_only_looks_like_a_seam(self):
        text = CLEAN["protocol/wire.cc"] + (
            "void f(S& s) { s.connect(1); std::bind(1); s.listen(); snprintf(b, 1); "
            "operand(); t.time(0); S::open(1); } // steady_clock::now()\n")
        status, output = lint({"protocol/wire.cc": text})
        self.assertEqual(status, 0, output)

    def test_globals(self):
        for line in ["int counter = 0;", "static std::map<int, int> cache;", "thread_local int x;",
                     "void f() { static int calls = 0; }", "struct A { static inline int n = 0; };"]:
            self.expect_line("base/clock.cc", line, "mutable global or static variable")

    def test_size(self):
        self.expect({"base/clock.cc": "\n" * 1001}, "1001 lines; at most 1000")
        status, output = lint({"base/clock.cc": "\n" * 700})
        self.assertEqual(status, 0)
        self.assertIn("warning: base/clock.cc: 700 lines", output)

    def test_readme(self):
        self.expect({"protocol/README.md": None}, "module protocol has no protocol/README.md")

    def test_headers(self):
        self.expect({"base/error.h": "#pragma once\n#pragma once\n"}, "opens with a paragraph")
        self.expect({"base/error.h": "// Why.\n"}, "#pragma once is missing")

    def test_marks_and_paths(self):
        self.expect({"base/README.md": "first\nFIXME later"}, "base/README.md:2: unfinished mark")
        self.expect({"base/README.md": "see /home/me/notes"}, "a path of one machine")


class SourceTest(unittest.TestCase):
    def test_strip_keeps_lines_and_includes(self):
        code = source.strip('#include "a/b.h"\nx = "// no"; /* a\nb */ c = \'"\'; // end\nR"(\n")"; d')
        self.assertEqual(code.count("\n"), 4)
        self.assertIn('"a/b.h"', code)
        for gone in ("no", "end", "a\nb"):
            self.assertNotIn(gone, code.split("\n", 1)[1])
        self.assertIn("d", code)
        self.assertIn("1'000'000", source.strip("int x = 1'000'000;"))

    def test_mutable_globals(self):
        def names(code):
            return [name for _, name in source.mutable_globals(source.strip(code))]

        self.assertEqual(names("namespace a { namespace { int x; } std::vector<int> y{1, 2}; }"),
                         ["x", "y"])
        self.assertEqual(names("char* p = nullptr; int table[3] = {1, 2, 3}; Foo z = [] {}();"),
                         ["p", "table", "z"])
        self.assertEqual(names("class A { void f() { static Foo foo(1); } static int n; int m; };"),
                         ["foo", "n"])
        self.assertEqual(names("""
            constexpr int a = 1; const int b = 2; inline constexpr int c{3}; using D = int;
            int f(int x); Status g(); template <class T> T h(T t) { int local = 0; return t; }
            struct S { int m = 0; static S make(int n); static constexpr int k = 4; };
            S::S() : a_{1}, b_{2} { int local; } enum class E : int { x, y };
            bool operator==(const S& a, const S& b) = default; extern int elsewhere;
            static const char* const text = "x"; auto l() { return [&](int i) { int j = i; }; }
            void q() { static constexpr int z = 1; call([&] { int k = 0; k += 1; }); }
            """), [])


if __name__ == "__main__":
    unittest.main()

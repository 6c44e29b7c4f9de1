# Grey: the commands a person types. `make` alone explains them. The real build is CMake's
# (CMakePresets.json); this file only spares you the flags.
.DEFAULT_GOAL := help
.PHONY: help deps build demo test asan tsan clang asio bench fuzz format format-check lint clean

JOBS ?= $(shell nproc)
PRESET ?= release
# Regular expression of the tests to run: make test TESTS='Ring.*'
TESTS ?= .
# Only the tests with this label, and only what they need is built: make tsan LABEL=threads
LABEL ?=
FUZZ_SECONDS ?= 60
# What lint gives to clang-tidy: "changed" (since the merge base with main), "cores" or "all".
TIDY ?= changed

ctest = ctest --test-dir build/$(1) -j $(JOBS) --output-on-failure --no-tests=error -R '$(TESTS)' \
  $(if $(LABEL),-L '^$(LABEL)$$') --output-junit ctest.xml
compile = cmake --preset $(1) && \
  cmake --build build/$(1) -j $(JOBS) $(if $(LABEL),--target $(LABEL)_tests)

help:
	@echo 'Grey: a linearizable, replicated store on io_uring. Commands:'
	@echo
	@echo '  make demo          a three-node cluster, a real import, a node killed; checks every byte'
	@echo '  make test          install what is missing, build, run all tests'
	@echo
	@echo '  make build         only build (build/$(PRESET)); PRESET=dev is the fastest to compile'
	@echo '  make asan tsan     the tests under AddressSanitizer+UBSan, under ThreadSanitizer'
	@echo '  make asio          the tests on Boost.Asio instead of io_uring'
	@echo '  make clang         the tests built by clang-19'
	@echo '  make bench         benchmarks'
	@echo '  make fuzz          every fuzz target, FUZZ_SECONDS=$(FUZZ_SECONDS) each'
	@echo '  make format        rewrite the sources in the project style (format-check only looks)'
	@echo '  make lint          structure rules and clang-tidy (TIDY=changed|cores|all)'
	@echo '  make deps          only install the Debian packages (tools/install-deps.sh --help)'
	@echo '  make clean         remove build/'
	@echo
	@echo "Some tests only: make test TESTS='Ring', or LABEL=threads for those with several threads or"
	@echo "processes. Jobs: JOBS=$(JOBS). More: docs/testing.md."

deps:
	@tools/install-deps.sh build test

build: deps
	@$(call compile,$(PRESET))

demo: PRESET = release
demo: build
	@build/release/apps/grey_demo/grey-demo

test: build
	@$(call ctest,$(PRESET))

asio: build
	@GREY_TRANSPORT=asio $(call ctest,$(PRESET))

asan: export LSAN_OPTIONS = suppressions=$(CURDIR)/tools/lsan.supp print_suppressions=0
tsan: export TSAN_OPTIONS = suppressions=$(CURDIR)/tools/tsan.supp second_deadlock_stack=1
asan tsan: deps
	@$(call compile,$@)
	@$(call ctest,$@)

clang:
	@tools/install-deps.sh build test fuzz
	@$(call compile,$@)
	@$(call ctest,$@)

bench: PRESET = release
bench: build
	@tools/bench.sh build/release/bench

fuzz:
	@tools/install-deps.sh build test fuzz
	@cmake --preset fuzz
	@cmake --build build/fuzz -j $(JOBS) --target fuzzers
	@tools/fuzz.sh build/fuzz/fuzz $(FUZZ_SECONDS) $(JOBS)

format format-check:
	@tools/install-deps.sh lint
	@tools/format.sh $@

lint: deps
	@tools/install-deps.sh lint
	@python3 tools/lint_structure.py
	@tools/tidy.sh $(TIDY) $(JOBS)

clean:
	rm -rf build

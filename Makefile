# The front door; CMake does the work (CMakePresets.json). `make` teaches.
.DEFAULT_GOAL := help
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20

.PHONY: help build demo demo-flow demo-mesa check lint sanitize tsan headers docs install \
	consumer fuzz bench clean

help:
	@echo 'engram: a laboratory for how transformers work inside'
	@echo
	@echo '  make demo      set up, build, watch an induction head grow, read the report'
	@echo '  make demo-flow the same for tokens as particles, with a page on which they move'
	@echo '  make demo-mesa the same for optimisers inside networks'
	@echo '  make check     set up, build with warnings as errors, run every test'
	@echo '  make build     the tool, at build/engram'
	@echo '  make install   tool, library and headers under PREFIX ($(PREFIX))'
	@echo
	@echo '  make bench     speed of the birth lab, verified before it is timed'
	@echo '  make docs      the C API as pages, build/docs/html/index.html'
	@echo
	@echo 'For those who change it:'
	@echo '  make lint      clang-format, clang-tidy, cppcheck: zero findings'
	@echo '  make sanitize  unit tests under address and undefined-behaviour sanitizers'
	@echo '  make tsan      unit tests under the thread sanitizer'
	@echo '  make headers   every public header compiles alone, in C and C++'
	@echo '  make consumer  a program outside the tree builds on the installed library'
	@echo '  make fuzz      every parser, FUZZ_SECONDS ($(FUZZ_SECONDS)) each'
	@echo '  make clean     remove what was built; runs/ stays'

build:
	@scripts/setup.sh build report
	@scripts/build.sh release

demo: LAB = birth
demo-mesa: LAB = mesa
demo demo-mesa: build
	@build/engram reproduce $(LAB) --quick; status=$$?; \
	page=$$(ls -t runs/reproduce/$(LAB)/*/report.html 2>/dev/null | head -n 1); \
	[ -z "$$page" ] || echo "The report, to open in a browser: $$page"; \
	exit $$status

FLOWS = sphere sphere_beta9 circle polytope
demo-flow: build
	@build/engram reproduce flow --quick; status=$$?; \
	for flow in $(FLOWS); do \
	    build/engram run experiments/flow/$$flow.yaml -q >/dev/null || status=1; \
	done; \
	build/engram report flow-sphere flow-sphere-beta9 flow-circle flow-polytope \
	    --title 'Tokens as particles' --out runs/flow.html -q || status=1; \
	page=$$(ls -t runs/reproduce/flow/*/report.html 2>/dev/null | head -n 1); \
	echo 'To open in a browser:'; \
	[ -z "$$page" ] || echo "  verdicts       $$page"; \
	echo '  moving tokens  runs/flow.html'; \
	exit $$status

check:
	@scripts/check.sh

lint:
	@scripts/setup.sh build report check lint
	@scripts/lint.sh

sanitize:
	@scripts/setup.sh build report check
	@scripts/build.sh dev unit replays
	@scripts/ctest.sh build-dev -L 'unit|replay'

tsan:
	@scripts/setup.sh build report check
	@scripts/build.sh tsan unit
	@scripts/ctest.sh build-tsan -L unit

headers:
	@scripts/headers.sh

docs:
	@scripts/setup.sh docs
	@scripts/docs.sh

install: build
	cmake --install build --prefix '$(PREFIX)'

consumer: build
	@scripts/consumer.sh build

fuzz:
	@scripts/setup.sh build report check fuzz
	@scripts/build.sh fuzz fuzzers
	@scripts/fuzz.sh build-fuzz $(FUZZ_SECONDS)

bench: build
	build/engram bench birth

clean:
	rm -rf build build-check build-dev build-tsan build-fuzz

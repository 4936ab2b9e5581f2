# make          set up and build: the program is build/popaug, the Python package build/python
# make demo     the main job on Fashion-MNIST: search, compare with free baselines, report
# make test     every test, with the oracles they need
# make bench    the benchmarks of this machine
# make site     the documents as a site: build/site/index.html
.PHONY: all build demo test bench site clean setup setup-test

JOBS ?= $(shell nproc)

# A new build folder gets no tests, so that the program is built first and alone. A folder that has
# been configured keeps what it has: cmake deletes the built tests when they are switched off.
FIRST_FLAGS = $(if $(wildcard build/CMakeCache.txt),,-DPOPAUG_TESTS=OFF)

all: build

setup:
	@tools/setup build

setup-test:
	@tools/setup test

build: setup
	@mkdir -p build
	@cmake -S . -B build -G Ninja $(FIRST_FLAGS) >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build -j $(JOBS) --target popaug_cli popaug_python

demo: build
	@tools/demo

test: setup-test
	@tools/test

bench: build
	@tools/bench

site: build setup-test
	@tools/site

clean:
	rm -rf build

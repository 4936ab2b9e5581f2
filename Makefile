# make          set up and build: the program is build/popaug
# make demo     the main job on Fashion-MNIST: search, train, compare (8 minutes on two cores)
# make test     every test, with the oracles they need
# make bench    the benchmarks of this machine
.PHONY: all build demo test bench clean setup setup-test

JOBS ?= $(shell nproc)

all: build

setup:
	@tools/setup build

setup-test:
	@tools/setup test

build: setup
	@cmake -S . -B build -G Ninja -DPOPAUG_TESTS=OFF >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build -j $(JOBS) --target popaug_cli

demo: build
	@tools/demo

test: setup-test
	@tools/test

bench: build
	@tools/bench

clean:
	rm -rf build build/configure.log

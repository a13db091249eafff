# The two commands of the README: `make demo` and `make test`.  Both set up what a fresh Debian 12 machine lacks.

BUILD ?= build
JOBS ?= $(shell nproc)

.PHONY: demo test build setup clean

setup:
	@./setup.sh

build: setup
	@test -f $(BUILD)/build.ninja || cmake --preset release -B $(BUILD)
	@ninja -C $(BUILD) -j $(JOBS)

test: build
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

demo: build
	@.deps/venv/bin/python experiments/demo.py --egret $(BUILD)/bin/egret

clean:
	rm -rf $(BUILD)

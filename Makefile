# Dramatis. `make demo` and `make test` each prepare a fresh machine first and need nothing else.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
READY := .venv/.ready
SERVERS := .venv/.servers
WORKERS ?= 2
DEMO ?= out/demo.mp4
WORLD ?= out/world
RUN ?= out/lpm_motion
MINUTES ?= 80
WORLD_MINUTES ?= 300

# One thread a process: the stages of the pipeline and the test workers share the cores themselves.
export OMP_NUM_THREADS ?= 1

.PHONY: help
help: ## Show what this Makefile does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Prepare this machine: system packages, .venv, pinned dependencies (repeats in < 1 s)

$(READY): pyproject.toml constraints.txt scripts/setup.sh scripts/packages.sh
	scripts/setup.sh
	@touch $@

# Only what runs against real servers waits for these: some 250 MB that `make demo` does without.
$(SERVERS): scripts/setup-servers.sh scripts/packages.sh | $(READY)
	scripts/setup-servers.sh
	@touch $@

.PHONY: demo
demo: $(READY) ## Make the example portrait say the example speech; the video is out/demo.mp4
	@mkdir -p $(dir $(DEMO))
	$(BIN)/dramatis perform examples/portrait.jpg --speech examples/speech.wav --output $(DEMO)
	@echo "The video is $(abspath $(DEMO))"

.PHONY: test
test: $(READY) $(SERVERS) ## Run every test; installs PostgreSQL, Redis and Ceph's S3 gateway first
	$(BIN)/python -m pytest -n $(WORKERS)

.PHONY: check lint types imports sizes licences
check: lint types imports sizes licences ## Lint, types, who imports what, sizes, licences (-k goes on after a failure)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports --no-logo

sizes: $(READY)
	$(BIN)/python scripts/check_sizes.py

licences: $(READY)
	$(BIN)/python -m pytest -q tests/unit/tooling/test_licences.py

.PHONY: format
format: $(READY) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: proto
proto: $(READY) ## Generate the message classes of proto/gen from proto/dramatis
	find proto/gen -name '*_pb2.py*' -delete
	cd proto && ../$(BIN)/python -m grpc_tools.protoc -I. --python_out=gen --pyi_out=gen \
	    $$(find dramatis -name '*.proto' | sort)

.PHONY: proto-release
proto-release: $(READY) ## Promise today's messages: later ones are compared with proto/released.binpb
	cd proto && ../$(BIN)/python -m grpc_tools.protoc -I. --descriptor_set_out=released.binpb \
	    $$(find dramatis -name '*.proto' | sort)

.PHONY: openapi
openapi: $(READY) ## Write docs/openapi.json, the description of the HTTP API
	$(BIN)/python -m services.gateway.api.document > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

.PHONY: bench
bench: $(READY) ## Measure the figures of docs/benchmarks.md, an hour-long session included; prints JSON lines
	@$(BIN)/python -m tests.bench --endless

.PHONY: chaos
chaos: $(READY) $(SERVERS) ## Kill, cut off and poison a cluster while it performs; prints JSON lines, about half an hour
	@$(BIN)/python -m tests.bench.chaos

.PHONY: load
load: $(READY) $(SERVERS) ## Fifty clients on a cluster while it performs; prints JSON lines
	@$(BIN)/python -m tests.bench.load

.PHONY: images
images: ## Build the images of docker-compose.yml with Docker, Podman or Buildah
	docker/build.sh

.PHONY: train
train: $(READY) $(WORLD)/train.made $(WORLD)/heldout.made ## Train the shipped motion model anew; resumes (MINUTES=80)
	$(BIN)/python -m training.lpm_motion.main --data $(WORLD)/train --heldout $(WORLD)/heldout \
	    --output $(RUN) --minutes $(MINUTES) --threads $(WORKERS)

$(WORLD)/train.made: | $(READY)
	$(BIN)/python -m training.worlds.conversation.main --output $(WORLD)/train --split train \
	    --minutes $(WORLD_MINUTES) --seed 1 --workers $(WORKERS)
	@touch $@

$(WORLD)/heldout.made: | $(READY)
	$(BIN)/python -m training.worlds.conversation.main --output $(WORLD)/heldout --split heldout --minutes 10 --seed 2
	@touch $@

.PHONY: examples
examples: $(READY) ## Make the example portrait and speech anew
	$(BIN)/python scripts/make_examples.py

.PHONY: picture
picture: demo ## Make the picture of the README anew
	$(BIN)/python scripts/make_picture.py $(DEMO)

.PHONY: clean
clean: ## Remove what was built or measured; keeps .venv
	rm -rf out build dist ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find models services training tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# Dramatis. `make demo` and `make test` each prepare a fresh machine first and need nothing else.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
READY := .venv/.ready
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
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Prepare this machine: system packages, .venv, pinned dependencies (repeats in < 1 s)

$(READY): pyproject.toml constraints.txt scripts/setup.sh
	scripts/setup.sh
	@touch $@

.PHONY: demo
demo: $(READY) ## Make the example portrait say the example speech; the video is out/demo.mp4
	@mkdir -p $(dir $(DEMO))
	$(BIN)/dramatis perform examples/portrait.jpg --speech examples/speech.wav --output $(DEMO)
	@echo "The video is $(abspath $(DEMO))"

.PHONY: test
test: $(READY) ## Run every test
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

.PHONY: bench
bench: $(READY) ## Measure the figures of docs/benchmarks.md; prints JSON lines
	@$(BIN)/python -m tests.bench

.PHONY: train
train: $(READY) $(WORLD)/train.made $(WORLD)/heldout.made ## Train the shipped motion model anew; resumes (MINUTES=80)
	$(BIN)/python -m training.lpm_motion.main --data $(WORLD)/train --heldout $(WORLD)/heldout \
	    --output $(RUN) --minutes $(MINUTES) --threads $(WORKERS)

$(WORLD)/train.made: | $(READY)
	$(BIN)/python -m training.worlds.speech.main --output $(WORLD)/train --split train \
	    --minutes $(WORLD_MINUTES) --seed 1 --workers $(WORKERS)
	@touch $@

$(WORLD)/heldout.made: | $(READY)
	$(BIN)/python -m training.worlds.speech.main --output $(WORLD)/heldout --split heldout --minutes 10 --seed 2
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

.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help: ## what there is to run
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

setup: $(READY) ## make the environment in .venv

demo: $(READY) ## the main job on real material, through a real client
	$(BIN)/python -m tamis_evals.demo

test: $(READY) ## run the tests
	$(BIN)/python -m pytest

check: $(READY) ## lint, types, import directions, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/sizes.py

bench: $(READY) ## handshake, cold and warm calls, memory: prints a table, writes JSON
	$(BIN)/python -m tamis_evals.bench

bench-engine: $(READY) ## the engine beside sentence-transformers: throughput, latency, memory, agreement
	$(BIN)/python -m tamis_evals.bench_engine

bench-swap: $(READY) ## ten models in a third of their memory, a thousand requests from eight callers
	$(BIN)/python -m tamis_evals.bench_swap

conformance: $(READY) ## the protocol's own suite and other people's clients (needs the npm registry)
	$(BIN)/python scripts/conformance.py

clean: ## forget the environment
	rm -rf $(VENV)

.PHONY: help setup demo test check bench bench-engine bench-swap conformance clean

# Everything a developer or an operator of a trial needs. Each target can be run again and again and asks nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
SITE ?= demo-site
BIN := .venv/bin
CHECKED := core plugins tests benchmarks
PYTEST := $(BIN)/pytest -n 2 --dist worksteal

.PHONY: help demo test test-postgresql lint fuzz bench docs vendor lock wheel clean \
        faults faults-kill faults-numbers faults-races faults-once

help: ## these lines
	@sed -nE 's/^([a-z][a-z-]*):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

demo: .venv/installed ## a demo site with a few months of data, served on http://127.0.0.1:8000
	@$(BIN)/yunkong demo $(SITE)

test: .venv/tested lint ## ruff, mypy, then the whole suite on SQLite, its database parts on PostgreSQL too
	@$(PYTEST)

test-postgresql: .venv/tested ## the whole suite on PostgreSQL
	@YUNKONG_TEST_ENGINES=postgresql $(PYTEST)

lint: .venv/tested ## ruff and mypy
	@$(BIN)/ruff check $(wildcard $(CHECKED))
	@$(BIN)/mypy

faults: faults-kill faults-numbers faults-races faults-once ## the four full fault runs, one after the other

faults-kill: .venv/tested ## 1,000 kills under load, both engines; figures into docs/faults.md
	@$(BIN)/python -m tests.faults.kill

faults-numbers: .venv/tested ## 64 creators, gap-free numbers, both engines
	@$(BIN)/python -m tests.faults.numbers

faults-races: .venv/tested ## 1,000 edit races, both engines
	@$(BIN)/python -m tests.faults.races

faults-once: .venv/tested ## 1,000 creates sent up to eight times, both engines
	@$(BIN)/python -m tests.faults.once

fuzz: .venv/tested ## Schemathesis as three roles over the whole API
	@$(BIN)/python -m tests.fuzz

bench: .venv/tested ## speed against bare Flask + SQLAlchemy; figures into docs/performance.md
	@$(BIN)/python -m benchmarks

docs: .venv/tested ## the generated reference and the pictures in docs/
	@$(BIN)/python scripts/docs.py
	@$(BIN)/python scripts/pictures.py

vendor: ## fetch the front-end files again at their pinned versions (needs Node; the files are committed)
	@scripts/vendor

lock: ## pin every dependency with its hashes into requirements.lock and requirements-test.lock
	@PYTHON=$(PYTHON) scripts/lock

wheel: .venv/tested ## dist/yunkong-*.whl
	@$(BIN)/python -m build --wheel --no-isolation

clean: ## remove what the other targets made, the demo site included
	rm -rf .venv build dist *.egg-info demo-site .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis test-results

# One virtual environment; `installed` runs Yunkong, `tested` adds what the tests need.
.venv/installed: requirements.lock pyproject.toml scripts/environment scripts/packages
	@PYTHON=$(PYTHON) scripts/environment requirements.lock $@

.venv/tested: requirements-test.lock pyproject.toml scripts/environment scripts/packages
	@PYTHON=$(PYTHON) scripts/environment requirements-test.lock $@ test

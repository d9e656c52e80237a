# Everything that make installs by itself goes into .venv; what the tests need of the system is in tests/install.sh.

PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
BIN := .venv/bin
ARGS ?=
BESIDE := -n 3 --dist loadfile # three files of tests at a time, each with its own servers: many wait for a program
SECONDS ?= 600
TARGETS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test slow test-all coverage needs lint format captures pictures bench fuzz build clean

help: ## this list
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r target text; do \
	    printf '  %-10s %s\n' "$$target" "$$text"; done
	@echo 'PYTHON=… names the Python to use (3.11 or newer), ARGS=… goes to pytest, as in: make test ARGS="-k names"'

demo: .venv/.package ## trace the capture that ships with pgtls
	@$(BIN)/pgtls demo

test: needs lint ## install what the tests need, then lint, check the types and run the tests
	$(BIN)/python -m pytest -m 'not slow' $(BESIDE) $(ARGS)

slow: .venv/.tests ## the tests that `make test` leaves out: PostgreSQL 12 to 18, random chains by the ten thousand
	@POSTGRES="12 13 14 15 16 17 18" sh tests/install.sh
	$(BIN)/python -m pytest -m slow -n 3 --dist worksteal $(ARGS)

test-all: test slow ## both; CI runs this

coverage: .venv/.tests ## the tests of tracer/protocol reach each of its branches
	$(BIN)/python -m pytest tests/protocol --cov=tracer.protocol --cov-branch --cov-fail-under=100 \
	    --cov-report=term-missing:skip-covered $(ARGS)

needs:
	@sh tests/install.sh

lint: .venv/.tests ## ruff, its formatter, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict tracer

format: .venv/.tests ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

captures: needs .venv/.tests ## make the captures anew, from real servers and clients
	$(BIN)/python captures/make.py $(ARGS)

pictures: needs .venv/.tests ## draw docs/pictures anew, from the stories' pages
	$(BIN)/python docs/pictures.py

bench: needs .venv/.tests ## how fast: pgtls beside tshark and cat; ARGS="ROUNDS --growth TIMES"
	$(BIN)/python -m tests.benchmarks $(ARGS)

fuzz: .venv/.tests ## fuzz each target: SECONDS=600 of each, TARGETS=… names some of them
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check atheris || \
	    echo 'pgtls: no atheris for this Python: mutations are blind'
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(TARGETS)

build: .venv/.tests ## the wheel, into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove .venv, dist and every cache
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, and what is installed in it. The stamps are older than pyproject.toml when it has changed.

.venv/bin/python:
	@for python in $(PYTHON); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then break; fi; \
	    echo "pgtls: $$python has no venv module: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; \
	done; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "pgtls: needs Python 3.11 or newer, and none of these is: $(PYTHON)" >&2; \
	    echo "pgtls: name another one: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	echo "making .venv with $$("$$python" --version)"; \
	"$$python" -m venv .venv || { rm -f .venv/bin/python; exit 1; }

.venv/.package: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.tests: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch .venv/.package $@

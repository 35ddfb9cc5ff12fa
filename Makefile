# The verbs of kagflow. Each is `make VERB comp=NAME [args="..."]`, which runs `kagflow VERB NAME ...`.
# `run` and `tune` take their time also as `budget=15m`.
VERBS := new fetch check audit cv tune ensemble run predict submit report runs

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: $(VERBS) practice doctor comp-is-named help setup test lint types bench clean

help: ## show this help
	@echo 'usage: make VERB comp=NAME [args="..."]'
	@echo '       make TARGET'
	@echo
	@echo 'verbs:   $(VERBS)'
	@echo 'targets:'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'Example: make cv comp=house_prices args="--config ridge"'
	@echo 'What a verb takes: $(BIN)/kagflow VERB --help'

$(VERBS): comp-is-named $(READY)
$(VERBS):
	@$(BIN)/kagflow $@ $(comp) $(if $(budget),--budget $(budget)) $(args)

practice: $(READY) ## the local leaderboard: make practice args="serve", args=leaderboard comp=NAME
	@$(BIN)/kagflow practice $(args) $(comp)

doctor: $(READY) ## what kagflow finds here, for support: versions, devices, disk, credentials
	@$(BIN)/kagflow doctor $(args)

comp-is-named:
	@[ -n '$(comp)' ] || { \
	  echo 'error: no competition is named' >&2; \
	  echo 'hint: make $(firstword $(MAKECMDGOALS)) comp=NAME [args="..."], where NAME is a folder of competitions/' >&2; \
	  exit 2; }

setup: $(READY) ## make .venv from requirements.lock (other targets do it by themselves)
	@:

# Workers share the cores: a thread a core in each of their libraries would only be in the others' way. Two cores take
# three workers, as a test that kills, stalls or serves waits for a quarter of its time.
test: $(READY) ## run the tests; args="..." goes to pytest
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal $(args)

lint: $(READY) ## check style, formatting and the order of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: $(READY) ## check types
	@$(BIN)/mypy --strict

bench: $(READY) ## run every script of benchmarks/; args="..." goes to each
	@set -e; for script in benchmarks/[!_]*.py; do \
	  if [ ! -e "$$script" ]; then echo 'no benchmarks/*.py' >&2; break; fi; \
	  echo "$$script" >&2; $(BIN)/python "$$script" $(args); \
	done

clean: ## remove .venv, caches (data/*/frames too) and build results; other data and runs/ stay
	@rm -rf $(VENV) data/*/frames .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find kagflow tests benchmarks competitions notebooks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The stamp is written last and removed first: an environment without it is made anew, one that is
# older than the lock is brought up to date in place. Standard output is kept for results.
$(READY): requirements.lock pyproject.toml
	@{ set -e; \
	if [ ! -e $@ ]; then \
	  command -v $(PYTHON) >/dev/null || { \
	    echo 'error: $(PYTHON) is not found; kagflow needs Python 3.11 or newer'; \
	    echo 'hint: name the one to use, as in: make setup PYTHON=python3.11'; exit 1; }; \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo 'error: kagflow needs Python 3.11 or newer; $(PYTHON) is' "$$($(PYTHON) --version 2>&1)"; \
	    echo 'hint: name another one, as in: make setup PYTHON=python3.11'; exit 1; }; \
	  echo 'Making $(VENV) (once, a minute or two) ...'; \
	  $(PYTHON) -m venv --clear $(VENV); \
	else \
	  echo 'Bringing $(VENV) up to date ...'; \
	fi; \
	rm -f $@; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	touch $@; \
	} >&2

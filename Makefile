# The truth of this project: what these targets do is what continuous integration does.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo
STUDY ?= $(DEMO)
PORT ?= 3000

.PHONY: run ui test check docs bench lock clean

run: .venv/installed  ## Writes the demo study (once), runs it, shows the results
	@test -e $(DEMO)/protocol.yaml || $(BIN)/icp demo $(DEMO)
	@$(BIN)/icp run $(DEMO)
	@$(BIN)/icp results $(DEMO)

ui: .venv/installed  ## Web server and daemon of a study, until Ctrl-C: make ui STUDY=demo PORT=3000
	@$(BIN)/python -m pipelines.ui $(STUDY) --port $(PORT)

test: .venv/installed  ## All tests, in two processes; the tests of a file stay together
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/installed  ## Style, types, imports, SQL, contracts, freshness of generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar sql
	$(BIN)/python -m pipelines.contracts

docs: .venv/installed  ## Generated pages: table pages, lineage picture, command-line help
	$(BIN)/python -m pipelines.docs

bench: .venv/installed  ## A whole run by stage beside a plain copy of its files (long: a study of 2 million episodes)
	$(BIN)/python -m benchmarks.whole_run --write

lock:  ## Pins every version again (needs uv on the path)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q -o requirements.lock

clean:  ## Forgets the installed environment and the demo
	rm -rf .venv $(DEMO)

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed and '$(PYTHON)' is not one."; \
	  echo "Install one (Debian, Ubuntu: apt install python3), or name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' comes without venv. Install it (Debian, Ubuntu: apt install python3-venv) and try again."; exit 2; }
	@echo "Setting up .venv (a minute or two, once)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

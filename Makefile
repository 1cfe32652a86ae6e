# What one does with this project. `make up` needs Python 3.11 or later and nothing else.
PYTHON ?= python3
V := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help up up-real seed clean-state story fuzz kill-loop faults test lint format bench lock protos release-contracts screens installed dev

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

up: ## start the whole system here (ASCMS_PORT=8080) with everything it needs; Ctrl-C ends it
	@$(PYTHON) deploy/local/up

up-real: ## the same on Apache Kafka, S3 and PostgreSQL servers of its own, which end with it (state in .state-real)
	@ASCMS_REAL=1 $(PYTHON) deploy/local/up

seed: ## fill what `make up` started with made-up cases in every state (CASES=30000)
	@$(PYTHON) deploy/local/up seed --cases $(or $(CASES),30000)

clean-state: ## forget the data of `make up`
	@$(PYTHON) deploy/local/up clean-state

story: installed ## walk through what `make up` started, over HTTP from outside (BASE_URL=…)
	@$(V)/python -m deploy.story $(if $(BASE_URL),--base-url $(BASE_URL))

fuzz: dev ## every operation of the REST API as everyone, with what its document allows and does not (EXAMPLES=20)
	@ASCMS_FUZZ_EXAMPLES=$(or $(EXAMPLES),20) $(V)/python -m pytest -q tests/e2e/test_fuzz.py

kill-loop: installed ## kill one service after another under writers; nothing may be lost or doubled
	@$(V)/python -m deploy.story.kill_loop

faults: dev ## break on purpose what is promised, at length and with times judged: docs/faults.md
	@$(V)/python -m pytest -q -s --long tests/faults

test: dev ## every suite this machine can run; says what it skipped and why
	@$(V)/python -m tests.run

lint: dev ## formatting, style, types, layers, contracts
	$(V)/ruff check .
	$(V)/ruff format --check .
	$(V)/mypy
	$(V)/lint-imports
	cd proto && ../$(V)/buf lint && ../$(V)/buf breaking --against released.binpb

format: dev ## put the code into the one format
	$(V)/ruff check --fix --exit-zero -q .
	$(V)/ruff format .

bench: dev ## measure, each number against the raw thing; writes docs/performance.md
	@$(V)/python -m deploy.bench

lock: dev ## resolve requirements*.in anew, with hashes
	$(V)/uv pip compile -q --generate-hashes --universal --python-version 3.11 requirements.in -o requirements.txt
	$(V)/uv pip compile -q --generate-hashes --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt

protos: installed ## generate modules from the contracts (`make up` does it when they changed)
	$(V)/python proto/build.py

# The contracts as they were last released: `make lint` refuses a change that breaks those who use them. Only a release
# moves this file, and only a compatible one.
release-contracts: dev ## at a release: the present contracts become what the next ones must be compatible with
	cd proto && ../$(V)/buf lint && ../$(V)/buf breaking --against released.binpb && ../$(V)/buf build -o released.binpb

installed:
	@$(PYTHON) deploy/local/up install

dev:
	@$(PYTHON) deploy/local/up install --dev

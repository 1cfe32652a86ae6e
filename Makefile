# What one does with this project. `make up` needs Python 3.11 or later and nothing else.
PYTHON ?= python3
export ASCMS_PORT ASCMS_STATE ASCMS_BROKER_URL ASCMS_SEED

VENV := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help up clean-state story kill-loop test lint format bench lock protos install-dev

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

up: ## start the whole system here (ASCMS_PORT=8080), with everything it needs; Ctrl-C ends it
	@$(PYTHON) deploy/local/up

clean-state: ## forget the data of `make up`
	@$(PYTHON) deploy/local/up clean-state

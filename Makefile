# `make` alone lists the targets. A target has a line or two; anything longer is a script in bin/.

.DEFAULT_GOAL := help
PYTHON := python3
# .python-version is for Heroku's buildpack. With pyenv, keep using your own Python.
export PYENV_VERSION := $(or $(PYENV_VERSION),$(shell pyenv global 2>/dev/null | paste -sd: -))
export APP DRY_RUN

##@ Run
.PHONY: run up down watch logs shell admin
run: ## Run without Docker, with Python alone: http://localhost:8000 (another port: PORT=8001 make run)
	@$(PYTHON) bin/run

up: ## Start the whole stack in containers and wait until it answers: http://localhost:8080
	@$(PYTHON) bin/up

down: ## Stop the stack; keeps the database, deletes the uploads (deletes both: make down ARGS=--volumes)
	@docker compose --profile "*" down $(ARGS)

watch: ## Start the stack and copy changes of the code into it, until Ctrl-C
	@$(PYTHON) bin/up --watch

logs: ## Follow the logs of the containers (of some: make logs ARGS="web worker")
	@docker compose logs --follow --tail 100 $(ARGS)

shell: ## Open a shell in the web container
	@docker compose exec web bash

admin: ## Make an account for /admin/, in the stack or in what `make run` keeps (which ADMIN=True opens)
	@$(PYTHON) bin/admin $(ARGS)

##@ Check
.PHONY: test test-storages test-stack test-engines test-faults test-front test-dyno lint audit bench
# From Python 3.12 on, coverage costs next to nothing. Before, it takes a third more time: .ci/run asks for it there.
test: COVERAGE = $(shell .venv/bin/python -c "import sys; sys.monitoring" 2>/dev/null && echo --cov --cov-report=)
test: packages ## Test the program and its tools without Docker (some tests: make test ARGS="-k sweep")
	@$(PYTHON) bin/assets
	@.venv/bin/node --test --test-reporter=dot tests/assets/*.test.mjs
	@.venv/bin/pytest tests/app tests/tools tests/cli -n 2 --dist worksteal $(if $(ARGS),,$(COVERAGE)) $(ARGS)

test-storages: packages ## Test release, storage and the main job on other servers of S3, without Docker
	@tests/stack/storages/run $(ARGS)

test-stack: packages ## Start a second stack beside yours and test it from outside
	@tests/stack/run $(ARGS)

test-engines: packages ## Test the pages of a second stack in Firefox and WebKit
	@tests/stack/with tests/stack/engines/run $(ARGS)

test-faults: ## Break a second stack in every way and check the promises (CHAOS_SECONDS=240 CHAOS_SEED=20)
	@CHAOS_SECONDS=$(or $(CHAOS_SECONDS),240) tests/stack/with .venv/bin/pytest tests/stack/faults tests/stack/chaos \
	  -q -p no:django $(ARGS)

test-front: ## Test a server of one's own: production settings behind Caddy, with the bytes on a disk
	@tests/stack/front/run $(ARGS)

test-dyno: ## Test the images as Heroku runs them, with stand-ins for its router and add-ons
	@tests/stack/dyno/run $(ARGS)

lint: packages ## Look over Python, shell, Dockerfiles, YAML and the Compose file
	@bin/lint

audit: ## Ask PyPI and npm for known vulnerabilities in the packages
	@bin/audit

bench: ## Measure the figures of the docs
	@bench/run $(ARGS)

##@ Heroku
.PHONY: deploy flower-heroku
deploy: ## Check, build, push and release (make deploy APP=name; DRY_RUN=1 only shows the steps)
	@$(PYTHON) bin/deploy

flower-heroku: ## Run Flower here with the Redis of an app on Heroku (make flower-heroku APP=name)
	@bin/flower-heroku

##@ Packages and words
.PHONY: requirements requirements-check messages docs
requirements: packages ## Compile services/requirements/*.in to *.txt with hashes (newer versions: ARGS=--upgrade)
	@bin/requirements $(ARGS)

requirements-check: packages ## Fail if a *.txt is not what its *.in compiles to
	@bin/requirements --check

messages: packages ## Update the .po files from the program; then translate the new messages in them
	@.venv/bin/python bin/messages

docs: packages ## Write docs/api.md from the API's document, and the lists of proofs in docs/threats.md
	@.venv/bin/python bin/api
	@.venv/bin/python bin/threats

# This is not a file target: bin/venv compares package by package, remakes a .venv whose Python was removed, and waits
# for another make that does the same.
.PHONY: packages
packages:
	@$(PYTHON) bin/venv services/requirements/development.txt

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## "; print "Mayfly: images and files that disappear by themselves." } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

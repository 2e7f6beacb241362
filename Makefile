# `make` alone lists what there is to do. A target is a line or two; what needs more lies in bin/.

.DEFAULT_GOAL := help
PYTHON := python3
# .python-version is for Heroku's buildpack. Who has pyenv goes on with the Python that is theirs.
export PYENV_VERSION := $(or $(PYENV_VERSION),$(shell pyenv global 2>/dev/null | paste -sd: -))
export APP DRY_RUN

##@ Run
.PHONY: run up down watch logs shell
run: ## Run here with Python alone, no Docker: http://localhost:8000 (PORT=8001 make run for another port)
	@$(PYTHON) bin/run

up: ## Run the whole stack in containers, and wait until it answers: http://localhost:8080
	@$(PYTHON) bin/up

down: ## End the stack; the database stays, the files in LocalStack go (make down ARGS=--volumes: all of it)
	@docker compose down $(ARGS)

watch: ## Pass changes of the code on into the running stack, until Ctrl-C
	@$(PYTHON) bin/up --watch

logs: ## Follow what the containers say (make logs ARGS="web worker" for some of them)
	@docker compose logs --follow --tail 100 $(ARGS)

shell: ## Open a shell in the web container
	@docker compose exec web bash

##@ Check
.PHONY: test test-stack test-faults test-dyno lint bench
test: packages ## Test the program and its tools with Python alone (make test ARGS="-k sweep" for some of it)
	@$(PYTHON) bin/assets
	@.venv/bin/node --test --test-reporter=dot tests/assets/*.test.mjs
	@.venv/bin/pytest tests/app tests/tools -n 2 $(ARGS)

test-stack: packages ## Bring a stack of its own up beside yours, and test it from outside
	@tests/stack/run $(ARGS)

test-faults: ## Kill, starve and flood a stack, and count what is lost and left (CHAOS_SECONDS=240 CHAOS_SEED=20)
	@CHAOS_SECONDS=$(or $(CHAOS_SECONDS),240) tests/stack/with .venv/bin/pytest tests/stack/faults tests/stack/chaos \
	  -q -p no:django $(ARGS)

test-dyno: ## Run the images as Heroku would, on a simulator of its dynos, router and add-ons
	@tests/stack/dyno/run $(ARGS)

lint: packages ## Look over Python, shell, Dockerfiles, YAML and the Compose file
	@bin/lint

bench: ## Measure what docs and closing notes claim
	@bench/run $(ARGS)

##@ Heroku
.PHONY: deploy flower-heroku
deploy: ## Check, build, push and release (make deploy APP=name; DRY_RUN=1 says every step and takes none)
	@$(PYTHON) bin/deploy

flower-heroku: ## Run Flower here, on the Redis of an app there (make flower-heroku APP=name)
	@bin/flower-heroku

##@ Packages and words
.PHONY: requirements requirements-check messages
requirements: packages ## Compile services/requirements/*.in to *.txt, with hashes (ARGS=--upgrade for newer versions)
	@bin/requirements $(ARGS)

requirements-check: packages ## Fail where a *.txt is not what its *.in compiles to
	@bin/requirements --check

messages: packages ## Bring the translations up to date with the program; then fill in what is new in the .po files
	@.venv/bin/python bin/messages

# Not a file with a date: bin/venv compares package by package, remakes a .venv whose Python was removed, and waits for
# another make that does the same.
.PHONY: packages
packages:
	@$(PYTHON) bin/venv services/requirements/development.txt

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## "; print "Mayfly: images and files that go by themselves." } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

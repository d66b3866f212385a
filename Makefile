# The commands of a contributor. `make check` is the inner loop; `make test` runs everything.

PYTHON ?= python3
.DEFAULT_GOAL := build

.PHONY: build
build: ## Build ./codex-design
	go build -o codex-design .

.PHONY: check
check: ## Format, vet, lint and the Go tests that need no server
	@$(PYTHON) tools/run.py check

.PHONY: test
test: ## Install what is missing, then run everything (ARGS="-k shop" runs a part of the system tests)
	@$(PYTHON) tools/run.py test $(ARGS)

.PHONY: fuzz
fuzz: ## Run every fuzz test for SECONDS (30)
	@$(PYTHON) tools/run.py fuzz $(SECONDS)

.PHONY: bench
bench: ## Measure what docs/benchmarks.md shows
	@$(PYTHON) tools/run.py bench

.PHONY: screens
screens: ## Draw the pictures of the wizard in docs/screens
	go run ./tools/screens -o docs/screens

.PHONY: clean
clean: ## Remove what was built, here and in the cache
	rm -rf codex-design
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/codex-design"

# The two commands: `make demo` and `make test`. Everything else is a part of them.
PYTHON := $(or $(PYTHON),$(shell for python in python3 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$python && break; \
	done),python3)
BIN := .venv/bin
PIP := -m pip install --quiet --disable-pip-version-check
# What a lock holds, and nothing else; then playscore itself, built by the setuptools of the lock.
LOCKED := $(PIP) --require-hashes --only-binary :all:
ITSELF := $(PIP) --no-deps --no-build-isolation -e .
RELEASED := protos/released.binpb
WORKERS := $(or $(WORKERS),3)
# Of libraries that start a thread a core: the processes of the tests share the cores.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.PHONY: help demo test environments locks lint types imports contracts drift breaking docs unit test-cluster generate released format clean bench-aggregator loadtest campaign
.DEFAULT_GOAL := help

help: ## what there is
	@grep -E '^[a-z.]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: ## play a slate of simulated games through the whole system, write out/demo/
	@$(MAKE) --no-print-directory -j2 .venv/ready .triton/ready
	@$(BIN)/playscore demo

test: ## everything that CI runs
	@$(MAKE) --no-print-directory -j2 .venv/ready-for-development .triton/ready
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types imports contracts drift breaking docs
	@$(MAKE) --no-print-directory unit

# --- environments ---

define NEEDS_PYTHON
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || { \
	echo 'make: Python 3.11 or 3.12 is missing: install it (Debian: apt-get install python3.11 python3.11-venv), or say make PYTHON=/path/to/python'; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo 'make: the venv module of $(PYTHON) is missing: on Debian and Ubuntu run apt-get install python3-venv'; exit 1; }
endef

.venv/ready: pyproject.toml locks/build.txt locks/services.txt
	$(NEEDS_PYTHON)
	@echo 'making .venv (playscore)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python $(LOCKED) -r locks/build.txt -r locks/services.txt
	@$(BIN)/python $(ITSELF)
	@touch $@

.venv/ready-for-development: .venv/ready locks/development.txt
	@echo 'adding what the tests need to .venv (torch among it)'
	@$(BIN)/python $(LOCKED) -r locks/development.txt
	@touch $@

.triton/ready: deploy/local/triton-requirements.txt
	$(NEEDS_PYTHON)
	@echo 'making .triton (the Triton server)'
	@$(PYTHON) -m deploy.local.triton_environment .triton
	@touch $@

environments: ## both environments, ready for development
	@$(MAKE) --no-print-directory -j2 .venv/ready-for-development .triton/ready

# --- checks ---

lint: ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: ## types, strictly
	$(BIN)/mypy

imports: ## which room may know which
	$(BIN)/lint-imports

contracts: ## the contracts' style
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code

drift: ## the generated code is that of the contracts
	@fresh=$$(mktemp -d) && mkdir -p $$fresh/playscore && protos/generate $$fresh && status=0; \
	for name in $$({ ls $$fresh/playscore; ls -d playscore/*/v1 | cut -d / -f 2; } | sort -u); do \
		diff -r -x __pycache__ $$fresh/playscore/$$name playscore/$$name || status=1; done; \
	rm -r $$fresh; test $$status = 0 || { echo 'the generated code is not that of protos/: run make generate'; exit 1; }

breaking: ## the contracts still serve callers of the released ones
	$(BIN)/buf breaking --against $(RELEASED)

docs: ## the documentation as a site, in out/site/; fails for a broken link
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

unit: ## unit, contract and integration tests
	PYTHONDONTWRITEBYTECODE= $(ONE_THREAD) $(BIN)/pytest --numprocesses $(WORKERS) --no-loadscope-reorder

test-cluster: .venv/ready-for-development ## the images and manifests on the cluster of KUBECONFIG (docs/operations.md)
	@test -n "$$KUBECONFIG" || { echo 'make: KUBECONFIG names no cluster'; exit 1; }
	PLAYSCORE_TEST_CLUSTER=1 $(BIN)/pytest tests/cluster --timeout 7200

# --- benchmarks ---

.venv/ready-for-benchmarks: .venv/ready-for-development locks/benchmarks.txt
	@$(BIN)/python $(LOCKED) -r locks/benchmarks.txt
	@touch $@

bench-aggregator: .venv/ready-for-benchmarks ## ratings of a million plays, beside other engines on the same rows
	@$(BIN)/python -m benchmarks.aggregator

# --- load tests ---

loadtest: environments ## a short set of load tests against the budgets; pages in out/loadtest/ (docs/loadtest.md)
	@failed=; for scenario in sunday night burst season; do \
		$(BIN)/playscore loadtest --scenario $$scenario --json out/loadtest/$$scenario.json --page out/loadtest/$$scenario.html \
			|| failed="$$failed $$scenario"; \
	done; test -z "$$failed" || { echo "not kept:$$failed"; exit 1; }

# --- campaign ---

CAMPAIGN := mutations feed kills 'kills --store postgresql' network disk clock overload soak

campaign: environments ## attacks the whole suite for hours; exits 1 where something did not hold
	@status=0; for part in $(CAMPAIGN); do \
		echo "== $$part"; $(BIN)/python -m tests.adversary $$part || status=1; done; exit $$status

# --- work ---

generate: ## the Python of the contracts, and the pages, thresholds, rules and dashboards made from code
	protos/generate
	$(BIN)/python -m docs.generate
	$(BIN)/python -m loadtest.k6 thresholds
	$(BIN)/python -m deploy.observability

locks: .venv/ready-for-benchmarks .triton/ready ## what is installed, resolved again from pyproject.toml; keeps versions
	@$(BIN)/python -m locks $(UPGRADE)

released: ## the contracts as they are, as the ones that callers may rely on
	$(BIN)/buf build --exclude-source-info -o $(RELEASED)

format: ## style, applied
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/buf format -w

clean: ## everything that make made
	rm -rf .venv .triton out build dist *.egg-info

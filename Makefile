# `make verify` checks everything and writes nothing but `target/`; `make fix` repairs what tools can.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test verify format-check dependencies lint documentation fix audit

help: ## Show these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: ## Start the server with its defaults
	cargo run --release -p chat-server-bin

test: ## Run all tests, beside real services
	.ci/with-services cargo test --workspace --all-features --no-fail-fast 2>&1 | .ci/summarize-tests

verify: format-check dependencies lint documentation test ## Check everything, as CI does; writes nothing

format-check: ## Check the formatting
	cargo fmt --all --check

dependencies: ## Check that chat-core depends on no adapter, database, broker or socket
	.ci/check-core-dependencies --self-test
	.ci/check-core-dependencies
	.ci/summarize-tests --self-test

lint: ## Run clippy on all code and all features
	cargo clippy --workspace --all-targets --all-features -- -D warnings

documentation: ## Build the documentation of the libraries, without a warning
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps

fix: ## Repair formatting and lints; writes
	cargo fmt --all
	cargo clippy --workspace --all-targets --all-features --fix --allow-dirty --allow-staged

audit: ## Check licences, advisories, spelling and unused dependencies; needs cargo-deny, typos-cli, cargo-machete
	cargo deny --all-features check
	typos
	cargo machete

# Each target does its own set-up. "make help" lists them.
.PHONY: help setup check test demo demo-stop bench packages repository lab lab-stop
.DEFAULT_GOAL := help
KEEP ?=
export KEEP

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: ## Installs Node, npm and the dependencies into this folder; does nothing when they are there
	@scripts/setup

check: ## The gate: types, format, lint, allowed imports, dead code, contracts, tree
	@scripts/setup check
	@scripts/run npm run --silent check

test: ## All tests; closes with "N passed, N failed, N skipped"
	@scripts/setup test
	@scripts/run npm run --silent test

demo: ## A fleet on this machine that loses its leader; KEEP=1 leaves it up
	@scripts/setup demo
	@scripts/run node test/demo/main.ts

demo-stop: ## Ends what "make demo KEEP=1" left up, and removes it
	@scripts/setup
	@scripts/run node test/demo/main.ts stop

bench: ## Measurements, one JSON object a line; BENCH="raft failover" picks some
	@scripts/setup bench
	@scripts/run npm run --silent bench -- $(BENCH)

packages: ## Debian packages for amd64 and arm64, in dist/packages/; ARCH=amd64 builds one, VERSION=1.2.3 names them
	@scripts/setup packages
	@scripts/run node packaging/src/packages/main.ts --arch "$(ARCH)" --version "$(VERSION)"

repository: packages ## A signed apt repository of them, in dist/repository/; URL=https://… is where it will be served
	@scripts/setup repository
	@scripts/run node packaging/src/repository/main.ts --url "$(URL)" --key "$(KEY)"

lab: ## Six machines with systemd and a fleet on them, to play with, until Ctrl-C; takes root
	@scripts/setup lab
	@scripts/setup packages
	@scripts/setup repository
	@scripts/run node test/lab/lab-main.ts

lab-stop: ## Ends what "make lab" has up in another terminal
	@scripts/setup
	@scripts/run node test/lab/lab-main.ts stop

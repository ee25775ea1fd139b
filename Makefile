# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# All that is made stays in the checkout: .venv and .venv-importer (programs), .cache (what the gates leave), .emulator.
# Every path is relative: make cannot handle spaces in names, and a clone may lie anywhere.

EMULATOR_PORT ?= 8443
EMULATOR_STATE ?= .emulator
EMULATOR_WORLD ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv emulator demo test test-unit test-integration test-molecule test-sanity lint docs-lint build bench clean copy

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

venv: .venv/dev.ready  ## install everything that development needs into .venv

.venv/demo.ready: tests/requirements/demo.txt requirements.txt tests/run/venv
	@tests/run/venv .venv tests/requirements/demo.txt
	@touch $@

.venv/dev.ready: tests/requirements/dev.txt .venv/demo.ready
	@tests/run/venv .venv tests/requirements/dev.txt
	@touch $@

.venv-importer/importer.ready: tests/requirements/importer.txt tests/run/venv
	@tests/run/venv .venv-importer tests/requirements/importer.txt
	@touch $@

.venv-azure-cli/azure-cli.ready: tests/requirements/azure-cli.txt tests/run/venv
	@tests/run/venv .venv-azure-cli tests/requirements/azure-cli.txt
	@touch $@

emulator: .venv/demo.ready  ## run Azure on localhost in the foreground (EMULATOR_PORT, EMULATOR_STATE, EMULATOR_WORLD)
	@PYTHONPATH=tests .venv/bin/python -m emulator --port "$(EMULATOR_PORT)" --state "$(EMULATOR_STATE)" \
	    $(if $(EMULATOR_WORLD),--world "$(EMULATOR_WORLD)")

demo: .venv/demo.ready  ## deploy, verify, change and remove gateways on three emulated clusters
	@tests/demo/run

test: test-unit lint docs-lint test-sanity build test-integration test-molecule  ## run all of the following

test-unit: .venv/dev.ready  ## pytest: the decisions, the emulator
	.venv/bin/python -m pytest tests/unit --numprocesses 2

test-integration: .venv/dev.ready  ## pytest: real playbooks against the emulator
	.venv/bin/python -m pytest tests/integration --numprocesses 2

test-molecule: .venv/dev.ready copy  ## molecule: the role against the emulator
	tests/run/in-copy molecule test --all

test-sanity: .venv/dev.ready copy  ## ansible-test sanity
	tests/run/in-copy ansible-test sanity --local --python "$$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

lint: .venv/dev.ready copy  ## ansible-lint, changelog, licences
	tests/run/in-copy ansible-lint
	tests/run/in-copy antsibull-changelog lint
	tests/run/in-copy reuse lint --lines

docs-lint: .venv/dev.ready copy  ## antsibull-docs on the documentation of modules and role
	tests/run/in-copy antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self --check-extra-docs-refs .

build: .venv/dev.ready .venv-importer/importer.ready copy  ## build the collection and let galaxy-importer check it
	tests/run/in-copy tests/run/build

bench: .venv/dev.ready .venv-azure-cli/azure-cli.ready  ## measure, as ratios; writes docs/benchmark.md (a quarter of an hour)
	PYTHONPATH=tests .venv/bin/python -m benchmark

copy: .venv/dev.ready
	@tests/run/copy

clean:  ## remove all that was made
	rm -rf .venv .venv-importer .venv-azure-cli .cache .emulator .pytest_cache tests/output

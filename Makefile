# Everything runs in .venv, made on first use with the newest Python >= 3.11 of the machine.

python := .venv/bin/python
SEEDS ?= 1000

.PHONY: help test lint demo sim mutants bench clean venv

help:
	@echo 'make test              check style and types, then run every test against real servers'
	@echo 'make lint              check style and types only'
	@echo 'make demo              a page on which to freeze, starve and break a pool (Ctrl-C ends it); DATABASE=mysql for MariaDB'
	@echo 'make sim SEEDS=1000    run the simulator with so many seeds'
	@echo 'make mutants           change the core in small ways and see that the tests notice'
	@echo 'make bench             measure thawpool and its peers side by side; ONLY=lease,thaw for some, LIST=1 to name all'
	@echo 'make clean             remove .venv, .bench and every cache'

test: venv
	@scripts/system_packages.sh && scripts/setup.sh
	@$(MAKE) --no-print-directory lint
	$(python) -m pytest

lint: venv
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy

demo: venv
	@exec $(python) -m thawpool demo $(if $(DATABASE),--database '$(DATABASE)')

sim: venv
	@exec $(python) -m thawpool.testing.simulator --seeds $(SEEDS)

mutants: venv
	@exec $(python) -m scripts.mutants

bench: venv
	@$(python) -m bench.environment
	@exec .bench/venv/bin/python -m bench $(if $(ONLY),--only '$(ONLY)') $(if $(ROUNDS),--rounds '$(ROUNDS)') $(if $(LIST),--list)

venv:
	@scripts/setup.sh

clean:
	rm -rf .venv .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

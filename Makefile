# `make help` lists the targets. PYTHON chooses the interpreter the virtual environment is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := runs/demo
DATA_DIR ?= $(KORSCI_DATA)
CONFIG ?= nano
BENCHMARKS := tokenizer model training pretraining predict int8 scaling startup
FROM ?= benchmarks/results

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench bench-full bench-report mnli papers clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

setup: $(STAMP)  ## Make .venv and install the pinned packages; again when requirements change

demo: $(STAMP)  ## Fine-tune on the sample papers, score top-3 F1, classify two new abstracts
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh $(DEMO)

test: $(STAMP)  ## Run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(STAMP)  ## Check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)  ## Measure speed against the peers with smaller models and texts, in 10 minutes; tables in runs/bench
	$(foreach name,$(BENCHMARKS),$(BIN)/python benchmarks/$(name).py --quick --json runs/bench/$(name).json &&) true
	$(BIN)/python benchmarks/report.py runs/bench

bench-full: $(STAMP)  ## Measure the README's figures, in hours; files in benchmarks/results
	$(foreach name,$(BENCHMARKS),$(BIN)/python benchmarks/$(name).py --json benchmarks/results/$(name).json &&) true

bench-report: $(STAMP)  ## Render benchmarks/RESULTS.md from benchmarks/results (FROM=runs/bench for the quick figures)
	$(BIN)/python benchmarks/report.py $(FROM) --out benchmarks/RESULTS.md

mnli: $(STAMP)  ## Run experiments/glue/mnli.sh CONFIG (DATA_DIR=… CONFIG=nano)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash experiments/glue/mnli.sh $(CONFIG) $(if $(DATA_DIR),--data-dir "$(DATA_DIR)")

papers: $(STAMP)  ## Run experiments/papers/papers.sh CONFIG (CONFIG=nano; DATA_DIR=… for your own papers.csv)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash experiments/papers/papers.sh $(CONFIG) $(if $(DATA_DIR),--data-dir "$(DATA_DIR)")

clean:  ## Remove the virtual environment, caches and build output (runs/ is kept)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

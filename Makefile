# Each target makes what it needs first: the virtual environment, LaTeX.
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TEX_PACKAGES := latexmk texlive-latex-recommended texlive-pictures lmodern

.DEFAULT_GOAL := help
.PHONY: help demo report test lint bench bench-pipeline rulegraph tex clean requirements pins

help:
	@echo "make demo   the whole paper on simulated data, about eight minutes on two cores"
	@echo "make report the demo's tables, figures and logs as one zip to browse"
	@echo "make test   all tests, a tiny run from archive to PDF among them"
	@echo "make lint   style of Python, Snakemake and environment files"
	@echo "make bench  all speeds beside baselines: results/benchmarks/bench.md, under ten minutes"
	@echo "make bench-pipeline  the download beside curl; a finished demo: overhead, bfloat16"
	@echo "make clean  remove the demo's and the tests' results"

# A lock that ends with whoever holds it: jobs inherit standard input, so a training that outlives a
# killed Snakemake keeps the next run out until it has written its last file. Snakemake's own lock
# is a file that stays after a SIGKILL.
define ONE_AT_A_TIME
import fcntl, sys
try:
    fcntl.flock(0, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("error: the demo, or a job of it, is still running here: wait for it or end it")
except OSError:
    pass  # this file system has no locks
endef
export ONE_AT_A_TIME

demo: $(INSTALLED) tex
	@mkdir -p .snakemake
	@{ $(BIN)/python -c "$$ONE_AT_A_TIME" && $(BIN)/snakemake --cores $(CORES) --nolock \
		--rerun-incomplete --configfile config/demo.yaml --quiet rules host; } <>.snakemake/demo.lock
	@cat results/demo/table1.md
	@echo "The paper: $(CURDIR)/results/demo/paper.pdf"

report: demo
	@$(BIN)/snakemake --configfile config/demo.yaml --quiet all --report results/demo/report.zip
	@echo "Unzip it and open report/report.html: $(CURDIR)/results/demo/report.zip"

# Whole files go to a process each, long ones first: the many short ones fill the end.
test: $(INSTALLED) tex
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder \
		tests/workflow tests/unit

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint --configfile config/demo.yaml

bench: $(INSTALLED)
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/bench.py

bench-pipeline: $(INSTALLED)
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/bench_download.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/bench_overhead.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/bench_precision.py

# Installed once; again when the pinned packages change.
$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than Python 3.11; try make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	@touch $@

# For the README; needs graphviz. A test compares it with the rules.
rulegraph: $(INSTALLED)
	@command -v tred >/dev/null || { echo "error: tred and dot are not installed:" \
		"sudo apt-get install graphviz"; exit 1; }
	$(BIN)/snakemake --rulegraph | $(BIN)/python .github/rulegraph.py | tred | \
		dot -Tsvg > .github/rulegraph.svg

tex:
	@command -v latexmk >/dev/null || command -v tectonic >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive \
				apt-get install --yes --quiet=2 --no-install-recommends $(TEX_PACKAGES); \
		else \
			echo "error: neither latexmk nor tectonic is installed: sudo apt-get install" \
				"$(TEX_PACKAGES), or conda install -c conda-forge tectonic"; exit 1; \
		fi; }

requirements:
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.in
	{ echo "# All packages, pinned; made from requirements.in by 'make requirements'."; \
		$(BIN)/pip freeze | sed 's/+cpu$$//'; } > requirements.txt
	@touch $(INSTALLED)

# Where conda reaches its channels; CONDA_OVERRIDE_CUDA lets it solve for a GPU that is elsewhere.
pins:
	@command -v conda >/dev/null && command -v snakedeploy >/dev/null || { \
		echo "error: make pins needs conda and snakedeploy on the PATH:" \
			"conda install -c conda-forge -c bioconda snakedeploy"; exit 1; }
	CONDA_OVERRIDE_CUDA=12.9 snakedeploy pin-conda-envs --conda-frontend conda envs/*.yaml

clean:
	rm -rf results/demo results/ci

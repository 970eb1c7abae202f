# Each target makes what it needs first: the virtual environment, LaTeX.
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/python -m snakemake
FREEZE := $(BIN)/python -m pip freeze | sed 's/+cpu$$//'
TEX_PACKAGES := latexmk texlive-latex-recommended texlive-pictures lmodern

.DEFAULT_GOAL := help
.PHONY: help installed tools demo tune ambiguity evidence record map report test lint bench bench-pipeline \
	rulegraph tex browser clean requirements pins

# What the caller's shell has set for other work: which code Python runs and how, where jobs go,
# whose repository git looks at.
KEPT := PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX PYTHONUNBUFFERED
unexport $(filter-out $(KEPT),$(filter PYTHON%,$(.VARIABLES)))
unexport SNAKEMAKE_PROFILE CDPATH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
# Snakemake keeps a cache in the home folder; elsewhere where that is missing or read-only.
ifeq ($(shell test -w "$${XDG_CACHE_HOME:-$$HOME}" && echo yes),)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif

# The text behind `##` is what `make help` shows of a target.
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

# A lock that ends with whoever holds it: jobs inherit standard input, so a training that outlives a
# killed Snakemake keeps the next run out until it has written its last file. Snakemake's own lock
# is a file that stays after a SIGKILL.
define ONE_AT_A_TIME
import fcntl, sys
try:
    fcntl.flock(0, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(f"error: {sys.argv[1]}, or a job of it, is still running here: wait for it or end it")
except OSError:
    pass  # this file system has no locks
endef
export ONE_AT_A_TIME

demo: installed tex ## the whole paper on simulated data, three to eight minutes on two cores
	@mkdir -p .snakemake
	@{ $(BIN)/python -c "$$ONE_AT_A_TIME" "the demo" && $(SNAKEMAKE) --cores $(CORES) --nolock \
		--rerun-incomplete --configfile config/demo.yaml --quiet rules host; } <>.snakemake/demo.lock
	@cat results/demo/table1.md
	@echo "The paper: $$PWD/results/demo/paper.pdf"

tune: installed ## candidates for the demo's settings, trained and compared by validation signals
	@mkdir -p .snakemake
	@{ $(BIN)/python -c "$$ONE_AT_A_TIME" "the search" && $(SNAKEMAKE) --cores $(CORES) --nolock \
		--rerun-incomplete --configfile config/tune.yaml --quiet rules host -- tune; } <>.snakemake/tune.lock
	@cat results/tune/tuning.md

ambiguity: installed ## the facet amplitude swept: several answers where the signal has several
	@mkdir -p .snakemake
	@{ $(BIN)/python -c "$$ONE_AT_A_TIME" "the sweep" && $(SNAKEMAKE) --cores $(CORES) --nolock \
		--rerun-incomplete --configfile config/ambiguity.yaml --quiet rules host -- ambiguity; \
		} <>.snakemake/ambiguity.lock
	@cat results/ambiguity/ambiguity.md

# What fails ends no other training; what is finished is kept, and the same command goes on.
evidence: installed tex ## controls, folds and seeds, and the paper with them: hours on two cores
	@mkdir -p .snakemake
	@{ $(BIN)/python -c "$$ONE_AT_A_TIME" "the evidence" && $(SNAKEMAKE) --cores $(CORES) --nolock \
		--rerun-incomplete --keep-going --configfile config/evidence.yaml --quiet rules host \
		-- all results/evidence/moved.md; } <>.snakemake/evidence.lock
	@cat results/evidence/controls.md
	@echo "The record: $$PWD/results/evidence/record; what moved since that in paper/record:" \
		"results/evidence/moved.md"

record: installed ## the evidence run's record, copied to paper/record/
	@$(BIN)/python -m workflow.scripts.freeze results/evidence paper/record

# What make is told reaches the shell as variables, so that a path may hold anything.
map: installed ## a scan's orientation map: make map SCAN=my.npy MODEL=release.zip (see README)
	@mkdir -p .snakemake
	@{ $(BIN)/python -c "$$ONE_AT_A_TIME" "a map" && \
		told=$$($(BIN)/python -m workflow.scripts.map_config "SCAN=$$SCAN" "MODEL=$$MODEL" \
			"NAME=$$NAME" "NETWORK=$$NETWORK" "VIEWS=$$VIEWS" "ARRAY=$$ARRAY" "STEP=$$STEP" \
			"EBSD=$$EBSD") && \
		$(SNAKEMAKE) --cores $(CORES) --nolock --rerun-incomplete \
			--configfile config/map.yaml "$${told%% *}" --quiet rules host -- maps && \
		echo "Open in a browser:" && ls "$$PWD/$${told#* }"/*/map.html; } <>.snakemake/map.lock

report: demo ## the demo's tables, figures and logs as one zip to browse
	@$(SNAKEMAKE) --configfile config/demo.yaml --quiet all --report results/demo/report.zip
	@echo "Unzip it and open report/report.html: $$PWD/results/demo/report.zip"

# Whole files go to a process each, long ones first: the many short ones fill the end.
test: tools tex browser ## all tests, a tiny run from archive to PDF among them
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder \
		tests/workflow tests/unit

lint: tools ## style of Python and Snakemake files, and which floor imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(SNAKEMAKE) --lint --configfile config/demo.yaml

bench: tools ## all speeds beside baselines: results/benchmarks/bench.md, under ten minutes
	@GOMP_SPINCOUNT=30000 PYTHONPATH=. $(BIN)/python tests/benchmarks/bench.py # waits as jobs do

bench-pipeline: installed ## the download beside curl; a finished demo: overhead, bfloat16
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/bench_download.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/bench_overhead.py
	@PYTHONPATH=. $(BIN)/python tests/benchmarks/bench_precision.py

# Made once; anew when it was moved or its Python is gone, and filled when a list of packages changes.
# By its own Python if that runs, as a user may have named one to make it of only once.
define INSTALL
	@if [ -x $(BIN)/python ] && $(BIN)/python -c ''; then \
		$(BIN)/python envs/install.py $(VENV) "$(PYTHON)" $(1); \
	elif command -v "$(PYTHON)" >/dev/null; then \
		"$(PYTHON)" envs/install.py $(VENV) "$(PYTHON)" $(1); \
	else \
		echo "error: $(PYTHON) is not installed: make PYTHON=python3.12 ..."; exit 1; \
	fi
endef

installed: ## the virtual environment .venv, of which make sees to it first
	$(call INSTALL,requirements.txt)

tools: ## what tests and lint need beyond it, in the same .venv
	$(call INSTALL,requirements.txt requirements-dev.txt)

# For the README; needs graphviz. A test compares it with the rules.
rulegraph: installed ## the picture of the rules in the README
	@command -v tred >/dev/null || { echo "error: tred and dot are not installed:" \
		"sudo apt-get install graphviz"; exit 1; }
	$(SNAKEMAKE) --rulegraph | $(BIN)/python .github/rulegraph.py | tred | \
		dot -Tsvg > .github/rulegraph.svg

tex: ## LaTeX, if there is none and you are root
	@command -v latexmk >/dev/null || command -v tectonic >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive \
				apt-get install --yes --quiet=2 --no-install-recommends $(TEX_PACKAGES); \
		else \
			echo "error: neither latexmk nor tectonic is installed: sudo apt-get install" \
				"$(TEX_PACKAGES), or conda install -c conda-forge tectonic"; exit 1; \
		fi; }

browser: ## Chromium, if there is none and you are root: the test of a map's page looks at it
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
		command -v google-chrome >/dev/null || [ -n "$$DRM_NO_BROWSER" ] || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive \
				apt-get install --yes --quiet=2 --no-install-recommends chromium; \
		else \
			echo "error: no Chromium is installed: sudo apt-get install chromium, or" \
				"DRM_NO_BROWSER=1 make test to do without"; exit 1; \
		fi; }

requirements: ## requirements.txt and requirements-dev.txt anew, from the files *.in
	"$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.in
	{ echo "# All packages, pinned; made from requirements.in by 'make requirements'."; \
		$(FREEZE); } > requirements.txt
	$(BIN)/python -m pip install --quiet --requirement requirements.txt \
		--requirement requirements-dev.in
	{ echo "# What tests and 'make lint' need beyond requirements.txt; made by 'make requirements'."; \
		$(FREEZE) | grep -vxF -f requirements.txt; } > requirements-dev.txt
	@$(MAKE) --no-print-directory tools

# Where conda reaches its channels; CONDA_OVERRIDE_CUDA lets it solve for a GPU that is elsewhere.
pins: ## exact packages of envs/, where conda reaches its channels
	@command -v conda >/dev/null && command -v snakedeploy >/dev/null || { \
		echo "error: make pins needs conda and snakedeploy on the PATH:" \
			"conda install -c conda-forge -c bioconda snakedeploy"; exit 1; }
	CONDA_OVERRIDE_CUDA=12.9 snakedeploy pin-conda-envs --conda-frontend conda envs/*.yaml

clean: ## remove the demo's and the tests' results
	rm -rf results/demo results/ci

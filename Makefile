# make lab    set everything up and open the first lesson
# make test   set everything up and run all that CI runs
# make peers  build the servers and clients in Rust and Node with which tests/test_peers.py talks
.DEFAULT_GOAL := lab
.PHONY: lab test peers bench lessons format constraints clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
FIRST_LESSON := notebooks/00_start_here.ipynb

# Jupyter refuses to run as root, as a container does, unless it is told to.
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

# Say `make lab LAB_FLAGS=--port=9999` to give JupyterLab more options, `make test WORKERS=6` on a larger machine.
# Three suit two cores: a good part of a run is waiting, and with four a slow machine starves what must answer in time.
LAB_FLAGS ?=
WORKERS ?= 3
CARGO_FLAGS ?=
# Where it is set, as in many containers, each of a hundred kernels and workers would compile wslab anew.
unexport PYTHONDONTWRITEBYTECODE
PYTHONS ?= python3 python3.14 python3.13 python3.12 python3.11 python

lab: $(READY)
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/$(FIRST_LESSON) $(ROOT_FLAG) $(LAB_FLAGS)

test: $(READY)
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/pytest --nbval --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# Without one of the two tools the other's peers are built all the same, and make says what is missing.
peers:
	@missing=; \
	if command -v npm >/dev/null; then \
	    npm install --prefix tests/peers/node --no-package-lock --no-audit --no-fund --silent || exit; \
	else missing="$$missing npm"; fi; \
	if command -v cargo >/dev/null; then \
	    cargo build --release --quiet --manifest-path tests/peers/rust/Cargo.toml $(CARGO_FLAGS) || exit; \
	else missing="$$missing cargo"; fi; \
	[ -z "$$missing" ] || { echo "Not built for want of:$$missing" >&2; exit 1; }

bench: $(READY)
	@$(BIN)/python -m benchmarks

lessons: $(READY)
	@$(BIN)/python tools/weave_exercises.py
	@$(BIN)/python tools/execute_lessons.py

format: $(READY)
	@$(BIN)/ruff check --quiet --fix --exit-zero .
	@$(BIN)/ruff format --quiet .

constraints: $(READY)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --all-extras \
	    --no-header --no-annotate --quiet --output-file constraints.txt

clean:
	@rm -rf $(VENV) .venvs .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	    tests/peers/rust/target tests/peers/node/node_modules

# The imports say that this Python can make an environment: Debian packages venv and pip apart from python3.
$(READY): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && exit; \
	for python in $(PYTHONS); do \
	    $$python -c 'import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "Setting up $(VENV) with $$($$python --version); the first time takes a minute or two."; \
	    exec $$python -m venv --clear $(VENV); \
	done; \
	echo "No Python 3.11 or newer that has venv and pip was found (tried: $(PYTHONS))." >&2; \
	echo "Install one, on Debian or Ubuntu with: apt install python3 python3-venv" >&2; \
	exit 1
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[lab,test]'
	@$(BIN)/python -c 'import matplotlib.font_manager' 2>/dev/null # finds the fonts now, or the first plot says that it does
	@touch $@

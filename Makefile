# make setup   the environment, Blender as a Python module, and the readers that tests use; the only target that downloads
# make demo    performs the demo voice into out/
# make test    every test, offline      make check   style and types      make bench   the figures in docs/benchmarks.md
#
# PYTHON chooses the interpreter (3.11 or 3.13), VENV where the environment goes.

VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python
PYTHON ?= $(shell for p in python3.11 python3.13 python3; do $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 13)))' 2>/dev/null && echo $$p && break; done)
DEMO := out/demo
export OMP_NUM_THREADS ?= 2

.PHONY: setup demo test check bench test-smplx body clean

setup: $(VENV)/.ready tests/js/node_modules/.ready

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.13 is needed: install one, or run make PYTHON=/path/to/python." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[blender,vosk,dev]"
	@touch $@

tests/js/node_modules/.ready: tests/js/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/js --silent && touch $@; \
	else echo "npm is not here, so the tests that read GLB files with other programs' readers will be skipped."; fi

demo: setup
	@mkdir -p out
	$(BIN)/declaim perform assets/demo/voice.flac --script assets/demo/script.txt \
	  -o $(DEMO).npz -o $(DEMO).glb -o $(DEMO).fbx -o $(DEMO).bvh -o $(DEMO).mp4 -o $(DEMO).png

test: setup
	$(PY) -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(PY) -m tests.bench

test-smplx: setup
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[smplx]"
	$(PY) -m pytest tests/core/test_smplx_agreement.py

body:
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[build-body]"
	$(PY) -m declaim.assets.body_build

clean:
	rm -rf $(VENV) out build dist tests/js/node_modules *.egg-info

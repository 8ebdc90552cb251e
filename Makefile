# make setup       the environment, Blender as a Python module, the extension's wheels, and the readers that tests use
# make demo        performs the demo voice into out/
# make test        every test, offline      make check   style and types      make bench   the figures in docs/benchmarks.md
# make extension   the Blender extension's zips, into dist/; EXTENSION="--platform windows-x64" for others (docs/extension.md)
# make test-blender   the extension's tests in the other Blenders that it promises to work in
# make test-window    a real window worked by simulated mouse and keys, where the desktop programs are at hand
#
# PYTHON chooses the interpreter (3.11 or 3.13), VENV where the environment goes. Only setup, extension and test-blender download.

VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN_NAME := Scripts
else
BIN_NAME := bin
endif
BIN := $(VENV)/$(BIN_NAME)
PY := $(BIN)/python
PYTHON ?= $(shell for p in python3.11 python3.13 python3; do $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 13)))' 2>/dev/null && echo $$p && break; done)
DEMO := out/demo
export OMP_NUM_THREADS ?= 2

# The Blenders of test-blender: what each is on PyPI, its Python, and the oldest numpy that its users have.
BPY_4.2 := bpy==4.2.23 numpy==1.24.4
BPY_4.5 := bpy==4.5.15 numpy==1.26.4
BPY_5.0 := bpy==5.0.1 numpy==1.26.4
BPY_5.2 := bpy==5.2.3
find_python = $(shell for p in python$(1) $(HOME)/.pyenv/versions/$(1).*/bin/python$(1); do $$p -c '' 2>/dev/null && echo $$p && break; done)
PYTHON_4.2 = $(call find_python,3.11)
PYTHON_4.5 = $(call find_python,3.11)
PYTHON_5.0 = $(call find_python,3.11)
PYTHON_5.2 = $(call find_python,3.13)
BLENDERS ?= 4.2 4.5 5.0 5.2

.PHONY: setup demo test check bench test-smplx body clean extension test-blender test-window

setup: $(VENV)/.ready tests/js/node_modules/.ready build/wheels/.ready

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.13 is needed: install one, or run make PYTHON=/path/to/python." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[blender,vosk,dev]"
	@touch $@

tests/js/node_modules/.ready: tests/js/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/js --silent && touch $@; \
	else echo "npm is not here, so the tests that read GLB files with other programs' readers will be skipped."; fi

build/wheels/.ready: addon/engine_wheels.toml $(VENV)/.ready
	$(PY) release/extension.py --fetch --python $$($(PY) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	@touch $@

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

extension: setup
	$(PY) release/extension.py $(EXTENSION)

comma := ,
empty :=
# This environment's own Blender is tried by `make test`; here are the others.
OWN_BLENDER = $(if $(findstring 3.13,$(shell $(PY) --version 2>/dev/null)),5.2,4.5)
OTHERS = $(filter-out $(OWN_BLENDER),$(BLENDERS))
test-blender: setup $(foreach v,$(OTHERS),.venvs/$(v)/.ready)
	DECLAIM_BLENDERS=$(subst $(empty) $(empty),$(comma),$(foreach v,$(OTHERS),$(v)=$(CURDIR)/.venvs/$(v)/$(BIN_NAME)/python)) \
	  $(PY) -m pytest tests/addon -k "$(subst $(empty) $(empty), or ,$(OTHERS))"

.venvs/%/.ready: Makefile
	@if test -n "$(PYTHON_$*)"; then \
	  $(PYTHON_$*) -m venv .venvs/$* && \
	  .venvs/$*/$(BIN_NAME)/python -m pip install --quiet --disable-pip-version-check $(BPY_$*) && touch $@; \
	else echo "The Python of Blender $* is not here, so its tests will be skipped."; fi

test-window: setup
	$(PY) -m pytest tests/window

clean:
	rm -rf $(VENV) .venvs out build dist tests/js/node_modules *.egg-info

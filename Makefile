VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable
# Two processes of one thread each: most tests are too small to share out a second thread's work.
# A file's tests stay in one process, which makes their fixtures once; tests/conftest.py orders files.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-fast lint audit clean

demo: $(VENV)/installed ## run the main job on real images
	$(BIN)/l2laug demo -o demo --overwrite

test: $(VENV)/installed-dev ## run the tests
	$(PYTEST)

test-fast: $(VENV)/installed-dev ## run the tests but for the slow ones
	$(PYTEST) -m "not slow"

lint: $(VENV)/installed-dev ## check style, types and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Strict: a package that could not be looked up fails it, so that no database means no "sound".
audit: | $(VENV)/bin/python ## look for known vulnerabilities of what constraints.txt names
	$(BIN)/python -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet pip-audit
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --no-deps -r constraints.txt

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) '.[train]'
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) '.[dev]'
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) demo build dist

# The commands this project keeps. Each installs what it needs, once.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(shell find py -name '*.py' -not -path '*/server/*')

.PHONY: run test quick faults check bench bench-rooms fuzz pictures clean

run: static/vendor/.built
	@$(BIN)/python -m rolltape serve --host $(HOST) --port $(PORT)

test: node_modules/.test static/vendor/.built .venv/.test
	@tools/apt.sh chromium chromium firefox-esr firefox-esr ffmpeg ffmpeg mkvinfo mkvtoolnix pulseaudio pulseaudio opusinfo opus-tools redis-server redis-server
	$(BIN)/python tests/side_by_side.py

# What is pure, in CPython: for every few minutes of work.
quick: .venv/.test
	$(BIN)/python -m pytest -q -m 'not slow' tests/unit

# What docs/reliability.md reports: every fault three times.
faults: static/vendor/.built .venv/.test
	@tools/apt.sh chromium chromium firefox-esr firefox-esr ffmpeg ffmpeg pulseaudio pulseaudio
	@rm -f build/reliability.jsonl
	@for run in 1 2 3; do FAULTS=all $(BIN)/python -m pytest -q tests/faults || exit 1; done
	@PYTHONPATH=tests $(BIN)/python -m faults.report

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: .venv/.test
	ROLLTAPE_FUZZ=100000 $(BIN)/python -m pytest -q tests/unit/test_convert_fuzz.py

bench: node_modules/.test static/vendor/.built .venv/.test
	@tools/apt.sh chromium chromium ffmpeg ffmpeg redis-server redis-server
	@PYTHONPATH=py:tests $(BIN)/python -m bench

bench-rooms: .venv/.test
	@tools/apt.sh redis-server redis-server
	@PYTHONPATH=py:tests $(BIN)/python -m bench.load_bench

pictures: node_modules/.test static/vendor/.built .venv/.test
	PICTURES=docs/pictures $(BIN)/python -m pytest -q tests/e2e/test_pictures.py

clean:
	rm -rf .venv node_modules static/vendor build

.venv/.made:
	@$(PYTHON) -m venv .venv || { tools/apt.sh - python3-venv && $(PYTHON) -m venv --clear .venv; }
	@touch $@

.venv/.serve: .venv/.made pyproject.toml constraints.txt
	@echo "Installing the server's packages …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[serve,vendor]'
	@touch $@

.venv/.test: .venv/.serve
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[serve,vendor,test]'
	@touch $@

node_modules/.installed: package.json package-lock.json
	@echo "Fetching Python for the browser …"
	@npm ci --ignore-scripts --silent --omit=dev
	@touch $@

# With what tests look at the page with, and what the bench compares it with.
node_modules/.test: package.json package-lock.json
	@npm ci --ignore-scripts --silent
	@touch node_modules/.installed $@

static/vendor/.built: .venv/.serve node_modules/.installed $(wildcard tools/*.py tools/*.mjs) tools/vendor.json $(SOURCES)
	@echo "Building the page; the first time this takes some minutes …"
	@$(BIN)/python tools/vendor.py
	@touch $@

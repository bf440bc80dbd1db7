# The commands this project keeps. Each installs what it needs, once.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
# Where recordings that guests' pages send are kept; empty: in takes/ here.
TAKES ?=
# What `python -m runtime` is told (docs/runtime.md): CI has every step of the build or fails.
RUNTIME ?= $(if $(CI),--strict)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := $(shell find py -name '*.py' -not -path '*/server/*' -not -path '*/www/*')
PAGE := index.html sw.js $(wildcard static/*.*)
# Node from PyPI, where the machine has none that will do (tools/node.py).
export PATH := $(CURDIR)/.venv/node:$(PATH)

.PHONY: run page wheel release versions test quick faults long check bench bench-rooms fuzz fuzz-recovery pictures clean

run: page
	@$(BIN)/python -m rolltape serve --host $(HOST) --port $(PORT) $(if $(TAKES),--takes "$(TAKES)")

page: static/vendor/.built

# Installs everywhere, and needs nothing of what built it.
wheel: page
	@$(BIN)/python tools/release.py wheel

# Wheel, source and their SHA-256, of what is committed, built twice and compared.
release: .venv/.serve
	@$(BIN)/python tools/release.py release

# The page with other Pyodides: make versions VERSIONS="314.0.6 315.0.0-alpha.2"
versions: node_modules/.test static/vendor/.built .venv/.test
	$(BIN)/python -m pytest -q tests/install/versions.py

test: node_modules/.test static/vendor/.built .venv/.test
	@tools/apt.sh chromium chromium firefox-esr firefox-esr ffmpeg ffmpeg mkvinfo mkvtoolnix pulseaudio pulseaudio opusinfo opus-tools melt melt redis-server redis-server Xvfb xvfb openbox openbox xdotool xdotool
	$(BIN)/python tests/side_by_side.py

# What is pure, in CPython: for every few minutes of work.
quick: .venv/.test
	$(BIN)/python tests/side_by_side.py quick

# What docs/reliability.md reports: every fault three times.
faults: static/vendor/.built .venv/.test
	@tools/apt.sh chromium chromium firefox-esr firefox-esr ffmpeg ffmpeg pulseaudio pulseaudio Xvfb xvfb openbox openbox xdotool xdotool
	@rm -f build/reliability.jsonl
	@for run in 1 2 3; do FAULTS=all $(BIN)/python -m pytest -q tests/faults || exit 1; done
	@PYTHONPATH=tests $(BIN)/python -m faults.report

# Drifting microphones and starved encoders, minutes each: for a machine that does nothing else.
long: node_modules/.test static/vendor/.built .venv/.test
	@tools/apt.sh chromium chromium firefox-esr firefox-esr ffmpeg ffmpeg pulseaudio pulseaudio
	FAULTS=all $(BIN)/python -m pytest -q tests/e2e/test_clocks.py tests/e2e/test_two_clocks.py tests/e2e/test_keep_up.py \
		tests/e2e/test_switched_microphones.py tests/e2e/test_picture_and_sound.py tests/server/test_takes_killed.py \
		tests/server/test_takes_long.py
	FAULTS=all $(BIN)/python -m pytest -q -k "narrow_line or for_long" tests/e2e/test_arrivals.py

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: .venv/.test
	ROLLTAPE_FUZZ=100000 $(BIN)/python -m pytest -q tests/unit/test_convert_fuzz.py
	ROLLTAPE_FUZZ=2000 $(BIN)/python -m pytest -q tests/unit/test_tracks_fuzz.py

# 10 000 damaged journals, judged by ffmpeg and mkvmerge: an hour or two.
fuzz-recovery: .venv/.test
	@tools/apt.sh ffmpeg ffmpeg mkvmerge mkvtoolnix
	ROLLTAPE_RECOVERY_FUZZ=10000 $(BIN)/python -m pytest -q tests/unit/test_recovery_fuzz.py

bench: node_modules/.test static/vendor/.built .venv/.test
	@tools/apt.sh chromium chromium ffmpeg ffmpeg redis-server redis-server
	@PYTHONPATH=py:tests $(BIN)/python -m bench

bench-rooms: .venv/.test
	@tools/apt.sh redis-server redis-server
	@PYTHONPATH=py:tests $(BIN)/python -m bench.load_bench
	@PYTHONPATH=py:tests $(BIN)/python -m bench.arrivals_bench

pictures: node_modules/.test static/vendor/.built .venv/.test
	PICTURES=docs/pictures $(BIN)/python -m pytest -q tests/e2e/test_pictures.py

clean:
	rm -rf .venv node_modules static/vendor py/rolltape/www build dist

.venv/.made:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: install it, or name it with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Rolltape needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": name another with make PYTHON=…")'
	@$(PYTHON) -m venv .venv || { tools/apt.sh - python3-venv && $(PYTHON) -m venv --clear .venv; }
	@touch $@

.venv/.serve: .venv/.made pyproject.toml requirements/serve.txt requirements/build.txt
	@echo "Installing the server's packages …"
	@$(PIP) --require-hashes -r requirements/serve.txt -r requirements/build.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.test: .venv/.serve requirements/test.txt
	@$(PIP) --require-hashes -r requirements/test.txt
	@touch $@

node_modules/.installed: .venv/.made package.json package-lock.json
	@$(BIN)/python tools/node.py
	@echo "Fetching Python for the browser …"
	@npm ci --ignore-scripts --silent --omit=dev
	@touch $@

# With what tests look at the page with, and what the bench compares it with.
node_modules/.test: .venv/.made package.json package-lock.json
	@$(BIN)/python tools/node.py
	@npm ci --ignore-scripts --silent
	@touch node_modules/.installed $@

static/vendor/.built: .venv/.serve node_modules/.installed $(shell find tools/runtime -name '*.py' -o -name '*.mjs') requirements/page.txt $(SOURCES) $(PAGE)
	@$(BIN)/python tools/node.py
	@echo "Building the page; the first time this takes some minutes …"
	@PYTHONPATH=tools $(BIN)/python -m runtime $(RUNTIME)
	@touch $@

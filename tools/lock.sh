#!/bin/sh
# Writes requirements/*.txt anew from pyproject.toml, requirements/*.in and what they held: each package with its hashes.
# A version stays as it is unless it is named: tools/lock.sh [--upgrade-package NAME ...]
set -eu
cd "$(dirname "$0")/.."
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
lock() {
  from=$1 to=$2
  shift 2
  .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate "$from" -o "requirements/$to.txt" "$@"
}
lock pyproject.toml serve --python-version 3.11 "$@"
lock pyproject.toml build --python-version 3.11 --extra build "$@"
lock pyproject.toml buckets --python-version 3.11 --extra buckets "$@"
lock pyproject.toml tracks --python-version 3.11 --extra tracks "$@"
lock pyproject.toml test --python-version 3.11 --extra build --extra buckets --extra tracks --extra test "$@"
lock requirements/node.in node --python-version 3.11 "$@"
lock requirements/page.in page --python-version 3.14 --no-deps "$@"

"""Builds the page and what it runs on, PyScript and Pyodide in `static/vendor/` (`docs/runtime.md`)."""

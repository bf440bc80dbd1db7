"""Runs tests inside Pyodide: `units.py PACKAGES FILE ...`, with the pytest of the folder PACKAGES."""

import sys


class AnyMachine:
    """A plugin: how long an example takes is the machine's matter (unit/conftest.py says so elsewhere)."""

    def pytest_configure(self) -> None:
        from hypothesis import settings  # not before pytest has begun, which would warn of it

        settings.register_profile("any machine", deadline=None)
        settings.load_profile("any machine")


if __name__ == "__main__":
    packages, *files = sys.argv[1:]
    sys.path[:0] = ["/repo/py", "/repo/tests", "/repo/tests/unit", f"/repo/{packages}"]
    import pytest

    # No cache and no fault handler: the interpreter has neither a folder of its own nor signals.
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-o", "addopts=", "-o", "pythonpath="]
    sys.exit(pytest.main([*options, "--noconftest", *files], plugins=[AnyMachine()]))

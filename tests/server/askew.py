"""A server process on a machine whose clock is wrong: `python -m server.askew SECONDS '{"port": 1, …}'`."""

from __future__ import annotations

import runpy
import sys
import time

if __name__ == "__main__":
    wrong_s, machine_s = float(sys.argv.pop(1)), time.time
    time.time = lambda: machine_s() + wrong_s
    runpy.run_module("server.process", run_name="__main__", alter_sys=True)

// Runs a Python file inside Pyodide in Node, this folder mounted at /repo: node tools/pyodide_node.mjs FILE [ARG ...]
import { loadPyodide } from "pyodide";

const python = await loadPyodide({ env: { PYTHONHASHSEED: "0", PYTHONNODEBUGRANGES: "1", HOME: "/home/pyodide" } });
python.FS.mkdirTree("/repo");
python.mountNodeFS("/repo", process.cwd());
python.globals.set("arguments", python.toPy(process.argv.slice(2)));
process.exitCode = python.runPython(`
import os, runpy, sys, traceback
os.chdir("/repo")
sys.argv[:] = arguments
status = 0
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as stop:
    status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
except Exception:
    traceback.print_exc()
    status = 1
status
`);

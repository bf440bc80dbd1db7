// Runs a Python file inside npm's Pyodide in Node, this folder mounted at /repo: node in_pyodide.mjs LIBRARY FILE [ARG ...]
import { loadPyodide } from "pyodide";

const [library, ...given] = process.argv.slice(2);
const env = { PYTHONHASHSEED: "0", PYTHONNODEBUGRANGES: "1", HOME: "/home/pyodide" };
const python = await loadPyodide({ stdLibURL: library, env });
python.FS.mkdirTree("/repo");
python.mountNodeFS("/repo", process.cwd());
python.globals.set("arguments", python.toPy(given));
process.exitCode = python.runPython(`
import os, runpy, sys, traceback
os.chdir("/repo")
sys.argv[:] = arguments
sys.path.insert(0, "/repo/tools")
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

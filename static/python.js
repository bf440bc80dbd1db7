// The interpreter that PyScript is told to use (pyscript.json): Pyodide, started at once instead of when PyScript has
// loaded its own parts. It starts from the memory of one that has started (tools/runtime/steps/memory_snapshot.py), which comes
// in the place of the standard library: Pyodide compiles its WebAssembly meanwhile. The library comes when the page is there
// (browser/stdlib.py), or at once where the memory does not fit, or was not built. The wheels that micropip will ask for are
// fetched when the WebAssembly is compiled: not before, since all that comes over a slow link until then is what Python starts
// from. Pyodide must not find stack switching, which nothing here needs: tabs crash by it (quirk 18).
// What names a file below vendor/ is given the file's full name when the page is built, or none (tools/runtime/page.py).
import * as pyodide from "./vendor/pyodide/pyodide.mjs";

delete WebAssembly.Suspending;
const [memory, folder] = ["./vendor/pyodide/snapshot.bin", new URL("./vendor/pyodide/", import.meta.url).href];
const lock = fetch(`${folder}pyodide-lock.json`).then((answer) => answer.text());
const fetchAhead = ({ file_name }) => fetch(folder + file_name).then((wheel) => wheel.arrayBuffer());
const fsInit = () => lock.then(JSON.parse).then(({ info, packages: its }) => (console.info(info.recipe), [its.rolltape, its.micropip].forEach(fetchAhead)));
const start = (more) => pyodide.loadPyodide({ indexURL: folder, lockFileContents: lock, packageBaseUrl: folder, fsInit, stderr: console.error, ...more });
const resume = { stdLibURL: `${folder}snapshot.bin`, _loadSnapshot: new Uint8Array(1) };
const python = memory ? start(resume).catch((error) => (console.error(error), start())) : start();
export const [loadPyodide, version] = [() => python.finally(() => performance.mark("rolltape-runtime")), pyodide.version];

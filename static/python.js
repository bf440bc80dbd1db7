// The interpreter that PyScript is told to use (pyscript.json): Pyodide, started at once instead of when PyScript has
// loaded its own parts. It starts from the memory of one that has started (tools/snapshot.py), which comes in the place of
// the standard library: Pyodide compiles its WebAssembly meanwhile. The library comes when the page is there
// (browser/stdlib.py), or at once where the memory does not fit. The wheels that micropip will ask for are fetched when the
// WebAssembly is compiled: not before, since all that comes over a slow link until then is what Python starts from. Pyodide
// must not find stack switching, which nothing here needs: tabs crash by it (quirk 18).
import * as pyodide from "./vendor/pyodide-314.0.7-7/pyodide.mjs";

delete WebAssembly.Suspending;
const folder = new URL("./vendor/pyodide-314.0.7-7/", import.meta.url).href;
const lock = fetch(`${folder}pyodide-lock.json`).then((answer) => answer.text());
const fetchAhead = ({ file_name }) => fetch(folder + file_name).then((wheel) => wheel.arrayBuffer());
const fsInit = () => lock.then(JSON.parse).then(({ packages: { micropip, rolltape } }) => void [rolltape, micropip].map(fetchAhead));
const start = (more) => pyodide.loadPyodide({ indexURL: folder, lockFileContents: lock, packageBaseUrl: folder, fsInit, stderr: console.error, ...more });
const python = start({ stdLibURL: `${folder}snapshot.bin`, _loadSnapshot: new Uint8Array(1) }).catch((error) => (console.error(error), start()));
export const [loadPyodide, version] = [() => python.finally(() => performance.mark("rolltape-runtime")), pyodide.version];

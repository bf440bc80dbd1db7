// The interpreter that PyScript is told to use (pyscript.json): Pyodide, started at once instead of when PyScript has
// loaded its own parts. It starts from the memory of one that has started (tools/snapshot.py), which comes in the place of
// the standard library: Pyodide compiles its WebAssembly meanwhile. The library comes when the page is there
// (browser/library.py), or at once where the memory does not fit. The wheels that micropip will ask for are fetched when the
// WebAssembly is compiled: not before, since all that comes over a slow link until then is what Python starts from.
import { loadPyodide as load, version } from "./vendor/pyodide-314.0.7-4/pyodide.mjs";

const folder = new URL("./vendor/pyodide-314.0.7-4/", import.meta.url).href;
const lock = fetch(`${folder}pyodide-lock.json`).then((answer) => answer.text());
const fetchAhead = ({ file_name }) => fetch(folder + file_name).then((wheel) => wheel.arrayBuffer());
const fsInit = () => lock.then(JSON.parse).then(({ packages: { micropip, rolltape } }) => void [rolltape, micropip].map(fetchAhead));
const start = (memory) => load({ indexURL: folder, lockFileContents: lock, packageBaseUrl: folder, fsInit, stderr: console.error, ...memory });
const remembered = start({ stdLibURL: `${folder}snapshot.bin`, _loadSnapshot: new Uint8Array(1) });
const python = remembered.catch(() => start()).finally(() => performance.mark("rolltape-runtime"));
export const loadPyodide = () => python;
export { version };

// The interpreter that PyScript is told to use (pyscript.json): Pyodide, started at once instead of when PyScript has
// loaded its own parts. The wheels that micropip will ask for are fetched while it starts: not before, since all that comes
// over a slow link until then is what it starts from.
import { loadPyodide as load, version } from "./vendor/pyodide-314.0.7-3/pyodide.mjs";

const folder = new URL("./vendor/pyodide-314.0.7-3/", import.meta.url).href;
const lock = fetch(`${folder}pyodide-lock.json`).then((answer) => answer.text());
const fetchAhead = ({ file_name }) => fetch(folder + file_name).then((wheel) => wheel.arrayBuffer());
const fsInit = () => lock.then(JSON.parse).then(({ packages: { micropip, rolltape } }) => void [rolltape, micropip].map(fetchAhead));
const python = load({ indexURL: folder, lockFileContents: lock, packageBaseUrl: folder, fsInit, stderr: console.error });
python.then(() => performance.mark("rolltape-runtime"));
const loadPyodide = () => python;
export { loadPyodide, version };

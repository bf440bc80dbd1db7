// The interpreter that PyScript is told to use (pyscript.json): Pyodide, started at once instead of when PyScript has
// loaded its own parts; the wheels that micropip will ask for are fetched meanwhile.
import { loadPyodide as load, version } from "./vendor/pyodide-314.0.7-3/pyodide.mjs";

const folder = new URL("./vendor/pyodide-314.0.7-3/", import.meta.url).href;
const lock = fetch(`${folder}pyodide-lock.json`).then((answer) => answer.text());
const fetchAhead = ({ file_name }) => fetch(folder + file_name).then((wheel) => wheel.arrayBuffer());
lock.then(JSON.parse).then(({ packages: { micropip, rolltape } }) => [micropip, rolltape].forEach(fetchAhead));
const python = load({ indexURL: folder, lockFileContents: lock, packageBaseUrl: folder, stderr: console.error });
python.then(() => performance.mark("rolltape-runtime"));
const loadPyodide = () => python;
export { loadPyodide, version };

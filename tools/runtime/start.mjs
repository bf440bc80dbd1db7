// Starts a built Pyodide in Node as static/python.js does in a page, and installs our wheel by name: node start.mjs FOLDER
// What comes out of it is what a step of the build is judged by.
import { existsSync, readFileSync } from "node:fs";

const folder = `${process.argv[2]}/`;
const { loadPyodide } = await import(`${folder}pyodide.mjs`);
const lockFileContents = readFileSync(`${folder}pyodide-lock.json`, "utf8");
const options = { indexURL: folder, packageBaseUrl: folder, lockFileContents };
const memory = `${folder}snapshot.bin`;
const python = await loadPyodide(
  existsSync(memory) ? { ...options, stdLibURL: memory, _loadSnapshot: new Uint8Array(1) } : options,
);
await python.loadPackage("micropip");
await python.pyimport("micropip").install(["rolltape"], { keep_going: true });
console.log(await python.runPythonAsync(`
import asyncio, dataclasses, json, sys
from rolltape.recording.take import TakeState
import rolltape.settings.link
await asyncio.sleep(0)
json.dumps({"python": sys.version.split()[0], "states": len(TakeState)})
`));

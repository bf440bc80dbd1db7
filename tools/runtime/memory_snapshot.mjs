// Writes the memory that steps/memory_snapshot.py packs: node memory_snapshot.mjs FOLDER BEFORE AFTER MODULE ...
// BEFORE is what Pyodide in FOLDER has when it restores a snapshot, AFTER is a snapshot with these modules imported.
// The same Pyodide gives the same bytes: nothing of this moment, this machine or of chance is in them.
import crypto from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

process.env.TZ = "UTC";
delete globalThis.navigator; // newer Nodes have one, with the machine's language
delete WebAssembly.Suspending; // as static/python.js does
delete WebAssembly.promising;
Date.now = performance.now = () => 0;
crypto.randomFillSync = globalThis.crypto.getRandomValues = (view) => view.fill(0);

const [folder, before, after, ...modules] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const { default: create } = await import(`${folder}/pyodide.asm.mjs`);

const lockFileContents = readFileSync(`${folder}/pyodide-lock.json`, "utf8");
const options = { indexURL: folder, lockFileContents };
const seen = new Error("The memory was seen.");
const createPyodideModule = async (settings) => {
  writeFileSync(before, (await create(settings)).HEAPU8);
  throw seen;
};
await loadPyodide({ ...options, _loadSnapshot: new Uint8Array(1), createPyodideModule }).catch((error) => {
  if (error !== seen) throw error;
});

// The environment is kept too: nothing of this machine's.
const env = { PYTHONHASHSEED: "0", LANG: "C.UTF-8", _: "python" };
const python = await loadPyodide({ ...options, _makeSnapshot: true, _sysExecutable: "python", env });
python.runPython(`
import gc, sys
for name in "${modules.join(" ")}".split():
    __import__(name)
sys.path_importer_cache.clear()  # the standard library is not there yet when a page starts
del name
gc.collect()
gc.freeze()
del gc
`);
writeFileSync(after, python.makeMemorySnapshot());

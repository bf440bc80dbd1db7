// Starts the runtime that pages get, as PyScript and static/python.js do, but in Node: node tests/browser/runtime.mjs FOLDER
import { readFileSync } from "node:fs";

const folder = `${process.cwd()}/${process.argv[2]}/`;
const { loadPyodide } = await import(`${folder}pyodide.mjs`);
const lockFileContents = readFileSync(`${folder}pyodide-lock.json`, "utf8");
const python = await loadPyodide({ indexURL: folder, packageBaseUrl: folder, lockFileContents });
await python.loadPackage("micropip");
await python.pyimport("micropip").install(["rolltape"], { keep_going: true });
console.log(await python.runPythonAsync(`
import json, sys
said = {"resolver after rolltape": "micropip._rest" in sys.modules}
from rolltape.take import TakeState
import rolltape.link
said["compiled ahead"] = len(rolltape._ahead)
said["compiled here"] = []
import dataclasses
ahead = dataclasses.exec
def watched(text, *names):
    if names[0]["__name__"].startswith("rolltape") and rolltape.crc32(text.encode()) not in rolltape._ahead:
        said["compiled here"].append(text)
    ahead(text, *names)
dataclasses.exec = watched
import rolltape.deck, rolltape.room, rolltape.session, rolltape.convert.run
import micropip
await micropip.install("segno>=1.6")
said["resolver after a requirement"] = "micropip._rest" in sys.modules
import segno
said["segno"] = segno.make("x").version
said["listed"] = sorted(micropip.list())
json.dumps(said)
`));

// Starts the runtime that pages get, as PyScript and static/python.js do, but in Node: node tests/browser/runtime.mjs FOLDER
import { readFileSync } from "node:fs";

const folder = `${process.cwd()}/${process.argv[2]}/`;
const { loadPyodide } = await import(`${folder}pyodide.mjs`);
const lockFileContents = readFileSync(`${folder}pyodide-lock.json`, "utf8");
const python = await loadPyodide({
  ...{ indexURL: folder, packageBaseUrl: folder, lockFileContents },
  ...{ stdLibURL: `${folder}snapshot.bin`, _loadSnapshot: new Uint8Array(1) },
});
await python.loadPackage("micropip");
await python.pyimport("micropip").install(["rolltape"], { keep_going: true });
// The page gets it in browser/stdlib.py.
const putLibrary = (archive) => python.FS.writeFile(archive, readFileSync(`${folder}python_stdlib.zip`));
python.registerJsModule("test", { putLibrary });
console.log(await python.runPythonAsync(`
import json, sys, types
said = {"resolver after rolltape": "micropip._rest" in sys.modules}
from rolltape.recording.take import TakeState
import rolltape.settings.link
said["compiled ahead"] = len(rolltape._ahead)
said["compiled here"] = []
import dataclasses
ahead = dataclasses.exec
def watched(text, *names):
    if names[0]["__name__"].startswith("rolltape") and rolltape.crc32(text.encode()) not in rolltape._ahead:
        said["compiled here"].append(text)
    ahead(text, *names)
dataclasses.exec = watched

class Anything(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name)
    def __call__(self, *arguments, **named):
        return self

import importlib
real, sys.modules["js"] = sys.modules.get("js"), Anything("js")
said["lacks the library"] = []
said["modules"] = 0
for name in list(rolltape._modules):
    try:
        importlib.import_module(name)
        said["modules"] += 1
    except ImportError as error:
        said["lacks the library"].append(f"{name}: {error}")
sys.modules["js"] = real

from test import putLibrary
putLibrary(f"/lib/python{sys.version_info[0]}{sys.version_info[1]}.zip")
importlib.invalidate_caches()
import micropip
await micropip.install("segno>=1.6")
said["resolver after a requirement"] = "micropip._rest" in sys.modules
import segno
said["segno"] = segno.make("x").version
said["listed"] = sorted(micropip.list())

import hashlib, unicodedata
facts = hashlib.sha256(unicodedata.unidata_version.encode())
for number in range(0x20000):
    character = chr(number)
    known = unicodedata.category(character), unicodedata.numeric(character, None), character.casefold()
    facts.update(repr((known, unicodedata.normalize("NFKD", character))).encode("ascii", "backslashreplace"))
said["characters"] = facts.hexdigest()[:16]
try:
    said["a name"] = unicodedata.name("a")
except ValueError as error:
    said["a name"] = str(error)
json.dumps(said)
`));

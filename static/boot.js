// Starts PyScript, and meanwhile shows guests themselves: camera and microphone are asked for before Python is there.
// Python takes `rolltapeEarly` over (browser/capture.py) and asks again only if the link wants another device.
const page = document.documentElement;
const query = location.search.toLowerCase();
const guest = query.length > 1 && !/[?&](director|convert)\b/.test(query);
const choosy = /[?&](videodevice|vd|audiodevice|ad)=/.test(query);

// What is going on, in words, until the page can be used; what guests are asked for comes first.
const WORDS = { "pyodide.asm.wasm": "Starting Python …", "rolltape-runtime": "Opening the recorder …" };
const said = document.querySelector("#starting").lastChild;
const LATE = " This takes unusually long. On a slow network, wait; else reload the page, or use another browser.";
let [asking, stage, late] = ["", said.textContent, ""];
const say = () => (said.textContent = (asking || stage) + late);
setTimeout(() => say((late = LATE)), 30_000);
new PerformanceObserver((list) => {
  for (const { name } of list.getEntries()) stage = WORDS[name.slice(name.lastIndexOf("/") + 1)] ?? stage;
  say();
}).observe({ entryTypes: ["mark", "resource"] });

if (guest && !choosy && navigator.mediaDevices) {
  const audio = { channelCount: { ideal: 2 }, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  globalThis.rolltapeEarly = navigator.mediaDevices.getUserMedia({ audio, video }).then(
    (stream) => (document.querySelector("[data-testid=preview]").srcObject = stream),
    () => null, // Python asks again, and says what is wrong
  );
  say((asking = "Asking for camera and microphone …"));
  globalThis.rolltapeEarly.then(() => say((asking = "")));
}

function failed(reason) {
  if (page.dataset.ready) return;
  page.dataset.ready = "failed";
  document.querySelector("#starting").hidden = true;
  const notice = document.querySelector("#notice-template").content.cloneNode(true).firstElementChild;
  notice.dataset.level = "error";
  notice.querySelector("p").textContent =
    "The page could not start, so nothing is being recorded. Reload it; if that does not help, " +
    `use a current Chrome, Edge or Firefox. (${reason?.message ?? reason ?? "a file did not load"})`;
  document.querySelector("#notices").append(notice);
}
addEventListener("error", (event) => failed(event.error ?? event.target?.src ?? event.message), true);
addEventListener("unhandledrejection", (event) => failed(event.reason));
const ask = globalThis.fetch;
globalThis.fetch = async (...given) => {
  const answer = await ask(...given);
  if (!answer.ok && answer.url.includes("/static/")) failed(`${answer.status}: ${answer.url}`);
  return answer; // PyScript only logs a file that is missing
};

// PyScript opens databases of its own, and here keeps nothing in them. Where site data is blocked, or a database never answers, it
// would not start: it gets empty ones in memory, and Python the browser's own back (browser/main.py).
// It also opens a channel for workers, of which there are none: it gets one that nobody hears.
const answered = (result, request = {}) => (queueMicrotask(() => request.onsuccess({ target: { result } })), request);
const entries = { getAllKeys: () => answered([]), clear: () => answered() };
const empty = { close() {}, transaction: () => ({ objectStore: () => entries }) };
const own = Object.getOwnPropertyDescriptor(globalThis, "indexedDB");
Object.defineProperty(globalThis, "indexedDB", { value: { open: () => answered(empty) }, configurable: true });
try { new BroadcastChannel("?").close(); } catch { globalThis.BroadcastChannel = class extends EventTarget { postMessage() {} }; }
globalThis.rolltapeDatabase = () => (own ? Object.defineProperty(globalThis, "indexedDB", own) : delete globalThis.indexedDB);

const { hooks } = await import("./vendor/pyscript/core.js");
// PyScript makes its one worker hook by Function(); without it the page needs no 'unsafe-eval', and we run no worker.
hooks.worker.onBeforeRunAsync.clear();

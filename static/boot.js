// Starts PyScript, and meanwhile shows guests themselves: camera and microphone are asked for before Python is there.
// Python takes `rolltapeEarly` over (browser/capture.py) and asks again only if the link wants another device.
const page = document.documentElement;
const query = location.search.toLowerCase();
const guest = query.length > 1 && !/[?&](director|convert)\b/.test(query);
const choosy = /[?&](videodevice|vd|audiodevice|ad)=/.test(query);

// What is going on, in words, until the page can be used; what guests are asked for comes first.
const WORDS = { "pyodide.asm.wasm": "Starting Python …", "rolltape-runtime": "Opening the recorder …" };
const said = document.querySelector("#starting").lastChild;
let [asking, stage] = ["", said.textContent];
const say = () => (said.textContent = asking || stage);
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

const { hooks } = await import("./vendor/pyscript/core.js");
// PyScript makes its one worker hook by Function(); without it the page needs no 'unsafe-eval', and we run no worker.
hooks.worker.onBeforeRunAsync.clear();

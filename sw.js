// Streams a recording into the browser's downloads while it is made. The page announces a download with a MessagePort,
// opens download/ID/NAME in a hidden frame, and posts chunks (Uint8Array), `{close: true}` or `{abandon: true}`; it hears
// `{taken: bytes}` when the browser has taken all bytes up to there, and `{cancelled: true}`, or `{full: true}` where more would
// wait than may: a browser that asks its person first takes nothing. Messages to this worker, pings too, keep it alive.
// Until the browser has taken the last byte it holds the Web Lock `rolltape-download-ID`, and says so with `{held: true}`: a worker
// that is stopped says nothing, its lock tells.
// When a page is left that was sending takes to the host, it goes on for as long as the browser lets it: the page hands over what
// is acknowledged, as JSON (pages/takes/uploads.py); what is left undone the next visit of a page does.
// Where the network does not answer, it serves the copy of the page that browser/offline.py keeps; where the server says that the
// page is of the copy's version, it asks for nothing else that may have changed.
// The second: pages of the copy's version, and whether they came from it: then all of them does, so that no two versions meet.
const [announced, ofCopy] = [new Map(), new Map()];
const MAX_WAITING = 32 << 20; // bytes, over all downloads; the page keeps to less
let waiting = 0;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  const { data, ports: [port] } = event;
  if (data.announce) announced.set(data.announce, response(data, port));
  if (typeof data === "string") for (const job of JSON.parse(data).upload) event.waitUntil(goOn(job));
  port?.postMessage({ announced: true });
});

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const weight = async (...segment) => {
  const hash = await sha256(new TextEncoder().encode(`${segment.join(" ")}\n`)); // arrivals/segments.py
  return BigInt(`0x${[...hash].map((octet) => octet.toString(16).padStart(2, "0")).join("")}`);
};

async function goOn(job) {
  const tell = async (method, path, body, headers = {}) => {
    for (;;) {
      const sent = { method, body, headers: { Authorization: `Bearer ${job.token}`, ...headers } };
      const answer = await fetch(self.registration.scope + path, sent).catch(() => null);
      if (answer?.ok) return;
      if (answer?.status < 500 && answer.status !== 429) throw new Error(`${path}: ${answer.status}`);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  };
  const send = async () => {
    let folder = await navigator.storage.getDirectory();
    const names = job.file.split("/");
    for (const name of names.slice(0, -1)) folder = await folder.getDirectoryHandle(name);
    const file = await (await folder.getFileHandle(names.at(-1))).getFile();
    let [end, count, sum] = [job.end, job.count, BigInt(`0x${job.digest}`)];
    const put = async (at, length, before) => {
      const bytes = await file.slice(at, at + length).arrayBuffer();
      const hash = btoa(String.fromCharCode(...(await sha256(bytes))));
      await tell("PUT", `${job.path}/${at}`, bytes, { "Content-Digest": `sha-256=:${hash}:` });
      sum += (await weight(at, length, hash)) - (before ? await weight(at, length, before) : 0n);
    };
    while (end < job.limit) {
      const length = job.pending?.[0] === end ? job.pending[1] : Math.min(job.most, job.limit - end);
      await put(end, length);
      [end, count] = [end + length, count + 1];
    }
    if (!job.complete) return;
    if (job.head) await put(0, ...job.head);
    const digest = BigInt.asUintN(256, sum).toString(16).padStart(64, "0");
    await tell("POST", job.complete, JSON.stringify({ ...JSON.parse(job.completion), end, count, digest }));
  };
  await navigator.locks.request(job.lock, send);
}

function response({ announce, name, type }, port) {
  let [controller, received, taken, closing, release] = [null, 0, 0, false, () => {}];
  navigator.locks?.request(`rolltape-download-${announce}`, () => {
    port.postMessage({ held: true });
    return new Promise((resolve) => (release = resolve));
  });
  const take = () => {
    waiting -= received - taken;
    taken = received;
  };
  // A stream that has ended takes no more calls: each of them would throw.
  const end = (how) => {
    if (controller) how?.(controller);
    controller = null;
    take();
    announced.delete(announce);
    release();
  };
  const body = new ReadableStream(
    {
      start: (given) => void (controller = given),
      pull: () => {
        take(); // asked for more: what was queued is taken
        port.postMessage({ taken });
        if (closing) end((stream) => stream.close());
      },
      cancel: () => {
        port.postMessage({ cancelled: true }); // before the lock is let go of: else this would seem to have died
        end();
      },
    },
    { highWaterMark: 0 },
  );
  port.onmessage = ({ data }) => {
    if (!controller) return;
    if (data.abandon) return end((stream) => stream.error(new Error("abandoned")));
    if (data.close) return (closing = true) && received === taken && end((stream) => stream.close());
    if (waiting + data.byteLength > MAX_WAITING) {
      port.postMessage({ full: true });
      return end((stream) => stream.error(new Error("not taken")));
    }
    received += data.byteLength;
    waiting += data.byteLength;
    controller.enqueue(data);
  };
  return new Response(body, {
    headers: {
      "Content-Type": type,
      "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, escape)}`,
      ETag: `"${announce}"`, // with one, Chromium keeps what it has of a download that breaks off
      "Cache-Control": "no-store",
    },
  });
}

self.addEventListener("fetch", (event) => {
  const id = new URL(event.request.url).pathname.match(/\/download\/([^/]+)\//)?.[1];
  const ours = new RegExp(`^${self.registration.scope}(static/|index.html|[?#]|$)`).test(event.request.url);
  if (!id) return event.request.method === "GET" && ours && event.respondWith(served(event));
  event.respondWith(announced.get(id) ?? new Response("This download is over.", { status: 410 }));
  announced.delete(id);
});

async function served({ request, clientId, resultingClientId }) {
  const opens = request.mode === "navigate" && /\/(index\.html)?$/.test(new URL(request.url).pathname);
  // What cannot be of another version, and workers: taken from the copy by any page that cannot have it otherwise.
  const fixed = /\/static\/vendor\/[a-z]+-\d[^/]*\/(?!pyodide-lock)/.test(request.url) || /work/.test(request.destination);
  const copy = async () => (await caches.open("rolltape")).match(opens ? "./" : request, { ignoreVary: true });
  const known = !opens && (fixed ? ofCopy.get(clientId) : ofCopy.has(clientId));
  const answer = (known && (await copy())) || (await fetch(request).catch(() => null));
  const fails = !(answer?.status < 500);
  const kept = (opens || (fixed && fails)) && (await copy());
  const [wanted, had] = [answer, kept].map((one) => one?.headers?.get("Rolltape-Version"));
  if (kept && opens && (fails || (had && had === wanted))) ofCopy.set(resultingClientId, fails);
  return (fails && kept) || answer || Response.error();
}

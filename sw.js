// Streams a recording into the browser's downloads while it is made. The page announces a download with a MessagePort,
// opens download/ID/NAME in a hidden frame, and posts chunks (Uint8Array), `{close: true}` or `{abandon: true}`; it hears
// `{taken: bytes}` when the browser has taken all bytes up to there, and `{cancelled: true}`, or `{full: true}` where more would
// wait than may: a browser that asks its person first takes nothing. Messages to this worker, pings too, keep it alive.
// Until the browser has taken the last byte it holds the Web Lock `rolltape-download-ID`, and says so with `{held: true}`: a worker
// that is stopped says nothing, its lock tells.
// Where the network does not answer, it serves the copy of the page that browser/offline.py keeps; where the server says that the
// page is of the copy's version, it asks for nothing else that may have changed.
// The second: pages of the copy's version, and whether they came from it: then all of them does, so that no two versions meet.
const [announced, ofCopy] = [new Map(), new Map()];
const MAX_WAITING = 32 << 20; // bytes, over all downloads; the page keeps to less
let waiting = 0;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", ({ data, ports: [port] }) => {
  if (data.announce) announced.set(data.announce, response(data, port));
  port?.postMessage({ announced: true });
});

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
        end();
        port.postMessage({ cancelled: true });
      },
    },
    { highWaterMark: 0 },
  );
  port.onmessage = ({ data }) => {
    if (!controller) return;
    if (data.abandon) return end((stream) => stream.error(new Error("abandoned")));
    if (data.close) return (closing = true) && received === taken && end((stream) => stream.close());
    if (waiting + data.byteLength > MAX_WAITING) {
      end((stream) => stream.error(new Error("not taken")));
      return port.postMessage({ full: true });
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

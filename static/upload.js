// Sends what Python hands over, away from the page's own thread, whose timers sleep in a hidden tab. It is asked
// [id, wait, address, method, headers, body] (bytes, a text or null) and answers [id, status, SHA-256 of bytes, text, seconds
// to wait, milliseconds that it took], after `wait` milliseconds; status 0: nothing came back. Without an address only the SHA-256
// is wanted.
// Its name is a Web Lock that it holds while it lives, as the journal's worker does.
navigator.locks?.request(self.name, () => new Promise(() => {}));

const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const PATIENCE = 120000; // ms: a segment over a line that is hardly there

self.onmessage = async ({ data: [id, wait, address, method, headers, body] }) => {
  const sha256 = body?.buffer ? base64(await crypto.subtle.digest("SHA-256", body)) : "";
  if (!address) return self.postMessage([id, 0, sha256, "", 0, 0]);
  if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
  if (sha256) headers.push(["Content-Digest", `sha-256=:${sha256}:`]);
  const began = performance.now();
  try {
    const answer = await fetch(address, { method, headers, body, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const took = performance.now() - began;
    self.postMessage([id, answer.status, sha256, await answer.text(), Number(answer.headers.get("Retry-After")) || 0, took]);
  } catch (error) {
    self.postMessage([id, 0, sha256, String(error), 0, 0]);
  }
};

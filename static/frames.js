// Stands between a camera and Chromium's recorder, which takes its pictures on the page's main thread (quirk 16). Each is copied,
// so that the camera gets its own back, and waits here while the page is held up: the page answers for every one it was given.
const UNANSWERED = 4; // pictures on their way to the recorder
const ROOM = 256 << 20; // bytes; beyond them every other picture that waits is given up
const PACE_MS = 12; // an encoder gives up pictures that come in a burst
const held = [];
let writer, draining;
let owed = 0;
let wake = () => {};

self.onmessage = ({ data }) => {
  if (data.drain) draining = true;
  else if (data.answer) owed--;
  else [writer] = [data.writable.getWriter(), take(data.readable.getReader()), give()];
  wake();
};

async function take(reader) {
  for (let next; !(next = await reader.read()).done && !draining; wake()) {
    held.push(await copied(next.value).catch(() => next.value));
    if (held.length * held[0].allocationSize() < ROOM) continue;
    for (let i = held.length - 2; i > 0; i -= 2) held.splice(i, 1)[0].close();
  }
  draining = true;
}

async function copied(frame) {
  const { format, timestamp, colorSpace, rotation, flip, visibleRect: rect } = frame;
  const data = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(data);
  const size = { codedWidth: rect.width, codedHeight: rect.height };
  const copy = new VideoFrame(data, { format, timestamp, colorSpace, rotation, flip, layout, ...size, transfer: [data.buffer] });
  frame.close();
  return copy;
}

async function give() {
  while (held.length || !draining) {
    if (!held.length || owed === UNANSWERED) {
      await new Promise((resolve) => (wake = resolve));
      continue;
    }
    owed++;
    await writer.write(held.shift());
    self.postMessage("given");
    if (held.length) await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
  self.postMessage("drained");
  await writer.close();
}

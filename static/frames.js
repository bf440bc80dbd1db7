// Stands between a camera and Chromium's recorder, which takes its pictures on the page's main thread (quirk 16). While the page
// is held up they wait here, copied, so that the camera gets its own back: the page answers for every one it was given. A camera
// that ends does not end the track: the recorder would go on with the silence of a microphone that is gone too, and never be quiet.
const [UNANSWERED, UNCOPIED] = [4, 2]; // pictures on their way to the recorder; the camera's own among them
const ROOM = 256 << 20; // bytes; beyond them every other picture that waits is given up
const PACE_MS = 12; // an encoder gives up pictures that come in a burst
const ON_ITS_WAY_MS = 50; // what was written reaches the recorder within this time, by way of the browser's own threads
const canvas = new OffscreenCanvas(1, 1), paint = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
let [held, owed, draining, passing, wake, written, oneSize, size, copying] = [[], 0, false, true, () => {}, null, false, null, false];

self.onmessage = ({ data }) => {
  if (data.drain) draining = true;
  else if ("pass" in data) pass(data.pass);
  else if (data.answer) owed--;
  else (oneSize = data.one_size), take(data.readable.getReader()), give(data.writable.getWriter());
  wake();
};

async function pass(on) {
  passing = on; // what comes while nothing passes is of no file: the recorder has not begun
  if (on) return;
  for (const { frame } of held.splice(0)) frame.close();
  await written;
  setTimeout(() => self.postMessage({ stopped: true }), ON_ITS_WAY_MS);
}

async function take(reader) {
  for (let next; (copying = false), !draining && !(next = await reader.read()).done; wake()) {
    if (draining) return next.value.close(); // it came while the last ones were given away: nobody would close it
    copying = true;
    const [received, waits] = [performance.timeOrigin + performance.now(), held.length || owed >= UNCOPIED];
    const frame = (await scaled(next.value).catch(() => null)) ?? (waits ? await copied(next.value).catch(() => next.value) : next.value);
    passing ? held.push({ received, frame }) : frame.close();
    const bytes = held.length * frame.codedWidth * frame.codedHeight * 1.5;
    for (let i = held.length - 2; bytes > ROOM && i > 0; i -= 2) held.splice(i, 1)[0].frame.close();
  }
}

// What is only marked to be smaller is made so: recorders do not heed the mark. A file that holds one size keeps its first one.
async function scaled(frame) {
  const { displayWidth, displayHeight, visibleRect: real, timestamp } = frame;
  const [width, height] = (oneSize && size) || (size = [displayWidth, displayHeight]);
  const marked = displayWidth * displayHeight < real.width * real.height;
  if (oneSize ? real.width === width && real.height === height : !marked) return null;
  [canvas.width, canvas.height] = [width, height]; // it is black then
  const by = Math.min(width / displayWidth, height / displayHeight);
  const [wide, high] = [displayWidth * by, displayHeight * by];
  paint.drawImage(frame, (width - wide) / 2, (height - high) / 2, wide, high);
  const small = new VideoFrame(canvas, { timestamp, alpha: "discard" });
  return frame.close(), small;
}

async function copied(frame) {
  const { format, timestamp, colorSpace, rotation, flip, visibleRect } = frame;
  const data = new Uint8Array(frame.allocationSize());
  const facts = { format, timestamp, colorSpace, rotation, flip, layout: await frame.copyTo(data), transfer: [data.buffer] };
  const copy = new VideoFrame(data, { ...facts, codedWidth: visibleRect.width, codedHeight: visibleRect.height });
  frame.close();
  return copy;
}

async function give(writer) {
  while (held.length || copying || !draining) { // one that is being copied is still to be given
    if (held.length && owed < UNANSWERED) {
      const { frame, received } = held.shift();
      const stamp = frame.timestamp / 1000;
      await (written = writer.write(frame));
      self.postMessage({ received, stamp, owed: ++owed });
      if (held.length) await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    } else await new Promise((resolve) => (wake = resolve));
  }
  self.postMessage({ drained: true }), writer.close();
}

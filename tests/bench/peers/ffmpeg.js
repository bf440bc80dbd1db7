// Runs ffmpeg.wasm on a file, as a worker: nothing but the copy itself is timed.
import createCore from "./core/ffmpeg-core.js";

self.onmessage = async ({ data: { file, given, output } }) => {
  const core = await createCore();
  core.FS.mkdir("/in");
  core.FS.mount(core.FS.filesystems.WORKERFS, { files: [file] }, "/in");
  const began = performance.now();
  const status = core.exec("-v", "error", "-i", `/in/${file.name}`, ...given, output);
  const ms = performance.now() - began;
  self.postMessage({ ms, status, bytes: status ? 0 : core.FS.stat(output).size });
};

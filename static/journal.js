// Writes files of the origin private file system through sync access handles, which only workers have. Python asks with
// [id, operation, path, ...arguments] and gets [id, size] once it is on the disk (of `read`, [id, size, bytes]), or
// [id, -1, error name, error message].
// While it lives it holds the Web Lock that is its own name, and says so with [0]: a worker dies without a word, its lock
// tells. Everything can be asked twice, since what a dead worker did not answer is asked of the next.
navigator.locks?.request(self.name, () => {
  self.postMessage([0]);
  return new Promise(() => {});
});

const handles = new Map();

async function find(path, create) {
  const names = path.split("/");
  let folder = await navigator.storage.getDirectory();
  for (const name of names.slice(0, -1)) folder = await folder.getDirectoryHandle(name, { create });
  return folder.getFileHandle(names.at(-1), { create });
}

async function open(path) {
  if (handles.has(path)) return handles.get(path).getSize();
  const file = await find(path, true);
  for (let attempt = 0; ; attempt++) {
    try {
      handles.set(path, await file.createSyncAccessHandle());
      return handles.get(path).getSize();
    } catch (error) {
      // A killed page's or worker's lock can linger for two seconds.
      if (error.name !== "NoModificationAllowedError" || attempt === 25) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const operations = {
  open,
  // `places` says where each piece of the data goes: [at, from, to].
  write(path, data, places) {
    const handle = handles.get(path);
    if (places.some(([at, from, to]) => handle.write(data.subarray(from, to), { at }) < to - from)) throw new DOMException("Only a part was written.", "QuotaExceededError");
    handle.flush();
    return handle.getSize();
  },
  truncate(path, size) {
    handles.get(path).truncate(size);
    handles.get(path).flush();
    return size;
  },
  async append(path, data) {
    const end = await open(path);
    try {
      return operations.write(path, data, [[end, 0, data.length]]);
    } finally {
      operations.close(path);
    }
  },
  // What is being written is read through the handle that writes it: no other way sees all that is acknowledged.
  async read(path, size, at) {
    const bytes = new Uint8Array(size);
    const handle = handles.get(path);
    if (handle) return bytes.subarray(0, handle.read(bytes, { at }));
    return new Uint8Array(await (await (await find(path, false)).getFile()).slice(at, at + size).arrayBuffer());
  },
  close(path) {
    const handle = handles.get(path);
    const size = handle.getSize();
    handle.close();
    handles.delete(path);
    return size;
  },
};

let last = Promise.resolve();
self.onmessage = ({ data: [id, operation, ...given] }) => {
  last = last.then(() => operations[operation](...given)).then(
    (done) => (done.buffer ? self.postMessage([id, done.length, done], [done.buffer]) : self.postMessage([id, done])),
    (error) => self.postMessage([id, -1, error.name, error.message]),
  );
};

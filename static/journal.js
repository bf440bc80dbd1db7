// Writes files of the origin private file system through sync access handles, which only workers have. Python asks with
// [id, operation, path, ...arguments] and gets [id, size] once it is on the disk, or [id, -1, error name, error message].
const handles = new Map();

async function open(path) {
  const names = path.split("/");
  let folder = await navigator.storage.getDirectory();
  for (const name of names.slice(0, -1)) folder = await folder.getDirectoryHandle(name, { create: true });
  const file = await folder.getFileHandle(names.at(-1), { create: true });
  for (let attempt = 0; ; attempt++) {
    try {
      handles.set(path, await file.createSyncAccessHandle());
      return handles.get(path).getSize();
    } catch (error) {
      // A killed page's lock can linger for two seconds.
      if (error.name !== "NoModificationAllowedError" || attempt === 25) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const operations = {
  open,
  write(path, data, at) {
    const handle = handles.get(path);
    const start = at ?? handle.getSize();
    if (handle.write(data, { at: start }) < data.byteLength) {
      throw new DOMException("Only a part of the data could be written.", "QuotaExceededError");
    }
    handle.flush();
    return handle.getSize();
  },
  truncate(path, size) {
    handles.get(path).truncate(size);
    handles.get(path).flush();
    return size;
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
  last = last
    .then(() => operations[operation](...given))
    .then(
      (size) => self.postMessage([id, size]),
      (error) => self.postMessage([id, -1, error.name, error.message]),
    );
};

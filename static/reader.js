// Reads slices of files while Python works on the ones before: on the page's own thread they would wait for it.
// Python asks with [file, start, end, buffer] and gets [start, bytes] or [start, error name, error message]. It hands the
// same buffers in again and again, since fresh memory is a good part of what reading costs; not all browsers can fill them.
self.onmessage = async ({ data: [file, start, end, buffer] }) => {
  const [blob, size] = [file.slice(start, end), Math.min(end, file.size) - start];
  const fill = async () => blob.stream().getReader({ mode: "byob" }).read(new Uint8Array(buffer, 0, size), { min: size });
  const { value } = await fill().catch(() => ({}));
  const read = async () => (value?.length === size ? value : new Uint8Array(await blob.arrayBuffer()));
  read().then((all) => postMessage([start, all], [all.buffer]), ({ name, message }) => postMessage([start, name, message]));
};

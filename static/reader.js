// Reads slices of files while Python works on the ones before: on the page's own thread they would wait for it.
// Python asks with [file, start, end] and gets the bytes, or [error name, error message], in the order it asked.
let last = Promise.resolve();
self.onmessage = ({ data: [file, start, end] }) => {
  last = Promise.all([file.slice(start, end).arrayBuffer(), last]).then(
    ([bytes]) => self.postMessage(bytes, [bytes]),
    (error) => self.postMessage([error.name, error.message]),
  );
};

// Hands an audio graph's samples on as they are: 32-bit floats, channels interleaved, about eight blocks a second.
// It is told "pause", "resume", "stop"; after the last block it answers null.
const [FRAMES, CHANNELS] = [6144, 2];

class Pcm extends AudioWorkletProcessor {
  block = new Float32Array(FRAMES * CHANNELS);
  filled = 0;
  state = "resume";

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === "stop" && this.state !== "stop") {
        this.send();
        this.port.postMessage(null);
      }
      this.state = data;
    };
  }

  send() {
    const samples = this.block.slice(0, this.filled);
    this.port.postMessage(samples.buffer, [samples.buffer]);
    this.filled = 0;
  }

  process([[left, right = left]]) {
    if (this.state === "resume" && left) {
      for (let i = 0; i < left.length; i++) {
        this.block[this.filled++] = left[i];
        this.block[this.filled++] = right[i];
      }
      if (this.filled === this.block.length) this.send();
    }
    return this.state !== "stop";
  }
}
registerProcessor("pcm", Pcm);

// Where do the pictures come from, and do they still come?
//
// Ground rules: the first picture is fetched, the others are pushed; the browser's own stream reconnects by itself
// after most faults but gives up after some and notices a dead line never, so a watchdog looks after it; at most one
// stream and one timer exist at a time. Nothing here knows what is in a picture.
//
//   connecting ──► live ──► silent (connected, nothing comes) ──► lost ──► live …

const STREAM = "/api/v1/live";
const PICTURE = "/api/v1/picture";

/** Without a picture for so long a live stream is called silent. */
const SILENT_MS = 4_000;
/** Without one for so long the stream is thought dead and made anew. */
const DEAD_MS = 12_000;
const WATCH_MS = 1_000;

export class Live {
  #onPicture;
  #onState;
  #stream = null;
  #state = "connecting";
  #heardMs = null;
  #openedMs = 0;
  #failed = false;

  constructor(onPicture, onState) {
    this.#onPicture = onPicture;
    this.#onState = onState;
  }

  start() {
    this.#open();
    this.#fetchFirst();
    setInterval(() => this.#watch(), WATCH_MS);
  }

  get state() {
    return this.#state;
  }

  /** How old the newest picture is; `null` before the first. */
  get ageMs() {
    return this.#heardMs === null ? null : performance.now() - this.#heardMs;
  }

  async #fetchFirst() {
    try {
      const response = await fetch(PICTURE, { headers: { accept: "application/json" } });
      const picture = await response.json();
      // The stream may have been faster, and then it is newer.
      if (response.ok && this.#heardMs === null) {
        this.#hear(picture);
      }
    } catch {
      // The stream is the one that counts: its faults are shown.
    }
  }

  #open() {
    this.#stream?.close();
    this.#openedMs = performance.now();
    this.#failed = false;
    const stream = new EventSource(STREAM);
    stream.addEventListener("open", () => {
      this.#failed = false;
    });
    stream.addEventListener("picture", (event) => this.#receive(event.data));
    stream.addEventListener("error", () => {
      this.#failed = true;
      this.#become("lost");
    });
    this.#stream = stream;
  }

  #receive(text) {
    let picture;
    try {
      picture = JSON.parse(text);
    } catch {
      return; // Not a picture: the age of the last one shows that something is wrong.
    }
    this.#hear(picture);
    this.#become("live");
  }

  #hear(picture) {
    if (picture === null || typeof picture !== "object") {
      return;
    }
    this.#heardMs = performance.now();
    this.#onPicture(picture);
  }

  #watch() {
    const now = performance.now();
    const quietMs = now - Math.max(this.#heardMs ?? 0, this.#openedMs);
    const closed = this.#stream.readyState === EventSource.CLOSED;
    if (closed ? quietMs > SILENT_MS : quietMs > DEAD_MS) {
      this.#become("lost");
      this.#open();
    } else if (this.#state === "live" && this.ageMs > SILENT_MS) {
      this.#become(this.#failed ? "lost" : "silent");
    }
  }

  #become(state) {
    if (this.#state !== state) {
      this.#state = state;
      this.#onState(state);
    }
  }
}

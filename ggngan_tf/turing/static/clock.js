// Counts the seconds during which a case could be seen: not while paused, nor in a hidden tab.

export class Clock {
  #seconds = 0;
  #since = null;
  #paused = false;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#update());
  }

  restart() {
    this.#seconds = 0;
    this.#since = null;
    this.#paused = false;
    this.#update();
  }

  pause(paused) {
    this.#paused = paused;
    this.#update();
  }

  get seconds() {
    const running = this.#since === null ? 0 : performance.now() - this.#since;
    return Math.min(this.#seconds + running / 1000, 86400);
  }

  #update() {
    const running = !this.#paused && document.visibilityState === "visible";
    if (running && this.#since === null) this.#since = performance.now();
    if (!running && this.#since !== null) {
      this.#seconds = this.seconds;
      this.#since = null;
    }
  }
}

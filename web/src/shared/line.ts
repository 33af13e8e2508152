/** Waits, but not longer than until the browser is online again. */
export function pauseUntilOnline(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", online);
      signal.removeEventListener("abort", done);
      resolve();
    };
    let timer = window.setTimeout(done, delay);
    // A whole office comes back at the same moment, hence the bit of chance.
    const online = () => {
      clearTimeout(timer);
      timer = window.setTimeout(done, Math.random() * Math.min(delay, 500));
    };
    window.addEventListener("online", online);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

/**
 * A signal that is also aborted when the browser goes offline. A connection that
 * was open then is often dead without saying so.
 */
export function whileOnline(signal: AbortSignal): AbortSignal {
  const line = new AbortController();
  window.addEventListener("offline", () => line.abort(), { once: true, signal });
  return AbortSignal.any([signal, line.signal]);
}

/** Shows a notice when the line is down, though not for a blink. */
export class LineNotice {
  readonly #element: HTMLElement;
  #timer: number | undefined;

  constructor(element: HTMLElement) {
    this.#element = element;
    window.addEventListener("offline", () => this.#show());
  }

  up(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#element.hidden = true;
  }

  down(): void {
    this.#timer ??= window.setTimeout(() => this.#show(), navigator.onLine ? 1500 : 0);
  }

  #show(): void {
    this.#element.hidden = false;
  }
}

import { delayAfter, isPermanent } from "@human-handoff/client";
import { Code, ConnectError } from "@connectrpc/connect";
import { randomId } from "./random.js";
import type { Slot } from "./store.js";

/** A message that the server has not confirmed yet. */
export interface Outgoing {
  /** The same on every attempt, so that the server takes it once. */
  readonly id: string;
  readonly text: string;
  /** Ids of uploads that go with it. */
  readonly files?: readonly string[];
}

export interface OutboxOptions {
  readonly kept: Slot<readonly Outgoing[]>;
  /** Resolves when the server has the message. */
  readonly send: (message: Outgoing) => Promise<void>;
  readonly pause: (delay: number, signal: AbortSignal) => Promise<void>;
  /** Told of a message that the server refuses for good; the next one goes on. */
  readonly onRefused: (message: Outgoing, error: ConnectError) => void;
}

/**
 * Messages on their way to the server: kept over reloads, sent one at a time in
 * the order of writing, and repeated until the server confirms or refuses them.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #stopped = new AbortController();
  #running = false;
  #drained = Promise.resolve();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** What has not been confirmed, in order. */
  get waiting(): readonly Outgoing[] {
    return this.#options.kept.get() ?? [];
  }

  /** Keeps a message. It goes out when `run` is called, or is running already. */
  add(text: string, files?: readonly string[], id = randomId()): Outgoing {
    const message = files ? { id, text, files } : { id, text };
    this.#options.kept.set([...this.waiting, message]);
    return message;
  }

  /** Sends what is kept; resolves when nothing is left or after `stop`. */
  run(): Promise<void> {
    if (!this.#running) {
      this.#running = true;
      this.#drained = this.#drain();
    }
    return this.#drained;
  }

  /** Ends for good. What was not confirmed stays kept. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Forgets what is kept. */
  clear(): void {
    this.#options.kept.clear();
  }

  async #drain(): Promise<void> {
    try {
      await this.#sendAll();
    } finally {
      this.#running = false;
    }
  }

  async #sendAll(): Promise<void> {
    let failures = 0;
    for (let head = this.waiting[0]; head && !this.#stopped.signal.aborted; head = this.waiting[0]) {
      try {
        await this.#options.send(head);
        this.#drop(head);
        failures = 0;
      } catch (thrown) {
        const error = ConnectError.from(thrown);
        if (error.code === Code.Unauthenticated) return; // a new key may still send it
        if (isPermanent(error)) {
          this.#drop(head);
          this.#options.onRefused(head, error);
          continue;
        }
        await this.#options.pause(delayAfter(failures, { longestDelay: 10_000 }), this.#stopped.signal);
        failures++;
      }
    }
  }

  #drop(message: Outgoing): void {
    this.#options.kept.set(this.waiting.filter(({ id }) => id !== message.id));
  }
}

import type { Slot } from "../../shared/store.js";
import { Observable } from "./observable.js";

/** What a human chose for this browser. */
export interface Choices {
  /** A tone for a new customer, a message or a transfer. */
  readonly sound: boolean;
  /** A notice of the browser for the same. */
  readonly notices: boolean;
  /** Commands by a single key. */
  readonly keys: boolean;
  /** A language of the catalogue; empty: that of the browser. */
  readonly language: string;
}

const defaults: Choices = { sound: false, notices: false, keys: true, language: "" };

/** The choices, kept in the browser. */
export class Preferences extends Observable {
  readonly #kept: Slot<Partial<Choices>>;

  constructor(kept: Slot<Partial<Choices>>) {
    super();
    this.#kept = kept;
  }

  get choices(): Choices {
    return { ...defaults, ...this.#kept.get() };
  }

  choose(part: Partial<Choices>): void {
    this.#kept.set({ ...this.#kept.get(), ...part });
    this.changed();
  }
}

import type { Slot } from "../../shared/store.js";
import { Observable } from "./observable.js";

/** A text that is ready to be sent. */
export interface CannedReply {
  readonly id: string;
  /** What it is found by. */
  readonly title: string;
  /** The text; `{customer}` and `{human}` stand for the names. */
  readonly text: string;
}

/** The canned replies of one agent, kept in the browser. */
export class CannedReplies extends Observable {
  readonly #kept: Slot<readonly CannedReply[]>;

  constructor(kept: Slot<readonly CannedReply[]>) {
    super();
    this.#kept = kept;
  }

  /** All of them by title. */
  get all(): readonly CannedReply[] {
    return [...(this.#kept.get() ?? [])].sort((a, b) => a.title.localeCompare(b.title));
  }

  /** Adds one, or replaces the one with the same id. */
  save(reply: CannedReply): void {
    this.#kept.set([...this.all.filter(({ id }) => id !== reply.id), reply]);
    this.changed();
  }

  remove(id: string): void {
    this.#kept.set(this.all.filter((reply) => reply.id !== id));
    this.changed();
  }
}

/** Puts the names into a canned reply. */
export function fill(text: string, names: { readonly customer: string; readonly human: string }): string {
  return text.replaceAll("{customer}", () => names.customer).replaceAll("{human}", () => names.human);
}

import type { DeskSession } from "@human-handoff/client";
import { SessionState } from "@human-handoff/client";

/** The open sessions as the stream tells of them. */
export class Queue {
  readonly #sessions = new Map<string, DeskSession>();
  readonly #seen = new Map<string, bigint>();

  /** Takes one part of the stream. The first part of a connection holds all open sessions. */
  take(changed: readonly DeskSession[], first: boolean): void {
    if (first) this.#sessions.clear();
    for (const entry of changed) {
      if (!entry.session) continue;
      const { id, state } = entry.session;
      if (state === SessionState.CLOSED) this.#sessions.delete(id);
      else this.#sessions.set(id, entry);
    }
  }

  get(id: string): DeskSession | undefined {
    return this.#sessions.get(id);
  }

  /** Those that nobody has come first, then those of `human`; the longest waiting first. */
  sorted(human: string): DeskSession[] {
    const rank = ({ assignee }: DeskSession) => (assignee === "" ? 0 : assignee === human ? 1 : 2);
    return [...this.#sessions.values()].sort((a, b) => rank(a) - rank(b) || created(a) - created(b));
  }

  /** How many sessions nobody has. */
  get unclaimed(): number {
    return [...this.#sessions.values()].filter(({ assignee }) => assignee === "").length;
  }

  /** Notes that the human has seen a session's log up to a sequence. */
  saw(id: string, sequence: bigint): void {
    if (sequence > (this.#seen.get(id) ?? 0n)) this.#seen.set(id, sequence);
  }

  /** Tells whether a session that was looked at has gone on since. */
  hasNews({ session }: DeskSession): boolean {
    const seen = session ? this.#seen.get(session.id) : undefined;
    return seen !== undefined && session !== undefined && session.lastSequence > seen;
  }
}

function created({ session }: DeskSession): number {
  return Number(session?.createTime?.seconds ?? 0n);
}

/** What to call the customer of a session; empty when nothing is known. */
export function customerName({ session }: DeskSession): string {
  const customer = session?.customer;
  return customer?.name || customer?.email || customer?.phone || "";
}

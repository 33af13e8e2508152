import { Author, DeskService, type DeskSession, reopen, SessionState } from "@human-handoff/client";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { pauseUntilOnline, whileOnline } from "../../shared/line.js";
import { callTimeout, serverTransport } from "../../shared/rpc.js";
import type { Alert } from "./alerts.js";
import { Conversation } from "./conversation.js";
import { Observable } from "./observable.js";
import { customerName, Queue } from "./queue.js";

export interface Identity {
  readonly key: string;
  readonly agent: string;
  readonly human: string;
}

/** After what time a broken line is shown, in milliseconds: not for a blink. */
const lineGrace = 1_500;

/** The desk of one human: the queue, and the conversations that stand side by side. */
export class Desk extends Observable {
  readonly who: Identity;
  readonly queue = new Queue();
  /** The conversations that are open, from left to right. */
  panes: readonly Conversation[] = [];
  /** The conversation that commands are for. */
  active: Conversation | undefined;
  /** False until the first answer. */
  connected = false;
  broken = false;
  readonly #client: Client<typeof DeskService>;
  readonly #drafts = new Map<string, string>();
  readonly #colleagues = new Set<string>();
  readonly #alert: (alert: Alert) => void;
  readonly #life = new AbortController();
  #lineTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(who: Identity, alert: (alert: Alert) => void) {
    super();
    this.who = who;
    this.#alert = alert;
    this.#client = createClient(DeskService, serverTransport(who.key));
  }

  /** The humans that were seen to have sessions, without this one. */
  get colleagues(): readonly string[] {
    return [...this.#colleagues].sort((a, b) => a.localeCompare(b));
  }

  /** Follows the queue until it cannot be followed any more; tells why. After `stop` it tells nothing. */
  async run(): Promise<ConnectError | undefined> {
    window.addEventListener("offline", () => this.#down(0), { signal: this.#life.signal });
    let first = true;
    const parts = reopen(
      (signal) => {
        first = true;
        return this.#client.streamDesk({ agentId: this.who.agent }, { signal: whileOnline(signal) });
      },
      {
        signal: this.#life.signal,
        pause: pauseUntilOnline,
        onOpen: () => this.#up(),
        onBreak: () => this.#down(navigator.onLine ? lineGrace : 0),
      },
    );
    try {
      for await (const { sessions } of parts) {
        this.#take(sessions, first);
        first = false;
      }
      return undefined;
    } catch (thrown) {
      if (this.#life.signal.aborted) return undefined;
      this.stop();
      return ConnectError.from(thrown);
    }
  }

  /** Ends what runs for this desk in the page. */
  stop(): void {
    this.#life.abort();
    clearTimeout(this.#lineTimer);
    for (const pane of this.panes) pane.leave();
  }

  pane(id: string): Conversation | undefined {
    return this.panes.find((pane) => pane.id === id);
  }

  /** Opens a session beside the others, or goes to it. */
  open(id: string): void {
    const known = this.pane(id);
    const entry = this.queue.get(id);
    if (known || !entry) {
      this.activate(known);
      return;
    }
    const pane = new Conversation(this.#client, entry, this.who.human);
    pane.draft = this.#drafts.get(id) ?? "";
    this.panes = [...this.panes, pane];
    this.activate(pane);
    void pane.follow((event, fresh) => {
      this.queue.saw(id, event.sequence);
      if (event.body.case === "participantChanged") this.#met(event.body.value.name);
      const said = event.body.case === "message" && event.body.value.author === Author.CUSTOMER;
      if (fresh && said) this.#alert({ case: "message", session: id, name: customerName(pane.entry) });
      this.changed();
    });
  }

  activate(pane: Conversation | undefined): void {
    if (this.active === pane) return;
    this.active = pane;
    this.changed();
  }

  /** Takes a conversation off the desk. Its session goes on; what was typed is kept. */
  hide(pane: Conversation): void {
    this.#drafts.set(pane.id, pane.draft);
    pane.leave();
    const place = this.panes.indexOf(pane);
    this.panes = this.panes.filter((other) => other !== pane);
    if (this.active === pane) this.active = this.panes[Math.min(place, this.panes.length - 1)];
    this.changed();
  }

  /** Takes the session that has waited longest, and opens it. */
  async claimNext(): Promise<void> {
    const next = this.queue.sorted(this.who.human)[0];
    if (!next?.session || next.assignee !== "") return;
    this.open(next.session.id);
    const pane = this.pane(next.session.id);
    if (pane) await this.claim(pane);
  }

  /** Takes a session that nobody has, or takes it over from a colleague. */
  claim(pane: Conversation): Promise<boolean> {
    const [sessionId, human] = [pane.id, this.who.human];
    return this.#act(pane, async () => {
      if (pane.entry.assignee === "") return (await this.#client.claimSession({ sessionId, human }, callTimeout)).session;
      return (await this.#client.transferSession({ sessionId, assignee: human }, callTimeout)).session;
    });
  }

  /** Gives a session to a colleague, or back to the queue when the name is empty. */
  transfer(pane: Conversation, assignee: string, note: string): Promise<boolean> {
    return this.#act(pane, async () => {
      await pane.replied();
      return (await this.#client.transferSession({ sessionId: pane.id, assignee, note }, callTimeout)).session;
    });
  }

  close(pane: Conversation, disposition: string, note: string): Promise<boolean> {
    return this.#act(pane, async () => {
      await pane.replied();
      await this.#client.closeSession({ sessionId: pane.id, disposition, note }, callTimeout);
      return undefined; // the log tells of it
    });
  }

  // Does something with a session and shows what came of it; tells whether it was done.
  async #act(pane: Conversation, run: () => Promise<DeskSession | undefined>): Promise<boolean> {
    pane.fail(undefined);
    try {
      const changed = await run();
      if (changed?.session && changed.session.state !== SessionState.CLOSED) {
        this.queue.take([changed], false);
        pane.entry = changed;
      }
      this.changed();
      return true;
    } catch (thrown) {
      pane.fail(ConnectError.from(thrown));
      return false;
    }
  }

  #take(sessions: readonly DeskSession[], first: boolean): void {
    for (const entry of sessions) this.#tell(entry, first);
    this.queue.take(sessions, first);
    this.connected = true;
    for (const pane of this.panes) pane.entry = this.queue.get(pane.id) ?? pane.entry;
    this.changed();
  }

  // Raises what a change means for this human. What was there before the page is no news.
  #tell(entry: DeskSession, first: boolean): void {
    if (!entry.session) return;
    this.#met(entry.assignee);
    const { id, state, lastSequence } = entry.session;
    const mine = entry.assignee === this.who.human;
    const before = this.queue.get(id);
    if (mine && !before) this.queue.saw(id, lastSequence);
    if (state === SessionState.CLOSED || (first && !this.connected)) return;
    const [session, name] = [id, customerName(entry)];
    if (entry.assignee === "" && before?.assignee !== "") this.#alert({ case: "waiting", session, name });
    if (!mine || this.pane(id)) return;
    if (before?.assignee !== this.who.human) this.#alert({ case: "transferred", session, name });
    else if (lastSequence > (before.session?.lastSequence ?? 0n)) this.#alert({ case: "message", session, name });
  }

  #met(name: string): void {
    if (name !== "" && name !== this.who.human) this.#colleagues.add(name);
  }

  #up(): void {
    clearTimeout(this.#lineTimer);
    this.#lineTimer = undefined;
    if (!this.broken) return;
    this.broken = false;
    this.changed();
  }

  #down(delay: number): void {
    this.#lineTimer ??= setTimeout(() => {
      this.broken = true;
      this.changed();
    }, delay);
  }
}

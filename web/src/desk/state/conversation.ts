import { Author, type DeskService, type DeskSession, type Event, resumeEvents, SessionState } from "@human-handoff/client";
import { type Client, ConnectError } from "@connectrpc/connect";
import { upload } from "../../shared/files.js";
import { pauseUntilOnline, whileOnline } from "../../shared/line.js";
import { Outbox } from "../../shared/outbox.js";
import { randomId } from "../../shared/random.js";
import { callTimeout } from "../../shared/rpc.js";
import { browserStorage, Slot } from "../../shared/store.js";
import { Observable } from "./observable.js";
import { Transcript } from "./transcript.js";

/** After what silence it is no longer shown that the customer types, in milliseconds. */
const typingLapse = 10_000;
/** The shortest time between two receipts, in milliseconds. */
const receiptPause = 1_000;

/** One session that stands open on the desk: its log, and what its human is about to say. */
export class Conversation extends Observable {
  readonly id: string;
  readonly transcript = new Transcript();
  /** What is typed and not sent. */
  draft = "";
  /** Files that go with the next message. */
  staged: readonly File[] = [];
  /** What went wrong last. */
  problem: ConnectError | undefined;
  customerTypes = false;
  #entry: DeskSession;
  readonly #client: Client<typeof DeskService>;
  readonly #outbox: Outbox;
  readonly #life = new AbortController();
  readonly #unsent = new Map<string, { readonly text: string; readonly files: readonly File[] }>();
  readonly #history: bigint;
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #receiptTimer: ReturnType<typeof setTimeout> | undefined;
  #receipt = 0n;
  #heard = 0n;

  constructor(client: Client<typeof DeskService>, entry: DeskSession, human: string) {
    super();
    this.id = entry.session?.id ?? "";
    this.#entry = entry;
    this.#history = entry.session?.lastSequence ?? 0n;
    this.#client = client;
    this.#outbox = new Outbox({
      kept: new Slot(browserStorage("sessionStorage"), `handoff.desk.outbox.${this.id}`),
      send: async ({ id, text, files = [] }) => {
        const attachments = files.map((value) => ({ source: { case: "uploadId", value } as const }));
        await client.reply({ sessionId: this.id, clientMessageId: id, text, attachments, human }, callTimeout);
      },
      pause: pauseUntilOnline,
      onRefused: ({ id, text }, error) => {
        this.#unsent.set(id, { text, files: [] });
        this.transcript.refused(id, error);
        this.changed();
      },
    });
    for (const { id, text, files = [] } of this.#outbox.waiting) this.transcript.pending(id, text, files.map(() => "…"));
    void this.#outbox.run();
  }

  get entry(): DeskSession {
    return this.#entry;
  }

  set entry(entry: DeskSession) {
    if (entry === this.#entry) return;
    this.#entry = entry;
    this.changed();
  }

  get state(): SessionState {
    const told = this.transcript.state;
    return told === SessionState.UNSPECIFIED ? (this.#entry.session?.state ?? told) : told;
  }

  get closed(): boolean {
    return this.state === SessionState.CLOSED;
  }

  write(draft: string): void {
    this.draft = draft;
    this.changed();
  }

  stage(files: readonly File[]): void {
    if (files.length === 0) return;
    this.staged = [...this.staged, ...files];
    this.changed();
  }

  unstage(file: File): void {
    this.staged = this.staged.filter((other) => other !== file);
    this.changed();
  }

  fail(problem: ConnectError | undefined): void {
    this.problem = problem;
    this.changed();
  }

  /** Sends the draft with its files; tells whether there was anything to send. */
  send(): boolean {
    const [text, files] = [this.draft.trim(), this.staged];
    if (text === "" && files.length === 0) return false;
    [this.draft, this.staged] = ["", []];
    void this.#deliver(randomId(), text, files);
    return true;
  }

  /** Sends a message again that was refused or whose files broke off. */
  again(id: string): void {
    const unsent = this.#unsent.get(id);
    if (unsent) void this.#deliver(id, unsent.text, unsent.files);
  }

  discard(id: string): void {
    this.#unsent.delete(id);
    this.transcript.discard(id);
    this.changed();
  }

  typing(active: boolean): Promise<unknown> {
    return this.#client.sendSignal({ sessionId: this.id, signal: { case: "typing", value: active } }, callTimeout);
  }

  /** Tells the customer that the human has seen what there is. */
  read(): void {
    if (this.closed || this.#heard <= this.#receipt || this.#receiptTimer !== undefined) return;
    this.#receipt = this.#heard;
    const signal = { case: "readUpTo", value: this.#heard } as const;
    this.#client.sendSignal({ sessionId: this.id, signal }, callTimeout).catch(() => undefined);
    this.#receiptTimer = setTimeout(() => (this.#receiptTimer = undefined), receiptPause);
  }

  /** Resolves when all replies are with the server. */
  replied(): Promise<void> {
    return this.#outbox.run();
  }

  /** Follows the session's log until it is closed or `leave` is called. `seen` is told what is new since the page knows it. */
  async follow(seen: (event: Event, fresh: boolean) => void): Promise<void> {
    const events = resumeEvents(
      (afterSequence, signal) =>
        this.#client.streamSession({ sessionId: this.id, afterSequence }, { signal: whileOnline(signal) }),
      {
        signal: this.#life.signal,
        pause: pauseUntilOnline,
        onSignal: ({ signal }) => {
          if (signal.case === "typing") this.#types(signal.value.active);
        },
      },
    );
    try {
      for await (const event of events) {
        if (this.#life.signal.aborted) return;
        this.#take(event);
        seen(event, event.sequence > this.#history);
      }
    } catch (thrown) {
      if (!this.#life.signal.aborted) this.fail(ConnectError.from(thrown));
    }
  }

  /** Ends what runs for this session in the page. */
  leave(): void {
    this.#life.abort();
    this.#outbox.stop();
    clearTimeout(this.#typingTimer);
    clearTimeout(this.#receiptTimer);
  }

  #take(event: Event): void {
    this.transcript.apply(event);
    if (event.body.case === "message" && event.body.value.author === Author.CUSTOMER) {
      this.#heard = event.sequence;
      this.#types(false);
    }
    this.changed();
  }

  #types(active: boolean): void {
    clearTimeout(this.#typingTimer);
    if (active) this.#typingTimer = setTimeout(() => this.#types(false), typingLapse);
    if (this.customerTypes === active) return;
    this.customerTypes = active;
    this.changed();
  }

  async #deliver(id: string, text: string, files: readonly File[]): Promise<void> {
    this.#unsent.set(id, { text, files });
    this.transcript.pending(id, text, files.map(({ name }) => name));
    this.changed();
    const announce = ({ name, type, size }: File) =>
      this.#client.createUpload({ sessionId: this.id, name, mimeType: type, size: BigInt(size) }, callTimeout);
    try {
      const uploads: string[] = [];
      for (const file of files) uploads.push(await upload(file, announce));
      this.#unsent.delete(id);
      this.#outbox.add(text, uploads, id);
    } catch (thrown) {
      this.transcript.refused(id, ConnectError.from(thrown));
      this.changed();
      return;
    }
    void this.#outbox.run();
  }
}

import { type Client, createClient } from "@connectrpc/connect";
import { pauseUntilOnline, whileOnline } from "../shared/line.js";
import { Outbox } from "../shared/outbox.js";
import { randomId } from "../shared/random.js";
import { browserStorage, Slot } from "../shared/store.js";
import { mayUse } from "./access.js";
import { ChatService, type Event, HandoffService, MessageStatus, resumeEvents } from "./client.js";
import type { Locale } from "./locale.js";
import { Progress } from "./progress.js";
import { start } from "./starter.js";
import { callTimeout, serverTransport } from "./transport.js";
import { send } from "./upload.js";
import { ChatView, type Contact } from "./view.js";

/** What a reload of the page needs to go on. */
export interface Saved {
  readonly question?: string;
  /** Under which id the question was asked, until there is a session. */
  readonly request?: string;
  readonly session?: string;
  readonly token?: string;
}

/** A session that somebody else requested. */
export interface Handed {
  readonly session: string;
  readonly token: string;
}

export interface ChatOptions {
  readonly agent: string;
  /** Origin of the server. */
  readonly server: string;
  readonly locale: Locale;
  readonly contact: Contact;
  readonly userId: string;
  /** Begins with a new chat in the place of this one. */
  readonly restart: () => void;
  /** Absent: the chat cannot be put away. */
  readonly minimize?: () => void;
  /** Told of each message of the other side. Whether the customer sees it now is the answer. */
  readonly heard: () => boolean;
}

const questionId = "question";

/** One customer's conversation, from the first message to the close. */
export class Chat {
  readonly view: ChatView;
  readonly #options: ChatOptions;
  readonly #saved: Slot<Saved>;
  readonly #outbox: Outbox;
  readonly #life = new AbortController();
  #contact: Contact;
  #userId: string;
  #client: Client<typeof HandoffService> | undefined;
  #heard = 0n;
  #seen = 0n;
  /** There is nothing more to tell the other side. */
  #over = false;
  #seenTimer: number | undefined;

  constructor(options: ChatOptions) {
    const storage = browserStorage("sessionStorage");
    const name = `handoff.chat.${options.agent}`;
    this.#options = options;
    this.#contact = options.contact;
    this.#userId = options.userId;
    this.#saved = new Slot(storage, name);
    this.#outbox = new Outbox({
      kept: new Slot(storage, `${name}.outbox`),
      send: async ({ id, text, files = [] }) => {
        const attachments = files.map((value) => ({ source: { case: "uploadId", value } as const }));
        const sessionId = this.#session();
        await this.#handoff().sendMessage({ sessionId, clientMessageId: id, text, attachments }, callTimeout);
      },
      pause: pauseUntilOnline,
      onRefused: ({ id }, error) => this.view.log.settled(id, MessageStatus.FAILED, options.locale.explain(error)),
    });
    const actions = {
      text: (text: string) => this.#write(text),
      file: (file: File) => void this.#attach(file),
      typing: (active: boolean) => this.#tell({ case: "typing", value: active }),
      end: () => void this.#end(),
      contact: (contact: Contact) => {
        this.#contact = contact;
        void this.#start();
      },
    };
    this.view = new ChatView(options.locale, options.server, actions, options.minimize);
  }

  /** Shows what is there and goes on with it. A session that was handed over comes first. */
  open(handed?: Handed): void {
    if (handed && handed.session !== this.#saved.get()?.session) {
      this.#outbox.clear();
      this.#saved.set(handed);
    }
    const t = this.#options.locale.texts;
    const saved = this.#saved.get() ?? {};
    if (saved.question !== undefined) this.view.log.pending(questionId, saved.question);
    for (const { id, text } of this.#outbox.waiting) this.view.log.pending(id, text || t.file);
    if (saved.session) {
      void this.#converse();
    } else if (this.#options.agent === "") {
      this.view.writable(false);
      this.view.ask({ text: t.noAgent });
    } else if (saved.question !== undefined) {
      this.view.begun();
      void this.#start();
    } else {
      void this.#checkAccess();
    }
  }

  /** Leaves the conversation as it is. */
  leave(): void {
    this.#life.abort();
    this.#outbox.stop();
    this.view.ask(); // stops what counts
  }

  /** Says who the customer is, before the conversation begins. */
  identify(contact: Contact, userId: string): void {
    this.#contact = contact;
    this.#userId = userId;
  }

  /** Tells the other side that what it said was seen: once for what comes together. */
  seen(): void {
    window.clearTimeout(this.#seenTimer);
    this.#seenTimer = window.setTimeout(() => {
      if (this.#heard <= this.#seen || this.#over || this.#life.signal.aborted) return;
      this.#seen = this.#heard;
      this.#tell({ case: "readUpTo", value: this.#seen })?.catch(() => undefined);
    }, 300);
  }

  #write(text: string): void {
    const saved = this.#saved.get();
    if (saved?.session === undefined && saved?.question === undefined) {
      this.#saved.set({ question: text });
      this.view.log.pending(questionId, text);
      void this.#start();
      return;
    }
    const { id } = this.#outbox.add(text);
    this.view.log.pending(id, text);
    if (saved.session) void this.#outbox.run();
  }

  async #attach(file: File): Promise<void> {
    const id = randomId();
    this.view.log.pending(id, file.name);
    try {
      const upload = await send(file, this.#handoff(), this.#session(), this.#options.server, this.#life.signal);
      if (upload === undefined) return;
      this.#outbox.add("", [upload], id);
    } catch (thrown) {
      this.view.log.settled(id, MessageStatus.FAILED, this.#options.locale.explain(thrown));
      return;
    }
    void this.#outbox.run();
  }

  #tell(signal: { case: "typing"; value: boolean } | { case: "readUpTo"; value: bigint }): Promise<unknown> | undefined {
    const sessionId = this.#session();
    return sessionId === "" ? undefined : this.#handoff().sendSignal({ sessionId, signal }, callTimeout);
  }

  async #start(): Promise<void> {
    const { agent, server, locale } = this.#options;
    const { question = "", request = randomId() } = this.#saved.get() ?? {};
    this.view.ask();
    this.view.begun();
    this.view.phase(locale.texts.connecting);
    this.#saved.set({ question, request }); // a reload asks under the same id
    const outcome = await start(
      createClient(ChatService, serverTransport(server)),
      { agentId: agent, requestId: request, question, ...this.#contact, userId: this.#userId, locale: navigator.language },
      { signal: this.#life.signal, pause: pauseUntilOnline, onBreak: () => this.#broken(), locale },
    );
    if (!outcome) return;
    this.view.line.up();
    switch (outcome.kind) {
      case "session":
        this.#saved.set({ question, session: outcome.session, token: outcome.token });
        return this.#converse();
      case "contact":
        this.view.phase("");
        return this.view.askContact(outcome.text, this.#contact);
      case "refused":
        return outcome.again ? this.#askAgain(outcome.text) : this.#stop(outcome.text);
      case "declined":
        return this.#askAgain(outcome.text);
    }
  }

  #askAgain(text: string): void {
    this.view.phase("");
    this.view.ask({ text, yes: { label: this.#options.locale.texts.tryAgain, run: () => void this.#start() } });
  }

  async #converse(): Promise<void> {
    const { agent, locale, heard } = this.#options;
    const sessionId = this.#session();
    const client = this.#handoff();
    const progress = new Progress(this.view, locale, {
      keepWaiting: () => client.continueWaiting({ sessionId }, callTimeout),
      end: () => void this.#end(),
      restart: agent === "" ? undefined : () => this.#restart(),
      heard: (sequence) => {
        this.#heard = sequence;
        if (heard()) this.seen();
      },
    });
    this.view.begun();
    this.view.ask();
    this.view.endable(true);
    this.view.phase(locale.texts.connecting);
    this.view.log.settled(questionId, MessageStatus.ACCEPTED);
    void this.#outbox.run();
    if (this.#saved.get()?.question === undefined) void this.#loadQuestion();
    try {
      for await (const event of this.#events(client, sessionId, progress)) progress.apply(event);
      this.#over = true;
    } catch (thrown) {
      this.#stop(`${locale.texts.lost} ${locale.explain(thrown)}`);
    }
  }

  #events(client: Client<typeof HandoffService>, sessionId: string, progress: Progress): AsyncIterable<Event> {
    return resumeEvents(
      (afterSequence, signal) => client.streamReplies({ sessionId, afterSequence }, { signal: whileOnline(signal) }),
      {
        signal: this.#life.signal,
        pause: pauseUntilOnline,
        longestDelay: 10_000,
        onSignal: (signal) => progress.signal(signal),
        onOpen: () => this.view.line.up(),
        onBreak: () => this.#broken(),
      },
    );
  }

  // A chat that was handed a session has not seen its question.
  async #loadQuestion(): Promise<void> {
    try {
      const { session } = await this.#handoff().getSession({ sessionId: this.#session() }, callTimeout);
      if (session?.question) this.view.log.opening(session.question);
    } catch {
      // The conversation goes on without it.
    }
  }

  async #end(): Promise<void> {
    this.view.ending();
    this.#over = true;
    try {
      await this.#outbox.run(); // what was written before the end is sent before it
      await this.#handoff().closeSession({ sessionId: this.#session() }, callTimeout);
    } catch (thrown) {
      const { texts } = this.#options.locale;
      this.#over = false;
      this.view.endable(true);
      this.view.ask({ text: `${texts.notEnded} ${this.#options.locale.explain(thrown)}` });
    }
  }

  #broken(): void {
    this.view.line.down();
    void this.#checkAccess();
  }

  // A page that may not call the server cannot tell that from a broken line, but by asking.
  async #checkAccess(): Promise<void> {
    const { server, agent, locale } = this.#options;
    if (await mayUse(server, agent)) return;
    this.#life.abort();
    this.#stop(locale.texts.notHere);
  }

  // The log is over, or was never to be had.
  #stop(text: string): void {
    const { agent, locale } = this.#options;
    this.#outbox.stop();
    this.view.phase("");
    this.view.line.up();
    this.view.endable(false);
    this.view.writable(false);
    const restart = { label: locale.texts.startAgain, run: () => this.#restart() };
    this.view.ask(agent === "" || text === locale.texts.notHere ? { text } : { text, yes: restart });
  }

  #restart(): void {
    this.leave();
    this.#outbox.clear();
    this.#saved.clear();
    this.#options.restart();
  }

  #handoff(): Client<typeof HandoffService> {
    this.#client ??= createClient(HandoffService, serverTransport(this.#options.server, this.#saved.get()?.token));
    return this.#client;
  }

  #session(): string {
    return this.#saved.get()?.session ?? "";
  }
}

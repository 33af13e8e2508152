import { ChatService, type Event, HandoffService, MessageStatus, resumeEvents } from "@human-handoff/client";
import { type Client, createClient } from "@connectrpc/connect";
import { upload } from "../shared/files.js";
import { pauseUntilOnline, whileOnline } from "../shared/line.js";
import { Outbox } from "../shared/outbox.js";
import { randomId } from "../shared/random.js";
import { callTimeout, explain, serverTransport } from "../shared/rpc.js";
import { browserStorage, Slot } from "../shared/store.js";
import { Progress } from "./progress.js";
import { start } from "./starter.js";
import { texts } from "./texts.js";
import { ChatView, type Contact } from "./view.js";

/** What a reload of the page needs to go on. */
export interface Saved {
  readonly question?: string;
  /** Under which id the question was asked, until there is a session. */
  readonly request?: string;
  readonly session?: string;
  readonly token?: string;
}

const questionId = "question";

/** One customer's conversation, from the first message to the close. */
export class Chat {
  readonly #agent: string;
  readonly #saved: Slot<Saved>;
  readonly #outbox: Outbox;
  readonly #view: ChatView;
  readonly #life = new AbortController();
  #contact: Contact;
  #client: Client<typeof HandoffService> | undefined;

  constructor(agent: string, name: string) {
    const storage = browserStorage("sessionStorage");
    this.#agent = agent;
    this.#contact = { name, email: "" };
    this.#saved = new Slot(storage, `handoff.chat.${agent}`);
    this.#outbox = new Outbox({
      kept: new Slot(storage, `handoff.chat.${agent}.outbox`),
      send: async ({ id, text, files = [] }) => {
        const attachments = files.map((value) => ({ source: { case: "uploadId", value } as const }));
        const sessionId = this.#session();
        await this.#handoff().sendMessage({ sessionId, clientMessageId: id, text, attachments }, callTimeout);
      },
      pause: pauseUntilOnline,
      onRefused: ({ id }, error) => this.#view.log.settled(id, MessageStatus.FAILED, explain(error)),
    });
    this.#view = new ChatView({
      text: (text) => this.#write(text),
      file: (file) => void this.#attach(file),
      typing: (active) => this.#tellTyping(active),
      end: () => void this.#end(),
      contact: (contact) => {
        this.#contact = contact;
        void this.#start();
      },
    });
  }

  /** Shows what is there and goes on with it. A session from the address comes first. */
  open(given?: { session: string; token: string }): void {
    if (given && given.session !== this.#saved.get()?.session) {
      this.#saved.set(given);
    }
    const saved = this.#saved.get() ?? {};
    if (saved.question !== undefined) this.#view.log.pending(questionId, saved.question);
    for (const { id, text } of this.#outbox.waiting) this.#view.log.pending(id, text || texts.file);
    if (saved.session) {
      void this.#converse();
    } else if (this.#agent === "") {
      this.#view.writable(false);
      this.#view.ask({ text: texts.noAgent });
    } else if (saved.question !== undefined) {
      this.#view.begun();
      void this.#start();
    } else {
      this.#view.focusText();
    }
  }

  #write(text: string): void {
    const saved = this.#saved.get();
    if (saved?.session === undefined && saved?.question === undefined) {
      this.#saved.set({ question: text });
      this.#view.log.pending(questionId, text);
      void this.#start();
      return;
    }
    const { id } = this.#outbox.add(text);
    this.#view.log.pending(id, text);
    if (saved.session) void this.#outbox.run();
  }

  async #attach(file: File): Promise<void> {
    const id = randomId();
    this.#view.log.pending(id, file.name);
    try {
      const sessionId = this.#session();
      const announce = ({ name, type, size }: File) =>
        this.#handoff().createUpload({ sessionId, name, mimeType: type, size: BigInt(size) }, callTimeout);
      this.#outbox.add("", [await upload(file, announce)], id);
    } catch (thrown) {
      this.#view.log.settled(id, MessageStatus.FAILED, explain(thrown));
      return;
    }
    void this.#outbox.run();
  }

  #tellTyping(active: boolean): Promise<unknown> | undefined {
    const sessionId = this.#session();
    if (sessionId === "") return undefined;
    return this.#handoff().sendSignal({ sessionId, signal: { case: "typing", value: active } }, callTimeout);
  }

  async #start(): Promise<void> {
    const { question = "", request = randomId() } = this.#saved.get() ?? {};
    this.#view.ask();
    this.#view.begun();
    this.#view.phase(texts.connecting);
    this.#saved.set({ question, request }); // a reload asks under the same id
    const outcome = await start(
      createClient(ChatService, serverTransport()),
      { agentId: this.#agent, requestId: request, question, ...this.#contact, locale: navigator.language },
      { signal: this.#life.signal, pause: pauseUntilOnline, onBreak: () => this.#view.line.down() },
    );
    if (!outcome) return;
    this.#view.line.up();
    switch (outcome.kind) {
      case "session":
        this.#saved.set({ question, session: outcome.session, token: outcome.token });
        return this.#converse();
      case "contact":
        this.#view.phase("");
        return this.#view.askContact(outcome.text, this.#contact);
      case "refused":
        return outcome.again ? this.#askAgain(outcome.text) : this.#stop(outcome.text);
      case "declined":
        return this.#askAgain(outcome.text);
    }
  }

  #askAgain(text: string): void {
    this.#view.phase("");
    this.#view.ask({ text, yes: { label: "Try again", run: () => void this.#start() } });
  }

  async #converse(): Promise<void> {
    const sessionId = this.#session();
    const client = this.#handoff();
    const progress = new Progress(this.#view, {
      keepWaiting: () => client.continueWaiting({ sessionId }, callTimeout),
      end: () => void this.#end(),
      restart: this.#agent === "" ? undefined : () => this.#restart(),
    });
    this.#view.begun();
    this.#view.ask();
    this.#view.endable(true);
    this.#view.phase(texts.connecting);
    this.#view.log.settled(questionId, MessageStatus.ACCEPTED);
    void this.#outbox.run();
    if (this.#saved.get()?.question === undefined) void this.#loadQuestion();
    try {
      for await (const event of this.#events(client, sessionId)) progress.apply(event);
    } catch (thrown) {
      this.#stop(`${texts.lost} ${explain(thrown)}`);
    }
  }

  #events(client: Client<typeof HandoffService>, sessionId: string): AsyncIterable<Event> {
    return resumeEvents(
      (afterSequence, signal) => client.streamReplies({ sessionId, afterSequence }, { signal: whileOnline(signal) }),
      {
        signal: this.#life.signal,
        pause: pauseUntilOnline,
        onSignal: (signal) => this.#view.typing.show(signal, texts.typing),
        onOpen: () => this.#view.line.up(),
        onBreak: () => this.#view.line.down(),
      },
    );
  }

  // A page that was handed a session has not seen its question.
  async #loadQuestion(): Promise<void> {
    try {
      const { session } = await this.#handoff().getSession({ sessionId: this.#session() }, callTimeout);
      if (session?.question) this.#view.log.opening("mine", "You", session.question);
    } catch {
      // The conversation goes on without it.
    }
  }

  async #end(): Promise<void> {
    this.#view.ending();
    try {
      await this.#outbox.run(); // what was written before the end is sent before it
      await this.#handoff().closeSession({ sessionId: this.#session() }, callTimeout);
    } catch (thrown) {
      this.#view.endable(true);
      this.#view.ask({ text: `The chat could not be ended. ${explain(thrown)}` });
    }
  }

  // The log is over, or was never to be had.
  #stop(text: string): void {
    this.#outbox.stop();
    this.#view.phase("");
    this.#view.line.up();
    this.#view.endable(false);
    this.#view.writable(false);
    const yes = this.#agent === "" ? {} : { yes: { label: "Start again", run: () => this.#restart() } };
    this.#view.ask({ text, ...yes });
  }

  #restart(): void {
    this.#life.abort();
    this.#outbox.stop();
    this.#outbox.clear();
    this.#saved.clear();
    window.location.reload();
  }

  #handoff(): Client<typeof HandoffService> {
    this.#client ??= createClient(HandoffService, serverTransport(this.#saved.get()?.token));
    return this.#client;
  }

  #session(): string {
    return this.#saved.get()?.session ?? "";
  }
}

import {
  Author,
  CloseReason,
  type DeskService,
  type DeskSession,
  type Event,
  type Message,
  MessageStatus,
  ParticipantChanged_Change,
  resumeEvents,
  SessionState,
  type StateChanged,
} from "@human-handoff/client";
import type { Client } from "@connectrpc/connect";
import { upload } from "../shared/files.js";
import { pauseUntilOnline, whileOnline } from "../shared/line.js";
import { Outbox } from "../shared/outbox.js";
import { randomId } from "../shared/random.js";
import { callTimeout, explain } from "../shared/rpc.js";
import { browserStorage, Slot } from "../shared/store.js";
import type { ConversationView } from "./conversation-view.js";
import { customerName } from "./queue.js";

const closeTexts: Partial<Record<CloseReason, string>> = {
  [CloseReason.CUSTOMER]: "The customer ended the chat.",
  [CloseReason.HUMAN]: "Closed at the desk.",
  [CloseReason.OPERATOR]: "Closed by an operator.",
  [CloseReason.WAIT_TIMEOUT]: "Closed: nobody answered in time.",
  [CloseReason.SESSION_TIMEOUT]: "Closed: the customer was quiet for too long.",
  [CloseReason.PROVIDER_FAILED]: "Closed: the desk could not be reached.",
  [CloseReason.EXPIRED]: "Closed: it reached its longest time.",
};

/** One session that is open on the desk: its log, and the replies to it. */
export class Conversation {
  readonly id: string;
  readonly #customer: string;
  readonly #client: Client<typeof DeskService>;
  readonly #view: ConversationView;
  readonly #outbox: Outbox;
  readonly #life = new AbortController();
  #state = SessionState.UNSPECIFIED;

  constructor(client: Client<typeof DeskService>, view: ConversationView, entry: DeskSession, human: string) {
    this.id = entry.session?.id ?? "";
    this.#customer = customerName(entry);
    this.#state = entry.session?.state ?? SessionState.UNSPECIFIED;
    this.#client = client;
    this.#view = view;
    this.#outbox = new Outbox({
      kept: new Slot(browserStorage("sessionStorage"), `handoff.desk.outbox.${this.id}`),
      send: async ({ id, text, files = [] }) => {
        const attachments = files.map((value) => ({ source: { case: "uploadId", value } as const }));
        await client.reply({ sessionId: this.id, clientMessageId: id, text, attachments, human }, callTimeout);
      },
      pause: pauseUntilOnline,
      onRefused: ({ id }, error) => view.log.settled(id, MessageStatus.FAILED, explain(error)),
    });
    for (const { id, text } of this.#outbox.waiting) view.log.pending(id, text || "A file");
    void this.#outbox.run();
  }

  get state(): SessionState {
    return this.#state;
  }

  reply(text: string): void {
    this.#view.log.pending(this.#outbox.add(text).id, text);
    void this.#outbox.run();
  }

  async attach(file: File): Promise<void> {
    const { log } = this.#view; // the page may show another session by the time it is uploaded
    const id = randomId();
    log.pending(id, file.name);
    try {
      const announce = ({ name, type, size }: File) =>
        this.#client.createUpload({ sessionId: this.id, name, mimeType: type, size: BigInt(size) }, callTimeout);
      this.#outbox.add("", [await upload(file, announce)], id);
    } catch (thrown) {
      log.settled(id, MessageStatus.FAILED, explain(thrown));
      return;
    }
    void this.#outbox.run();
  }

  typing(active: boolean): Promise<unknown> {
    return this.#client.sendSignal({ sessionId: this.id, signal: { case: "typing", value: active } }, callTimeout);
  }

  /** Resolves when all replies are with the server. */
  replied(): Promise<void> {
    return this.#outbox.run();
  }

  /** Shows the session's log until it is closed or `leave` is called. */
  async follow(seen: (event: Event) => void): Promise<void> {
    const events = resumeEvents(
      (afterSequence, signal) =>
        this.#client.streamSession({ sessionId: this.id, afterSequence }, { signal: whileOnline(signal) }),
      {
        signal: this.#life.signal,
        pause: pauseUntilOnline,
        onSignal: (signal) => {
          if (!this.#life.signal.aborted) this.#view.typing.show(signal, `${this.#customer} is typing…`);
        },
      },
    );
    try {
      for await (const event of events) {
        if (this.#life.signal.aborted) return; // the view shows another session by now
        this.#apply(event);
        seen(event);
      }
    } catch (thrown) {
      this.#view.problem(explain(thrown));
    }
  }

  /** Ends what runs for this session in the page. */
  leave(): void {
    this.#life.abort();
    this.#outbox.stop();
  }

  #apply({ body }: Event): void {
    switch (body.case) {
      case "message":
        return this.#message(body.value);
      case "messageStatus":
        return this.#view.log.status(body.value.messageId, body.value.status, body.value.detail);
      case "attachmentChanged":
        return this.#view.log.file(body.value.messageId, body.value.attachment);
      case "stateChanged":
        return this.#changed(body.value);
      case "participantChanged": {
        const joined = body.value.change === ParticipantChanged_Change.JOINED;
        return this.#view.log.note(`${body.value.name || "Somebody"} ${joined ? "joined" : "left"}.`);
      }
      case "waitPrompt":
        return this.#view.log.note("The customer was asked whether to keep waiting.");
      default: // nothing that the desk shows
    }
  }

  #message(message: Message): void {
    if (message.author === Author.CUSTOMER) this.#view.typing.hide();
    if (message.author === Author.CUSTOMER) this.#view.log.message("theirs", this.#customer, message);
    else if (message.author === Author.HUMAN) this.#view.log.message("mine", message.authorName || "Human", message);
    else this.#view.log.note(message.text);
  }

  #changed({ state, closeReason, outcome }: StateChanged): void {
    this.#state = state;
    if (state !== SessionState.CLOSED) return;
    this.#view.log.note(closeTexts[closeReason] ?? "Closed.");
    if (outcome?.disposition) this.#view.log.note(`Outcome: ${outcome.disposition}`);
    if (outcome?.note) this.#view.log.note(`Note: ${outcome.note}`);
  }
}

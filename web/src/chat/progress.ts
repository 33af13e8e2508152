import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  Author,
  type Event,
  type Message,
  ParticipantChanged_Change,
  SessionState,
  type Signal,
  type StateChanged,
} from "./client.js";
import type { Locale } from "./locale.js";
import type { ChatView, Question } from "./view.js";

/** What the customer may do in the course of a conversation, and what its keeper wants to know. */
export interface Choices {
  readonly keepWaiting: () => Promise<unknown>;
  readonly end: () => void;
  /** Absent: this chat cannot start a conversation by itself. */
  readonly restart: (() => void) | undefined;
  /** Told of each message that is not the customer's. */
  readonly heard: (sequence: bigint) => void;
}

/** Shows the events of a session's log. */
export class Progress {
  readonly #view: ChatView;
  readonly #locale: Locale;
  readonly #choices: Choices;
  #human = "";

  constructor(view: ChatView, locale: Locale, choices: Choices) {
    this.#view = view;
    this.#locale = locale;
    this.#choices = choices;
  }

  apply({ body, sequence }: Event): void {
    const t = this.#locale.texts;
    switch (body.case) {
      case "message":
        return this.#message(body.value, sequence);
      case "messageStatus":
        return this.#view.log.status(body.value.messageId, body.value.status, body.value.detail);
      case "attachmentChanged":
        return this.#view.log.file(body.value.messageId, body.value.attachment);
      case "stateChanged":
        return this.#state(body.value);
      case "participantChanged":
        return this.#participant(body.value.name, body.value.change);
      case "waitPrompt":
        return this.#prompt({
          text: body.value.text || t.slow,
          deadline: body.value.deadline && timestampMs(body.value.deadline),
        });
      case "queueChanged":
        if (body.value.position > 0) this.#view.phase(t.position(String(body.value.position)));
        return;
      default: // a kind of event that is newer than this page
    }
  }

  signal(signal: Signal): void {
    const { value } = signal.signal;
    if (signal.signal.case === "read" && value && "upToSequence" in value) {
      if (value.author === Author.HUMAN) this.#view.log.readUpTo(value.upToSequence);
      return;
    }
    const { typing, somebody } = this.#locale.texts;
    this.#view.typing.show(signal, typing(this.#human || somebody));
  }

  #message(message: Message, sequence: bigint): void {
    const { you, human } = this.#locale.texts;
    if (message.author === Author.CUSTOMER) {
      this.#view.log.message("mine", you, message, sequence);
    } else if (message.author === Author.HUMAN) {
      this.#human = message.authorName || this.#human;
      this.#view.typing.hide();
      this.#view.log.message("theirs", this.#human || human, message, sequence);
      this.#choices.heard(sequence);
    } else {
      return this.#view.log.note(message.text);
    }
    this.#view.ask(); // either side's message answers "keep waiting?"
  }

  #participant(name: string, change: ParticipantChanged_Change): void {
    const t = this.#locale.texts;
    const who = name || t.somebody;
    if (change === ParticipantChanged_Change.JOINED) {
      this.#human = name;
      this.#view.log.note(t.joined(who));
      this.#view.phase(t.here(who));
    } else if (change === ParticipantChanged_Change.LEFT) {
      if (this.#human === name) this.#human = "";
      this.#view.log.note(t.left(who));
      this.#view.phase(t.waiting);
    }
  }

  #state(changed: StateChanged): void {
    const t = this.#locale.texts;
    switch (changed.state) {
      case SessionState.REQUESTED:
      case SessionState.WAITING:
        return this.#view.phase(this.#human === "" ? t.waiting : t.here(this.#human));
      case SessionState.ACTIVE:
        this.#view.ask();
        return this.#view.phase(this.#human === "" ? t.connected : t.here(this.#human));
      case SessionState.CLOSED:
        return this.#closed(this.#locale.close(changed.closeReason));
      default:
    }
  }

  #prompt(prompt: Pick<Question, "text" | "deadline">): void {
    const { keepWaiting, end } = this.#locale.texts;
    const yes = () => {
      this.#view.ask();
      this.#choices.keepWaiting().catch(() => this.#prompt(prompt));
    };
    this.#view.ask({
      ...prompt,
      yes: { label: keepWaiting, run: yes },
      no: { label: end, run: this.#choices.end },
    });
  }

  #closed(text: string): void {
    const t = this.#locale.texts;
    this.#view.typing.hide();
    this.#view.phase(t.closed);
    this.#view.endable(false);
    this.#view.writable(false);
    this.#view.log.note(text);
    const { restart } = this.#choices;
    if (restart) this.#view.ask({ text: t.again, yes: { label: t.startAgain, run: restart } });
    else this.#view.ask();
  }
}

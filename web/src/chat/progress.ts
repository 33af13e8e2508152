import {
  Author,
  type Event,
  type Message,
  ParticipantChanged_Change,
  SessionState,
  type StateChanged,
} from "@human-handoff/client";
import type { ChatView } from "./view.js";
import { closeText, texts } from "./texts.js";

/** What the customer may do in the course of a conversation. */
export interface Choices {
  readonly keepWaiting: () => Promise<unknown>;
  readonly end: () => void;
  /** Absent: this page cannot start a conversation by itself. */
  readonly restart: (() => void) | undefined;
}

/** Shows the events of a session's log. */
export class Progress {
  readonly #view: ChatView;
  readonly #choices: Choices;
  #human = "";

  constructor(view: ChatView, choices: Choices) {
    this.#view = view;
    this.#choices = choices;
  }

  apply({ body }: Event): void {
    switch (body.case) {
      case "message":
        return this.#message(body.value);
      case "messageStatus":
        return this.#view.log.status(body.value.messageId, body.value.status, body.value.detail);
      case "attachmentChanged":
        return this.#view.log.file(body.value.messageId, body.value.attachment);
      case "stateChanged":
        return this.#state(body.value);
      case "participantChanged":
        return this.#participant(body.value.name, body.value.change);
      case "waitPrompt":
        return this.#prompt(body.value.text || texts.slow);
      case "queueChanged":
        if (body.value.position > 0) this.#view.phase(`${texts.waiting} You are number ${body.value.position}.`);
        return;
      default: // a kind of event that is newer than this page
    }
  }

  #message(message: Message): void {
    switch (message.author) {
      case Author.CUSTOMER:
        this.#view.log.message("mine", "You", message);
        break;
      case Author.HUMAN:
        this.#human = message.authorName || this.#human;
        this.#view.typing.hide();
        this.#view.log.message("theirs", this.#human || "Human", message);
        break;
      default:
        this.#view.log.note(message.text);
        return;
    }
    this.#view.ask(); // either side's message answers "keep waiting?"
  }

  #participant(name: string, change: ParticipantChanged_Change): void {
    const who = name || "Somebody";
    if (change === ParticipantChanged_Change.JOINED) {
      this.#human = name;
      this.#view.log.note(`${who} joined the chat.`);
      this.#view.phase(`${who} is here.`);
    } else if (change === ParticipantChanged_Change.LEFT) {
      if (this.#human === name) this.#human = "";
      this.#view.log.note(`${who} left the chat.`);
      this.#view.phase(texts.waiting);
    }
  }

  #state(changed: StateChanged): void {
    switch (changed.state) {
      case SessionState.REQUESTED:
      case SessionState.WAITING:
        this.#view.phase(this.#human === "" ? texts.waiting : `${this.#human} is here.`);
        return;
      case SessionState.ACTIVE:
        this.#view.phase(this.#human === "" ? texts.connected : `${this.#human} is here.`);
        return;
      case SessionState.CLOSED:
        this.#closed(closeText(changed.closeReason));
        return;
      default:
    }
  }

  #prompt(text: string): void {
    const yes = () => {
      this.#view.ask();
      this.#choices.keepWaiting().catch(() => this.#prompt(text));
    };
    this.#view.ask({
      text,
      yes: { label: "Keep waiting", run: yes },
      no: { label: "End chat", run: this.#choices.end },
    });
  }

  #closed(text: string): void {
    this.#view.phase(texts.closed);
    this.#view.endable(false);
    this.#view.writable(false);
    this.#view.log.note(text);
    const { restart } = this.#choices;
    if (restart) this.#view.ask({ text: "Something else?", yes: { label: "Start again", run: restart } });
    else this.#view.ask();
  }
}

import { type DeskSession, SessionState, Turn_Role } from "@human-handoff/client";
import { byId, make, onText } from "../shared/dom.js";
import { dayAndClock } from "../shared/format.js";
import { onFiles } from "../shared/files.js";
import { LogView, messageItem } from "../shared/log.js";
import { tellTyping, TypingNotice } from "../shared/typing.js";
import { customerName } from "./queue.js";

export interface ConversationActions {
  readonly reply: (text: string) => void;
  readonly file: (file: File) => void;
  readonly typing: (active: boolean) => Promise<unknown> | undefined;
  readonly claim: () => void;
  readonly transfer: () => void;
  readonly close: () => void;
  readonly back: () => void;
}

/** The elements of the conversation that is open on the desk. */
export class ConversationView {
  readonly typing = new TypingNotice(byId("typing", HTMLElement));
  readonly #section = byId("conversation", HTMLElement);
  readonly #none = byId("none", HTMLElement);
  readonly #customer = byId("customer", HTMLElement);
  readonly #state = byId("state", HTMLElement);
  readonly #problem = byId("problem", HTMLElement);
  readonly #before = byId("before", HTMLDetailsElement);
  readonly #facts = byId("facts", HTMLElement);
  readonly #transcript = byId("transcript", HTMLElement);
  readonly #claim = byId("claim", HTMLButtonElement);
  readonly #transfer = byId("transfer", HTMLButtonElement);
  readonly #close = byId("close", HTMLButtonElement);
  readonly #composer = byId("composer", HTMLFormElement);
  readonly #text = byId("text", HTMLTextAreaElement);
  #log = new LogView(byId("log", HTMLElement));

  constructor(on: ConversationActions) {
    onText(this.#composer, this.#text, on.reply);
    onFiles(byId("file", HTMLInputElement), on.file);
    tellTyping(this.#text, on.typing);
    this.#claim.addEventListener("click", on.claim);
    this.#transfer.addEventListener("click", on.transfer);
    this.#close.addEventListener("click", on.close);
    byId("back", HTMLButtonElement).addEventListener("click", on.back);
  }

  get log(): LogView {
    return this.#log;
  }

  /** Shows another session, with an empty log. */
  open(entry: DeskSession, draft: string): void {
    document.body.classList.add("talking");
    this.#section.hidden = false;
    this.#none.hidden = true;
    this.#log = new LogView(byId("log", HTMLElement));
    this.#customer.textContent = customerName(entry);
    this.#text.value = draft;
    this.#before.open = true;
    this.#showFacts(entry);
    this.#showTranscript(entry);
    this.problem("");
    this.typing.hide();
    this.#customer.focus();
  }

  hide(): void {
    document.body.classList.remove("talking");
    this.#section.hidden = true;
    this.#none.hidden = false;
  }

  get draft(): string {
    return this.#text.value;
  }

  /** Shows who has the session and what may be done with it. */
  standing(state: SessionState, assignee: string, human: string): void {
    const closed = state === SessionState.CLOSED;
    const mine = assignee === human;
    const text = closed ? "Closed" : assignee === "" ? "Waiting" : mine ? "Yours" : `${assignee} has it`;
    if (this.#state.textContent !== text) this.#state.textContent = text;
    this.#claim.hidden = closed || mine;
    this.#claim.textContent = assignee === "" ? "Claim" : "Take over";
    this.#transfer.hidden = closed;
    this.#close.hidden = closed;
    this.#composer.hidden = closed || !(mine || assignee === "");
  }

  focusText(): void {
    if (!this.#composer.hidden) this.#text.focus();
  }

  /** Says what went wrong; an empty text takes it away. */
  problem(text: string): void {
    this.#problem.hidden = text === "";
    this.#problem.textContent = text;
  }

  #showFacts({ session }: DeskSession): void {
    const customer = session?.customer;
    const facts: [string, string][] = [
      ["Question", session?.question ?? ""],
      ["Reason", session?.reason ?? ""],
      ["E-mail", customer?.email ?? ""],
      ["Phone", customer?.phone ?? ""],
      ["Since", session?.createTime ? dayAndClock(session.createTime) : ""],
    ];
    this.#facts.replaceChildren(
      ...facts.filter(([, value]) => value !== "").flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]),
    );
  }

  #showTranscript({ transcript }: DeskSession): void {
    const turns = transcript.map(({ role, text }) => {
      const user = role === Turn_Role.USER;
      return messageItem(user ? "theirs" : "mine", user ? "Customer" : "AI agent", text);
    });
    this.#transcript.hidden = turns.length === 0;
    this.#transcript.querySelector("ol")?.replaceChildren(...turns);
  }
}

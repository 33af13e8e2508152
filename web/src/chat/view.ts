import { byId, onText } from "../shared/dom.js";
import { LineNotice } from "../shared/line.js";
import { onFiles } from "../shared/files.js";
import { LogView } from "../shared/log.js";
import { tellTyping, TypingNotice } from "../shared/typing.js";

/** What the customer may be asked below the conversation. */
export interface Question {
  readonly text: string;
  readonly yes?: { readonly label: string; readonly run: () => void };
  readonly no?: { readonly label: string; readonly run: () => void };
}

export interface Contact {
  readonly name: string;
  readonly email: string;
}

/** The chat page's elements. It knows nothing of sessions. */
export class ChatView {
  readonly log = new LogView(byId("log", HTMLElement));
  readonly line = new LineNotice(byId("line", HTMLElement));
  readonly typing = new TypingNotice(byId("typing", HTMLElement));
  readonly #phase = byId("phase", HTMLElement);
  readonly #hint = byId("hint", HTMLElement);
  readonly #end = byId("end", HTMLButtonElement);
  readonly #notice = byId("notice", HTMLElement);
  readonly #noticeText = byId("notice-text", HTMLElement);
  readonly #yes = byId("notice-yes", HTMLButtonElement);
  readonly #no = byId("notice-no", HTMLButtonElement);
  readonly #contact = byId("contact", HTMLFormElement);
  readonly #contactText = byId("contact-text", HTMLElement);
  readonly #composer = byId("composer", HTMLFormElement);
  readonly #text = byId("text", HTMLTextAreaElement);
  readonly #attach = byId("attach", HTMLElement);

  constructor(on: {
    text: (text: string) => void;
    file: (file: File) => void;
    typing: (active: boolean) => Promise<unknown> | undefined;
    end: () => void;
    contact: (contact: Contact) => void;
  }) {
    onText(this.#composer, this.#text, on.text);
    onFiles(byId("file", HTMLInputElement), on.file);
    tellTyping(this.#text, on.typing);
    this.#end.addEventListener("click", on.end);
    this.#contact.addEventListener("submit", (event) => {
      event.preventDefault();
      const values = new FormData(this.#contact);
      this.#contact.hidden = true;
      on.contact({ name: String(values.get("name") ?? "").trim(), email: String(values.get("email") ?? "").trim() });
    });
  }

  /** Says where the conversation stands. */
  phase(text: string): void {
    if (this.#phase.textContent !== text) this.#phase.textContent = text;
  }

  /** From the first message on: the hint goes. */
  begun(): void {
    this.#hint.hidden = true;
  }

  /** Whether the customer may end the conversation now. */
  endable(able: boolean): void {
    this.#end.hidden = !able;
    this.#attach.hidden = !able; // files need a session
    this.#end.disabled = false;
  }

  ending(): void {
    this.#end.disabled = true;
  }

  /** Whether the customer may write. */
  writable(able: boolean): void {
    this.#composer.hidden = !able;
  }

  focusText(): void {
    if (!this.#composer.hidden) this.#text.focus();
  }

  /** Asks something, or nothing any more. */
  ask(question?: Question): void {
    this.#notice.hidden = question === undefined;
    this.#noticeText.textContent = question?.text ?? "";
    for (const [button, answer] of [
      [this.#yes, question?.yes],
      [this.#no, question?.no],
    ] as const) {
      button.hidden = answer === undefined;
      button.textContent = answer?.label ?? "";
      button.onclick = answer ? answer.run : null;
    }
  }

  /** Asks who the customer is. */
  askContact(text: string, known: Contact): void {
    this.#contactText.textContent = text;
    this.#contact.hidden = false;
    const field = (name: string) => this.#contact.elements.namedItem(name) as HTMLInputElement;
    field("name").value = known.name;
    field("email").value = known.email;
    field("email").focus();
  }
}

import { make, onText } from "../shared/dom.js";
import { onFiles } from "../shared/files.js";
import { LineNotice } from "../shared/line.js";
import { tellTyping, TypingNotice } from "../shared/typing.js";
import { Countdown } from "./countdown.js";
import type { Locale } from "./locale.js";
import { LogView } from "./log-view.js";

/** A choice that the customer may be given. */
export interface Choice {
  readonly label: string;
  readonly run: () => void;
}

/** What the customer may be asked below the conversation. */
export interface Question {
  readonly text: string;
  readonly yes?: Choice;
  readonly no?: Choice;
  /** When the chat ends by itself unless the customer answers; milliseconds since 1970. */
  readonly deadline?: number | undefined;
}

export interface Contact {
  readonly name: string;
  readonly email: string;
}

/** What the customer does. */
export interface Actions {
  readonly text: (text: string) => void;
  readonly file: (file: File) => void;
  readonly typing: (active: boolean) => Promise<unknown> | undefined;
  readonly end: () => void;
  readonly contact: (contact: Contact) => void;
}

/** The elements of a chat. It knows nothing of sessions. */
export class ChatView {
  readonly element = make("section", "chat");
  readonly log: LogView;
  readonly line: LineNotice;
  readonly typing: TypingNotice;
  readonly #locale: Locale;
  readonly #phase = status("phase");
  readonly #hint: HTMLElement;
  readonly #end: HTMLButtonElement;
  readonly #notice = make("section", "notice");
  readonly #noticeText = status("ask");
  readonly #countdown: Countdown;
  readonly #yes = button("");
  readonly #no = button("", "quiet");
  readonly #contact = make("form", "notice");
  readonly #contactText = make("p");
  readonly #composer = make("form", "composer");
  readonly #text = make("textarea");
  readonly #attach = make("label", "attach");
  readonly #drop: HTMLElement;

  constructor(locale: Locale, server: string, on: Actions, minimize?: () => void) {
    const t = (this.#locale = locale).texts;
    this.element.lang = locale.language;
    this.element.setAttribute("aria-label", t.title);
    const frame = make("div", "log");
    frame.role = "log";
    frame.ariaLabel = t.conversation;
    frame.tabIndex = 0; // so that the keyboard can scroll it
    this.log = new LogView(frame, server, locale);
    const line = status("banner", t.offline);
    line.hidden = true;
    this.line = new LineNotice(line);
    const typing = status("typing");
    this.typing = new TypingNotice(typing);
    this.#hint = make("p", "hint", t.hint);
    this.#end = button(t.end, "quiet");
    this.#end.hidden = true;
    this.#end.onclick = on.end;
    this.#countdown = new Countdown((clock) => t.closesIn(clock));
    this.#drop = make("p", "drop", t.dropHere);
    this.#drop.hidden = true;
    this.#makeNotice();
    this.#makeContact(on.contact);
    this.#makeComposer(on);
    this.element.append(
      this.#makeBar(minimize), line, this.#hint, frame, this.#notice, this.#contact, typing, this.#composer, this.#drop,
    );
    this.#takeFiles(on.file);
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
    this.#countdown.until(question?.deadline);
    give(this.#yes, question?.yes);
    give(this.#no, question?.no);
  }

  /** Asks who the customer is. */
  askContact(text: string, known: Contact): void {
    this.#contactText.textContent = text;
    this.#contact.hidden = false;
    for (const [name, value] of Object.entries(known)) {
      (this.#contact.elements.namedItem(name) as HTMLInputElement).value = value;
    }
    (this.#contact.elements.namedItem("email") as HTMLInputElement).focus();
  }

  #makeBar(minimize?: () => void): HTMLElement {
    const bar = make("header", "bar");
    const title = make("div");
    title.append(make("h1", "", this.#locale.texts.title), this.#phase);
    bar.append(title, this.#end);
    if (minimize) {
      const less = button("–", "quiet icon");
      less.ariaLabel = this.#locale.texts.minimize;
      less.onclick = minimize;
      bar.append(less);
    }
    return bar;
  }

  #makeNotice(): void {
    const actions = make("div", "actions");
    actions.append(this.#yes, this.#no);
    this.#noticeText.dir = "auto";
    this.#notice.append(this.#noticeText, this.#countdown.element, actions);
    this.#notice.hidden = true;
  }

  #makeContact(use: (contact: Contact) => void): void {
    const t = this.#locale.texts;
    const actions = make("div", "actions");
    actions.append(button(t.continue, "", "submit"));
    this.#contactText.dir = "auto";
    this.#contact.append(
      this.#contactText,
      field(t.name, { name: "name", autocomplete: "name", maxLength: 120 }),
      field(t.email, { name: "email", type: "email", autocomplete: "email", maxLength: 254, required: true }),
      actions,
    );
    this.#contact.hidden = true;
    this.#contact.addEventListener("submit", (event) => {
      event.preventDefault();
      const values = new FormData(this.#contact);
      this.#contact.hidden = true;
      use({ name: String(values.get("name") ?? "").trim(), email: String(values.get("email") ?? "").trim() });
      this.focusText();
    });
  }

  #makeComposer(on: Actions): void {
    const t = this.#locale.texts;
    Object.assign(this.#text, { name: "text", rows: 2, maxLength: 16_000, placeholder: t.message, ariaLabel: t.message, dir: "auto" });
    this.#text.autocomplete = "off";
    const file = make("input", "unseen");
    Object.assign(file, { type: "file", multiple: true, ariaLabel: t.attachFiles });
    this.#attach.append(`${t.attach} `, file);
    this.#attach.hidden = true;
    this.#composer.append(this.#text, this.#attach, button(t.send, "", "submit"));
    onText(this.#composer, this.#text, on.text);
    onFiles(file, on.file);
    tellTyping(this.#text, on.typing);
  }

  // Files may also be pasted into the text, or dropped anywhere on the chat.
  #takeFiles(use: (file: File) => void): void {
    const take = (event: Event, from: DataTransfer | null) => {
      if (!from?.types.includes("Files")) return;
      event.preventDefault(); // or the browser leaves the page for the file
      if (!this.#attach.hidden) for (const file of from.files) use(file);
    };
    this.#text.addEventListener("paste", (event) => take(event, event.clipboardData));
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.#drop.hidden = this.#attach.hidden;
    };
    this.element.addEventListener("dragover", over);
    this.element.addEventListener("dragleave", (event) => {
      this.#drop.hidden ||= !this.element.contains(event.relatedTarget as Node | null);
    });
    this.element.addEventListener("drop", (event) => {
      this.#drop.hidden = true;
      take(event, event.dataTransfer);
    });
  }
}

function status(className: string, text = ""): HTMLParagraphElement {
  const element = make("p", className, text);
  element.role = "status";
  return element;
}

function button(text: string, className = "", type: "button" | "submit" = "button"): HTMLButtonElement {
  const element = make("button", className, text);
  element.type = type;
  return element;
}

function field(label: string, { name, type = "text", ...more }: FieldOptions): HTMLLabelElement {
  const element = make("label", "", `${label} `);
  const input = make("input");
  input.name = name;
  input.type = type;
  input.maxLength = more.maxLength;
  input.autocomplete = more.autocomplete;
  input.required = more.required ?? false;
  element.append(input);
  return element;
}

interface FieldOptions {
  readonly name: string;
  readonly type?: string;
  readonly autocomplete: AutoFill;
  readonly maxLength: number;
  readonly required?: boolean;
}

function give(to: HTMLButtonElement, choice: Choice | undefined): void {
  to.hidden = choice === undefined;
  to.textContent = choice?.label ?? "";
  to.onclick = choice ? choice.run : null;
}

import { make } from "../shared/dom.js";
import { attachmentItem } from "./attachment.js";
import { type Attachment, type Message, MessageStatus } from "./client.js";
import type { Locale } from "./locale.js";

/** Who wrote a message, seen from the customer. */
export type Side = "mine" | "theirs";

interface Logged {
  readonly item: HTMLLIElement;
  readonly sequence: bigint;
  status: MessageStatus;
}

/**
 * The rendered conversation. Messages of the server stand in the order of its
 * log; the customer's that are still under way stand below them until the
 * server's log has them.
 */
export class LogView {
  readonly #frame: HTMLElement;
  readonly #list = make("ol");
  readonly #server: string;
  readonly #locale: Locale;
  readonly #pending = new Map<string, HTMLLIElement>();
  readonly #logged = new Map<string, Logged>();

  constructor(frame: HTMLElement, server: string, locale: Locale) {
    this.#frame = frame;
    this.#server = server;
    this.#locale = locale;
    frame.append(this.#list);
  }

  /** Shows a text of the customer that is under way. */
  pending(id: string, text: string): void {
    if (this.#pending.has(id)) return;
    const item = this.#bubble("mine", this.#locale.texts.you, text);
    this.#setStatus(item, MessageStatus.UNSPECIFIED, "");
    this.#pending.set(id, item);
    this.#list.append(item);
    this.#frame.scrollTop = this.#frame.scrollHeight;
  }

  /** Marks a text that the server took outside of its log, or refused. It stays where it is. */
  settled(id: string, status: MessageStatus, detail = ""): void {
    const item = this.#pending.get(id);
    this.#pending.delete(id);
    if (item) this.#setStatus(item, status, detail);
  }

  /** Shows what the customer said before the first message of the log. */
  opening(text: string): void {
    this.#list.prepend(this.#bubble("mine", this.#locale.texts.you, text));
  }

  /** Shows a message of the server's log. The log has each one once. */
  message(side: Side, author: string, message: Message, sequence: bigint): void {
    const item = this.#pending.get(message.clientMessageId) ?? this.#bubble(side, author, message.text);
    const text = item.querySelector(".text");
    if (message.attachments.length > 0) {
      // What stood for files that were under way makes room for them.
      text?.replaceChildren(message.text);
      text?.after(...message.attachments.map((file) => attachmentItem(file, this.#server, this.#locale)));
    }
    this.#pending.delete(message.clientMessageId);
    this.#logged.set(message.id, { item, sequence, status: message.status });
    const time = item.querySelector("time");
    if (time) time.textContent = this.#locale.clock(message.time);
    if (side === "mine") this.#setStatus(item, message.status, "");
    this.#insert(item);
  }

  /** Shows what became of a file that was on its way. */
  file(messageId: string, attachment: Attachment | undefined): void {
    if (!attachment) return;
    for (const file of this.#logged.get(messageId)?.item.querySelectorAll<HTMLElement>(".file") ?? []) {
      if (file.dataset.file === attachment.id) file.replaceWith(attachmentItem(attachment, this.#server, this.#locale));
    }
  }

  /** Shows how far a message got. */
  status(messageId: string, status: MessageStatus, detail: string): void {
    const logged = this.#logged.get(messageId);
    if (!logged?.item.classList.contains("mine")) return;
    logged.status = status;
    this.#setStatus(logged.item, status, detail);
  }

  /** Shows that the other side has seen all up to a sequence. */
  readUpTo(sequence: bigint): void {
    for (const [id, logged] of this.#logged) {
      if (logged.sequence <= sequence && logged.status < MessageStatus.READ) this.status(id, MessageStatus.READ, "");
    }
  }

  /** Shows a remark of the system. */
  note(text: string): void {
    const item = make("li", "note", text);
    item.dir = "auto";
    this.#insert(item);
  }

  #insert(item: HTMLLIElement): void {
    const [next] = this.#pending.values();
    // Not moved when it stands right: a moved item would be read out again.
    if (item.isConnected && item.nextElementSibling === (next ?? null)) return;
    const atEnd = this.#frame.scrollHeight - this.#frame.scrollTop - this.#frame.clientHeight < 80;
    this.#list.insertBefore(item, next ?? null);
    if (atEnd) this.#frame.scrollTop = this.#frame.scrollHeight;
  }

  #bubble(side: Side, author: string, text: string): HTMLLIElement {
    const item = make("li", side);
    const meta = make("p", "meta");
    meta.append(make("span", "author", author), make("time"));
    const words = make("p", "text", text);
    words.dir = "auto"; // each message runs in the direction of its own language
    item.append(meta, words);
    return item;
  }

  #setStatus(item: HTMLElement, status: MessageStatus, detail: string): void {
    let line = item.querySelector<HTMLElement>(".status");
    if (!line) {
      line = make("p", "status");
      item.append(line);
    }
    const text = this.#locale.status(status);
    line.textContent = detail === "" ? text : `${text}: ${detail}`;
    item.classList.toggle("failed", status === MessageStatus.FAILED);
  }
}

import { type Attachment, type Message, MessageStatus } from "@human-handoff/client";
import { make } from "./dom.js";
import { attachmentItem } from "./files.js";
import { clock } from "./format.js";

/** Who wrote a message, seen from the page's user. */
export type Side = "mine" | "theirs";

const statusTexts: Record<MessageStatus, string> = {
  [MessageStatus.UNSPECIFIED]: "Sending…",
  [MessageStatus.ACCEPTED]: "Sent",
  [MessageStatus.DELIVERED]: "Delivered",
  [MessageStatus.READ]: "Read",
  [MessageStatus.FAILED]: "Not delivered",
};

/**
 * The rendered conversation. Messages of the server stand in the order of its
 * log; those of the page's user that are still under way stand below them until
 * the server's log has them.
 */
export class LogView {
  readonly #frame: HTMLElement;
  readonly #list: HTMLOListElement;
  readonly #pending = new Map<string, HTMLLIElement>();
  readonly #logged = new Map<string, HTMLLIElement>();

  constructor(frame: HTMLElement) {
    this.#frame = frame;
    this.#list = make("ol");
    frame.replaceChildren(this.#list);
  }

  /** Shows a text of the page's user that is under way. */
  pending(id: string, text: string): void {
    if (this.#pending.has(id)) return;
    const item = messageItem("mine", "You", text);
    setStatus(item, MessageStatus.UNSPECIFIED, "");
    this.#pending.set(id, item);
    this.#list.append(item);
    this.#frame.scrollTop = this.#frame.scrollHeight;
  }

  /** Marks a text that the server took outside of its log, or refused. It stays where it is. */
  settled(id: string, status: MessageStatus, detail = ""): void {
    const item = this.#pending.get(id);
    this.#pending.delete(id);
    if (item) setStatus(item, status, detail);
  }

  /** Shows what was said before the first message of the log. */
  opening(side: Side, author: string, text: string): void {
    this.#list.prepend(messageItem(side, author, text));
  }

  /** Shows a message of the server's log. The log has each one once. */
  message(side: Side, author: string, message: Message): void {
    const known = this.#pending.get(message.clientMessageId);
    const item = known ?? messageItem(side, author, message.text);
    if (message.attachments.length > 0) {
      // What stood for files that were under way makes room for them.
      item.querySelector(".text")?.replaceChildren(message.text);
      item.querySelector(".text")?.after(...message.attachments.map(attachmentItem));
    }
    this.#pending.delete(message.clientMessageId);
    this.#logged.set(message.id, item);
    item.dataset.message = message.id;
    const time = item.querySelector("time");
    if (time) time.textContent = clock(message.time);
    if (side === "mine") setStatus(item, message.status, "");
    this.#insert(item);
  }

  /** Shows what became of a file that was on its way. */
  file(messageId: string, attachment: Attachment | undefined): void {
    if (!attachment) return;
    for (const file of this.#logged.get(messageId)?.querySelectorAll<HTMLElement>(".file") ?? []) {
      if (file.dataset.file === attachment.id) file.replaceWith(attachmentItem(attachment));
    }
  }

  /** Shows how far a message got. */
  status(messageId: string, status: MessageStatus, detail: string): void {
    const item = this.#logged.get(messageId);
    if (item?.classList.contains("mine")) setStatus(item, status, detail);
  }

  /** Shows a remark of the system. */
  note(text: string): void {
    this.#insert(make("li", "note", text));
  }

  #insert(item: HTMLLIElement): void {
    const [next] = this.#pending.values();
    // Not moved when it stands right: a moved item would be read out again.
    if (item.isConnected && item.nextElementSibling === (next ?? null)) return;
    const atEnd = this.#frame.scrollHeight - this.#frame.scrollTop - this.#frame.clientHeight < 80;
    this.#list.insertBefore(item, next ?? null);
    if (atEnd) this.#frame.scrollTop = this.#frame.scrollHeight;
  }
}

/** Makes a message's bubble. */
export function messageItem(side: Side, author: string, text: string): HTMLLIElement {
  const item = make("li", side);
  const meta = make("p", "meta");
  meta.append(make("span", "author", author), make("time"));
  item.append(meta, make("p", "text", text));
  return item;
}

function setStatus(item: HTMLElement, status: MessageStatus, detail: string): void {
  const text = statusTexts[status] ?? "";
  let line = item.querySelector<HTMLElement>(".status");
  if (!line) {
    line = make("p", "status");
    item.append(line);
  }
  line.textContent = detail === "" ? text : `${text}: ${detail}`;
  item.classList.toggle("failed", status === MessageStatus.FAILED);
}

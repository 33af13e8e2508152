import { make } from "../shared/dom.js";
import { Chat, type Handed } from "./chat.js";
import { Locale } from "./locale.js";
import styles from "./chat.css?inline";

/** Where the server is when the element does not say so. */
export const home = { server: window.location.origin };

/**
 * `<handoff-chat agent="…">`: a button that opens a chat, or with `inline` the chat
 * itself. Further attributes: `server`, `email`, `name`, `user-id`, `lang`, `theme`
 * ("light" or "dark") and `open`.
 *
 * Events: `handoff-open`, `handoff-close`, and `handoff-message` when the other side
 * wrote.
 */
export class HandoffChat extends HTMLElement {
  readonly #root = this.attachShadow({ mode: "open" });
  readonly #frame = make("div", "frame");
  readonly #launcher = make("button", "launcher");
  #locale = new Locale();
  #chat: Chat | undefined;
  #unread = 0;

  connectedCallback(): void {
    if (this.#chat) return; // it was moved
    const sheet = new CSSStyleSheet(); // allowed by every policy, unlike a style element
    sheet.replaceSync(styles);
    this.#root.adoptedStyleSheets = [sheet];
    this.#locale = new Locale(this.lang ? [this.lang] : navigator.languages);
    this.#root.addEventListener("keydown", (event) => {
      if ((event as KeyboardEvent).key === "Escape" && !this.#inline) this.close();
    });
    this.#launcher.type = "button";
    this.#launcher.ariaHasPopup = "dialog";
    this.#launcher.onclick = () => this.open();
    this.#root.replaceChildren(this.#frame);
    if (!this.#inline) this.#root.prepend(this.#launcher);
    document.addEventListener("visibilitychange", this.#look);
    this.#begin();
    this.#show(this.#inline || this.hasAttribute("open"));
  }

  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      document.removeEventListener("visibilitychange", this.#look);
      this.#chat?.leave();
      this.#chat = undefined;
    });
  }

  /** Shows the chat. */
  open(): void {
    this.#show(true);
    this.#chat?.view.focusText();
    this.#look();
    this.dispatchEvent(new CustomEvent("handoff-open"));
  }

  /** Puts the chat away; the conversation goes on. */
  close(): void {
    if (this.#inline || this.#frame.hidden) return;
    this.#show(false);
    this.#launcher.focus();
    this.dispatchEvent(new CustomEvent("handoff-close"));
  }

  /**
   * Goes on with a session that a backend requested, with the token that
   * RequestHandoff returned. Throws when it is no session token.
   */
  start({ sessionToken }: { sessionToken: string }): void {
    const session = sessionOf(sessionToken);
    if (session === undefined) throw new TypeError("sessionToken is not a token of a session, as RequestHandoff returns it");
    this.#begin({ session, token: sessionToken });
    this.open();
  }

  /** Tells who the customer is before the chat begins. */
  identify(who: { email?: string; name?: string; userId?: string }): void {
    if (who.email !== undefined) this.setAttribute("email", who.email);
    if (who.name !== undefined) this.setAttribute("name", who.name);
    if (who.userId !== undefined) this.setAttribute("user-id", who.userId);
    this.#chat?.identify(this.#contact(), this.getAttribute("user-id") ?? "");
  }

  get #inline(): boolean {
    return this.hasAttribute("inline");
  }

  #contact(): { name: string; email: string } {
    return { name: this.getAttribute("name") ?? "", email: this.getAttribute("email") ?? "" };
  }

  #begin(handed?: Handed): void {
    this.#chat?.leave();
    const put = this.#inline ? {} : { minimize: () => this.close() };
    this.#chat = new Chat({
      agent: this.getAttribute("agent") ?? "",
      server: new URL(this.getAttribute("server") ?? home.server, window.location.href).origin,
      locale: this.#locale,
      contact: this.#contact(),
      userId: this.getAttribute("user-id") ?? "",
      restart: () => {
        this.#begin();
        this.#chat?.view.focusText();
      },
      heard: () => this.#heard(),
      ...put,
    });
    this.#frame.replaceChildren(this.#chat.view.element);
    this.#chat.open(handed);
    if (this.#inline) this.#chat.view.focusText();
  }

  #show(open: boolean): void {
    this.#frame.hidden = !open;
    this.#launcher.hidden = open;
    this.#launcher.ariaExpanded = String(open);
    if (open) this.#unread = 0;
    this.#label();
  }

  // The other side wrote. Returns whether the customer sees it now.
  #heard(): boolean {
    const seen = !this.#frame.hidden && document.visibilityState === "visible";
    if (this.#frame.hidden) this.#unread++;
    this.#label();
    this.dispatchEvent(new CustomEvent("handoff-message"));
    return seen;
  }

  readonly #look = (): void => {
    if (!this.#frame.hidden && document.visibilityState === "visible") this.#chat?.seen();
  };

  #label(): void {
    const { open, openUnread } = this.#locale.texts;
    this.#launcher.lang = this.#locale.language;
    this.#launcher.textContent = this.#unread > 0 ? openUnread(String(this.#unread)) : open;
  }
}

const tokenPrefix = "hst_";
/** Characters of a token's proof, with the "_" before it. What is left is the session's id. */
const proofLength = 65;

function sessionOf(token: string): string | undefined {
  if (!token.startsWith(tokenPrefix) || token.length <= tokenPrefix.length + proofLength) return undefined;
  return token.slice(tokenPrefix.length, -proofLength);
}

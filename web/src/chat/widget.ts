// The widget, /widget.js: one classic script for other people's pages.
import { home, HandoffChat } from "./element.js";

/** What embedders call: window.ChatBot. */
export interface ChatBot {
  /** Tells the customer's e-mail address, so that the chat does not ask for it. */
  setEmail(email: string): void;
  /** Tells your id of the customer. The human sees it as a claim; it proves nothing. */
  setUserId(userId: string): void;
  /** Shows the chat. */
  open(): void;
  /** Puts it away; the conversation goes on. */
  close(): void;
  /** Goes on with a session that your backend requested. */
  start(session: { sessionToken: string }): void;
}

declare global {
  interface Window {
    ChatBot?: ChatBot;
  }
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement && script.src) home.server = new URL(script.src).origin;
if (!customElements.get("handoff-chat")) customElements.define("handoff-chat", HandoffChat);

// The page's first chat. A page without one gets one when the script names an agent.
function chat(): HandoffChat {
  const found = document.querySelector<HandoffChat>("handoff-chat");
  if (found) return found;
  const agent = script?.dataset.agent;
  if (!agent) throw new Error('the page has no <handoff-chat agent="…">, and the script no data-agent="…"');
  const made = document.createElement("handoff-chat") as HandoffChat;
  made.setAttribute("agent", agent);
  document.body.append(made);
  return made;
}

window.ChatBot = {
  setEmail: (email) => chat().identify({ email }),
  setUserId: (userId) => chat().identify({ userId }),
  open: () => chat().open(),
  close: () => chat().close(),
  start: (session) => chat().start(session),
};

if (script?.dataset.agent) {
  if (document.body) chat();
  else document.addEventListener("DOMContentLoaded", () => chat(), { once: true });
}

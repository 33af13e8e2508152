// The chat page, /chat?agent=ID.
import { takeFragment } from "../shared/fragment.js";
import { takeQuery } from "./address.js";
import { HandoffChat } from "./element.js";
import { Locale } from "./locale.js";

const { language, texts } = new Locale();
document.documentElement.lang = language;
document.title = texts.title;
customElements.define("handoff-chat", HandoffChat);
const chat = document.createElement("handoff-chat") as HandoffChat;
chat.setAttribute("inline", "");
const who = takeQuery(["email", "name"]);
for (const [name, value] of [...who, ...new URLSearchParams(window.location.search)]) {
  if (["agent", "email", "name"].includes(name)) chat.setAttribute(name, value);
}
// A session that the embedder's backend requested comes with its token in the fragment.
const token = takeFragment().get("token");
document.querySelector("main")?.append(chat);
if (token) chat.start({ sessionToken: token });

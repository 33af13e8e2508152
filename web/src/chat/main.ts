import { takeFragment } from "../shared/fragment.js";
import { Chat } from "./chat.js";

const query = new URLSearchParams(window.location.search);
const chat = new Chat(query.get("agent") ?? "", query.get("name") ?? "");
chat.open(handedOver());

// A session that the embedder's backend requested comes with its token in the fragment.
function handedOver(): { token: string; session: string } | undefined {
  const fragment = takeFragment();
  const token = fragment.get("token");
  const session = fragment.get("session");
  return token && session ? { token, session } : undefined;
}

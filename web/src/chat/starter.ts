import { ChatService, DeclineReason, isPermanent, type Declined } from "@human-handoff/client";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { dayAndClock } from "../shared/format.js";
import { callTimeout, explain, serverTransport } from "../shared/rpc.js";
import type { Contact } from "./view.js";
import { texts } from "./texts.js";

/** What came of an attempt to start. */
export type Start =
  | { readonly kind: "session"; readonly session: string; readonly token: string }
  | { readonly kind: "contact"; readonly text: string }
  | { readonly kind: "declined"; readonly text: string }
  | { readonly kind: "refused"; readonly text: string; readonly again: boolean }
  /** The browser was offline, so nothing has left it. */
  | { readonly kind: "offline" }
  /** The server may or may not have started a session. */
  | { readonly kind: "unsure" };

/** Asks for a human once. */
export async function start(agentId: string, question: string, contact: Contact): Promise<Start> {
  const offline = !navigator.onLine;
  const client = createClient(ChatService, serverTransport());
  try {
    const request = { agentId, question, ...contact, locale: navigator.language };
    const { result, sessionToken } = await client.startChat(request, callTimeout);
    switch (result.case) {
      case "session":
        return { kind: "session", session: result.value.id, token: sessionToken };
      case "declined":
        return declined(result.value);
      default:
        return { kind: "refused", text: texts.notPublic, again: false };
    }
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    if (offline) return { kind: "offline" };
    if (error.code === Code.PermissionDenied) return { kind: "refused", text: texts.notPublic, again: false };
    if (error.code === Code.ResourceExhausted || isPermanent(error)) {
      return { kind: "refused", text: explain(error), again: true };
    }
    return { kind: "unsure" };
  }
}

function declined(answer: Declined): Start {
  if (answer.reason === DeclineReason.EMAIL_REQUIRED) return { kind: "contact", text: answer.reply };
  const next = answer.nextOpenTime ? ` (${dayAndClock(answer.nextOpenTime)})` : "";
  return { kind: "declined", text: answer.reply + next };
}

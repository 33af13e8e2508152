import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { type ChatService, DeclineReason, delayAfter, isPermanent, type Declined } from "./client.js";
import type { Locale } from "./locale.js";
import { callTimeout } from "./transport.js";
import type { Contact } from "./view.js";

/** What came of an attempt to start. */
export type Start =
  | { readonly kind: "session"; readonly session: string; readonly token: string }
  | { readonly kind: "contact"; readonly text: string }
  | { readonly kind: "declined"; readonly text: string }
  | { readonly kind: "refused"; readonly text: string; readonly again: boolean };

/** What is asked. Its id stays the same until a session is there. */
export type Ask = Contact & {
  readonly agentId: string;
  readonly requestId: string;
  readonly question: string;
  readonly locale: string;
  readonly userId: string;
};

export interface StartOptions {
  readonly locale: Locale;
  /** Ends the attempts. */
  readonly signal: AbortSignal;
  readonly pause: (delay: number, signal: AbortSignal) => Promise<void>;
  /** Told when no answer came; another attempt follows. */
  readonly onBreak: () => void;
}

/**
 * Asks for a human until the server answers; undefined after `signal`. When an
 * answer is lost the server knows the request by its id, so a human is asked once.
 */
export async function start(
  client: Pick<Client<typeof ChatService>, "startChat">,
  ask: Ask,
  options: StartOptions,
): Promise<Start | undefined> {
  for (let failures = 0; !options.signal.aborted; failures++) {
    try {
      const { result, sessionToken } = await client.startChat(ask, callTimeout);
      switch (result.case) {
        case "session":
          return { kind: "session", session: result.value.id, token: sessionToken };
        case "declined":
          return declined(result.value, options.locale);
        default:
          return { kind: "refused", text: options.locale.texts.notPublic, again: false };
      }
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      if (error.code === Code.PermissionDenied) return { kind: "refused", text: options.locale.texts.notPublic, again: false };
      if (error.code === Code.ResourceExhausted || isPermanent(error)) {
        return { kind: "refused", text: options.locale.explain(error), again: true };
      }
    }
    options.onBreak();
    await options.pause(delayAfter(failures, { longestDelay: 10_000 }), options.signal);
  }
  return undefined;
}

function declined(answer: Declined, locale: Locale): Start {
  if (answer.reason === DeclineReason.EMAIL_REQUIRED) return { kind: "contact", text: answer.reply };
  const lines = [answer.reply];
  if (answer.nextOpenTime) lines.push(locale.texts.opensAt(locale.dayAndClock(answer.nextOpenTime)));
  return { kind: "declined", text: lines.join("\n") };
}

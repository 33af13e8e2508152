// A customer's page without a backend: start a chat where the agent allows it
// (settings.public_chat and allowed_origins), talk with the session's own token,
// follow the replies over a stream that resumes by itself, and close. What is
// lost on the way is repeated and happens once.
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { Author, ChatService, delayAfter, HandoffService, isPermanent, resumeEvents } from "@human-handoff/client";

export async function talk(baseUrl: string, agentId: string, question: string, show: (line: string) => void): Promise<void> {
  const chat = createClient(ChatService, createConnectTransport({ baseUrl }));
  const ask = { agentId, requestId: randomId(), question, locale: navigator.language };
  const { result, sessionToken } = await repeat(() => chat.startChat(ask));
  if (result.case !== "session") {
    show(result.value?.reply ?? "Nobody can be reached now.");
    return;
  }
  const authorize: Interceptor = (next) => (request) => {
    request.header.set("Authorization", `Bearer ${sessionToken}`);
    return next(request);
  };
  const client = createClient(HandoffService, createConnectTransport({ baseUrl, interceptors: [authorize] }));
  const sessionId = result.value.id;
  const message = { sessionId, clientMessageId: randomId(), text: "Is anybody there?" };
  await repeat(() => client.sendMessage(message));

  const open = (afterSequence: bigint, signal: AbortSignal) => client.streamReplies({ sessionId, afterSequence }, { signal });
  for await (const { body } of resumeEvents(open)) {
    if (body.case !== "message") continue;
    const { author, authorName, text } = body.value;
    show(`${author === Author.CUSTOMER ? "you" : authorName || "desk"}: ${text}`);
    if (author === Author.HUMAN && text.includes("bye")) await repeat(() => client.closeSession({ sessionId }));
  }
  show("The chat has ended.");
}

// Repeats a call until it is answered. The ids in it tell the server that it is
// the same one.
async function repeat<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    try {
      return await call();
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      if (isPermanent(error) || error.code === Code.ResourceExhausted) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayAfter(failures, { longestDelay: 10_000 })));
    }
  }
}

// Nobody may guess a request's id: who knows it takes part in the chat.
function randomId(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}

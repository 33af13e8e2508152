// A customer's page without a backend: start a chat where the agent allows it
// (settings.public_chat and allowed_origins), talk with the session's own token,
// and follow the replies over a stream that resumes by itself.
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ChatService, HandoffService, resumeEvents } from "@human-handoff/client";

export async function talk(baseUrl: string, agentId: string, question: string, show: (line: string) => void): Promise<void> {
  const chat = createClient(ChatService, createConnectTransport({ baseUrl }));
  const { result, sessionToken } = await chat.startChat({ agentId, question, locale: navigator.language });
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
  await client.sendMessage({ sessionId, clientMessageId: crypto.randomUUID(), text: "Is anybody there?" });

  const open = (afterSequence: bigint, signal: AbortSignal) => client.streamReplies({ sessionId, afterSequence }, { signal });
  for await (const { body } of resumeEvents(open)) {
    if (body.case === "message") show(`${body.value.authorName || "you"}: ${body.value.text}`);
  }
  show("The chat has ended.");
}

// A whole handoff from an agent's backend on Node: request, send, follow the
// replies over a stream that resumes by itself, close.
//
//     HANDOFF_URL=http://127.0.0.1:8080 HANDOFF_KEY=… node examples/node.mjs
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { HandoffService, resumeEvents } from "@human-handoff/client";

const { HANDOFF_URL = "http://127.0.0.1:8080", HANDOFF_KEY, HANDOFF_AGENT = "shop" } = process.env;
const authorize = (next) => (request) => {
  request.header.set("Authorization", `Bearer ${HANDOFF_KEY}`);
  return next(request);
};
const transport = createConnectTransport({ baseUrl: HANDOFF_URL, httpVersion: "1.1", interceptors: [authorize] });
const client = createClient(HandoffService, transport);

const { result } = await client.requestHandoff({
  agentId: HANDOFF_AGENT,
  conversationId: `node-${Date.now()}`,
  customer: { email: "ann@example.com", name: "Ann" },
  question: "I want to talk to a human.",
});
if (result.case === "declined") {
  // Not an error: the agent tells the customer and goes on by itself.
  console.log("declined:", result.value.reply);
  process.exit(0);
}
const sessionId = result.value.id;
console.log("session", sessionId);

// The client's id makes the call safe to repeat: the message is sent once.
await client.sendMessage({ sessionId, clientMessageId: "1", text: "Is anybody there?" });

const open = (afterSequence, signal) => client.streamReplies({ sessionId, afterSequence }, { signal });
for await (const event of resumeEvents(open, { firstDelay: 100, onBreak: () => console.log("cut; resuming") })) {
  const { case: kind, value } = event.body;
  console.log(`${event.sequence} ${kind} ${value.text ?? ""}`.trimEnd());
  if (kind === "message" && value.text.includes("bye")) {
    await client.closeSession({ sessionId, note: "answered" });
  }
}

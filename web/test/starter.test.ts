import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { ChatService, DeclineReason, type StartChatRequest, StartChatResponseSchema } from "@human-handoff/client";
import { expect, test } from "vitest";
import { Locale } from "../src/chat/locale.js";
import { type Ask, start } from "../src/chat/starter.js";
import { randomId } from "../src/shared/random.js";

const ask: Ask = { agentId: "shop", requestId: randomId(), question: "Anybody?", name: "Ann", email: "", userId: "", locale: "de" };
const lost = new ConnectError("cut", Code.Unavailable);
const session = create(StartChatResponseSchema, { result: { case: "session", value: { id: "s-1" } }, sessionToken: "t" });
const declined = (reason: DeclineReason) =>
  create(StartChatResponseSchema, { result: { case: "declined", value: { reason, reply: "Later." } } });

/** Starts against a server that answers each attempt with the next outcome. */
async function attempt(...outcomes: (ConnectError | typeof session)[]) {
  const asked: StartChatRequest[] = [];
  const life = new AbortController();
  let breaks = 0;
  const transport = createRouterTransport(({ service }) =>
    service(ChatService, {
      startChat: (request) => {
        asked.push(request);
        const outcome = outcomes.shift() ?? session;
        if (outcome instanceof ConnectError) throw outcome;
        return outcome;
      },
    }),
  );
  const outcome = await start(createClient(ChatService, transport), ask, {
    signal: life.signal,
    locale: new Locale(["en"]),
    onBreak: () => breaks++,
    pause: () => (outcomes.length > 0 ? Promise.resolve() : Promise.resolve(life.abort())),
  });
  return { outcome, asked, breaks };
}

test("lost answers are asked for again under the same id, and nobody is bothered", async () => {
  const { outcome, asked, breaks } = await attempt(lost, new ConnectError("slow", Code.DeadlineExceeded), session);
  expect(outcome).toEqual({ kind: "session", session: "s-1", token: "t" });
  expect(asked.map(({ requestId }) => requestId)).toEqual(Array(3).fill(ask.requestId));
  expect(breaks).toBe(2);
});

test("an answer that no repetition changes is for the customer", async () => {
  for (const [answer, kind] of [
    [declined(DeclineReason.EMAIL_REQUIRED), "contact"],
    [declined(DeclineReason.OUT_OF_SERVICE_PERIOD), "declined"],
    [new ConnectError("no", Code.PermissionDenied), "refused"],
    [new ConnectError("no", Code.InvalidArgument), "refused"],
    [new ConnectError("slowly", Code.ResourceExhausted), "refused"],
  ] as const) {
    const { outcome, asked, breaks } = await attempt(answer);
    expect([outcome?.kind, asked.length, breaks]).toEqual([kind, 1, 0]);
  }
});

test("a page that is left stops asking", async () => {
  const { outcome, asked } = await attempt(lost);
  expect(outcome).toBeUndefined();
  expect(asked.length).toBe(1);
});

test("ids are long enough for the server, and no two are alike", () => {
  const ids = new Set(Array.from({ length: 100 }, randomId));
  expect(ids.size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{64}$/);
});

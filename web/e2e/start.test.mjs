// How a chat begins where not everybody may begin one, and a desk without a key.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, call, launch, open, picture, say, seen, serve, spoken } from "./helper.mjs";

const adminKey = "a key for this test alone";
let server, browser, base, folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "handoff-e2e-"));
  const env = { HANDOFF_ADMIN_KEY: adminKey, HANDOFF_LISTEN: "127.0.0.1:0", HANDOFF_DATABASE: `sqlite://${folder}/handoff.db` };
  const address = (text) => /listening on (\S+)\n/.exec(text)?.[1];
  ({ server, found: base } = await serve(["serve"], env, address));
  await configure("shop", { publicChat: true });
  await configure("private", {});
  await configure("off", { publicChat: true, enabled: false, outOfPeriodReply: "" });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  const gone = server && new Promise((resolve) => server.once("exit", resolve));
  server?.kill("SIGTERM");
  await gone;
  rmSync(folder, { recursive: true });
});

const configure = (agentId, settings) =>
  call(`${base}/handoff.v1.HandoffService/ConfigureProvider`, adminKey, { agentId, desk: {}, settings });

test("an agent that needs an e-mail address asks for it and keeps the question", { timeout: 60_000 }, async () => {
  const customer = await open(browser, `${base}/chat?agent=shop`);
  await say(customer.page, "Where is my parcel?", "Order 77");
  const email = customer.page.getByRole("textbox", { name: "E-mail" });
  await email.waitFor();
  await picture(customer.page, "chat-email-light");
  await assertAccessible(customer.page);
  await email.fill("ann@example.com");
  await customer.page.getByRole("button", { name: "Continue" }).click();
  await customer.page.getByText("Waiting for somebody to join…").waitFor();
  const { sessions } = await call(`${base}/handoff.v1.HandoffService/ListSessions`, adminKey, { agentId: "shop" });
  assert.deepEqual(sessions.map(({ question, customer }) => [question, customer.email]), [["Where is my parcel?", "ann@example.com"]]);
  await seen(customer.page, "Delivered");
  assert.deepEqual(await spoken(customer.page), ["Where is my parcel?", "Order 77"]);
  assert.deepEqual(customer.faults, []);
  await customer.context.close();
});

test("a session that was handed over opens with its token, which leaves the address at once", { timeout: 60_000 }, async () => {
  const { session, sessionToken } = await call(`${base}/handoff.v1.HandoffService/RequestHandoff`, adminKey, {
    agentId: "private", conversationId: "c-1", question: "Handed over", customer: { email: "ann@example.com" },
  });
  const customer = await open(browser, `${base}/chat#token=${sessionToken}&session=${session.id}`);
  assert.equal(new URL(customer.page.url()).hash, "");
  await seen(customer.page, "Handed over");
  await say(customer.page, "Hello");
  await seen(customer.page, "Delivered");
  await customer.page.getByRole("button", { name: "End chat" }).click();
  await seen(customer.page, "You ended this chat.");
  assert.equal(await customer.page.getByRole("button", { name: "Start again" }).count(), 0, "this page names no agent");
  assert.deepEqual(customer.faults, []);
  await customer.context.close();
});

test("a decline shows its reply, and the same question can be asked again", { timeout: 60_000 }, async () => {
  const customer = await open(browser, `${base}/chat?agent=off`);
  await say(customer.page, "Anybody?");
  const again = customer.page.getByRole("button", { name: "Try again" });
  await again.waitFor();
  await configure("off", { publicChat: true, emailPolicy: "EMAIL_POLICY_OPTIONAL" });
  await again.click();
  await customer.page.getByText("Waiting for somebody to join…").waitFor();
  assert.deepEqual(await spoken(customer.page), ["Anybody?"]);
  assert.deepEqual(customer.faults, []);
  await customer.context.close();
});

test("a chat that is not public, or names no agent, says so", { timeout: 60_000 }, async () => {
  const stranger = await open(browser, `${base}/chat?agent=private`);
  await say(stranger.page, "Let me in");
  await stranger.page.getByText("This chat is not open to the public.").waitFor();
  const lost = await open(browser, `${base}/chat`);
  await lost.page.getByText("This link is incomplete").waitFor();
  await assertAccessible(lost.page);
  await stranger.context.close();
  await lost.context.close();
});

test("the desk asks for a key, and says when it is wrong", { timeout: 60_000 }, async () => {
  const human = await open(browser, `${base}/desk`);
  await picture(human.page, "desk-signin-light");
  await assertAccessible(human.page);
  await human.page.locator("input[name=human]").fill("Joe");
  await human.page.getByLabel("Desk key").fill("hk_desk_wrong");
  await human.page.getByRole("button", { name: "Open the desk" }).click();
  await human.page.getByRole("alert").getByText("The key is not valid").waitFor();
  await assertAccessible(human.page);
  await human.context.close();
});

test("the landing page loads what it needs and nothing more", { timeout: 60_000 }, async () => {
  const visitor = await open(browser, `${base}/`);
  await picture(visitor.page, "landing-light");
  await assertAccessible(visitor.page);
  assert.deepEqual(visitor.faults, []);
  await visitor.context.close();
});

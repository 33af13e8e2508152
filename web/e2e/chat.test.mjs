// The chat page: the wait, who is asked for an address, a server that dies, files.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway } from "./gateway.mjs";
import { assertAccessible, launch, open, picture, say, seen, spoken } from "./helper.mjs";

let gateway, browser;

before(async () => {
  gateway = await new Gateway().start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const chat = (agent, options, more = "") => open(browser, `${gateway.base}/chat?agent=${agent}${more}`, { locale: "en", ...options });
const waiting = (page) => page.getByText("Waiting for somebody to join…").waitFor();

for (const [scheme, locale, texts] of [
  ["light", "en", { send: "Send", keep: "Keep waiting", end: "End chat", left: /The chat ends by itself in 0:0\d\./, over: "You ended this chat.", again: "Start again" }],
  ["dark", "zh-CN", { send: "发送", keep: "继续等待", end: "结束对话", left: /对话将在 0:0\d 后自动结束。/, over: "您已结束对话。", again: "重新开始" }],
]) {
  test(`the wait prompt counts down, and both of its choices do what they say, ${locale}`, { timeout: 60_000 }, async () => {
    await gateway.configure("slow", { waitTimeout: "8s" });
    const { context, page, faults } = await chat("slow", { colorScheme: scheme, locale });
    await page.locator("textarea[name=text]").fill("Anybody?");
    await page.getByRole("button", { name: texts.send }).click();
    const timer = page.getByRole("timer");
    await timer.getByText(texts.left).waitFor();
    await assertAccessible(page);
    await picture(page, `chat-wait-${scheme}`);
    await page.getByRole("button", { name: texts.keep }).click();
    await timer.waitFor({ state: "hidden" });
    await timer.waitFor(); // it asks once more
    await page.locator(".notice").getByRole("button", { name: texts.end }).click();
    await seen(page, texts.over);
    await page.getByRole("button", { name: texts.again }).waitFor();
    const [session] = await gateway.sessions("slow");
    assert.equal(session.closeReason, "CLOSE_REASON_CUSTOMER");
    assert.equal(await page.evaluate(() => document.documentElement.lang), locale === "en" ? "en" : "zh-Hans");
    await assertAccessible(page);
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("nobody answers the prompt: the chat ends, and says why", { timeout: 60_000 }, async () => {
  await gateway.configure("slow", { waitTimeout: "1s" });
  const { context, page, faults } = await chat("slow");
  await say(page, "Anybody?");
  await seen(page, "Sorry, nobody could join in time.");
  assert.deepEqual(faults, []);
  await context.close();
});

test("an address is asked for where the policy needs one, and nowhere else", { timeout: 90_000 }, async () => {
  for (const [policy, provider, address, asks] of [
    ["EMAIL_POLICY_REQUIRED", undefined, "", true],
    ["EMAIL_POLICY_REQUIRED", undefined, "&email=ann%40example.com", false],
    ["EMAIL_POLICY_OPTIONAL", undefined, "", false],
    ["EMAIL_POLICY_PROVIDER", undefined, "", false],
  ]) {
    const agent = `mail-${policy.toLowerCase()}`;
    await gateway.configure(agent, { emailPolicy: policy }, provider);
    const { context, page, faults } = await chat(agent, {}, address);
    assert.equal(page.url().includes("ann"), false, "the address is wiped");
    await say(page, "Hello");
    if (asks) {
      const email = page.getByRole("textbox", { name: "E-mail" });
      await email.waitFor();
      await assertAccessible(page);
      await email.fill("ann@example.com");
      await page.getByRole("button", { name: "Continue" }).click();
    }
    await waiting(page);
    const [{ customer }] = await gateway.sessions(agent);
    assert.equal(customer.email, asks || address ? "ann@example.com" : undefined, policy);
    assert.equal(await page.getByRole("textbox", { name: "E-mail" }).count(), 0, policy);
    assert.deepEqual(faults, []);
    await context.close();
  }
});

test("a server that is killed and started again costs a wait, and no message", { timeout: 90_000 }, async () => {
  await gateway.configure("desk");
  const { context, page } = await chat("desk");
  await say(page, "Question");
  await waiting(page);
  const human = await gateway.human("desk");
  await human.reply("one");
  await seen(page, "one");
  await say(page, "two");
  await gateway.kill();
  await say(page, "three", "four", "four");
  await page.getByText("No connection.").waitFor();
  await gateway.start();
  await human.reply("five");
  await seen(page, "five");
  await page.getByText("No connection.").waitFor({ state: "hidden" });
  await say(page, "six");
  await page.waitForFunction(() => !document.querySelector("handoff-chat").shadowRoot.textContent.includes("Sending…"));
  const log = (await gateway.messages(human.sessionId)).map(({ text }) => text);
  assert.deepEqual(log.filter((text) => !["one", "five"].includes(text)), ["two", "three", "four", "four", "six"]);
  assert.deepEqual([...log].sort(), ["five", "four", "four", "one", "six", "three", "two"]);
  assert.deepEqual(await spoken(page), ["Question", ...log]);
  await context.close();
});

test("a line that loses answers and breaks streams doubles nothing", { timeout: 90_000 }, async () => {
  await gateway.configure("flaky");
  const { context, page } = await chat("flaky");
  await say(page, "Question");
  await waiting(page);
  const human = await gateway.human("flaky");
  let attempts = 0;
  let lost = 0;
  await page.route("**/SendMessage", async (route) => {
    if (attempts++ % 2 === 1) return route.continue();
    lost++;
    await route.fetch(); // the server has it; the page is not told
    await route.abort("connectionreset");
  });
  for (let i = 0; i < 4; i++) {
    await say(page, `mine ${i}`);
    await human.reply(`theirs ${i}`);
    await context.setOffline(i % 2 === 0);
  }
  await seen(page, "theirs 3");
  await page.waitForFunction(() => !document.querySelector("handoff-chat").shadowRoot.textContent.includes("Sending…"));
  const log = (await gateway.messages(human.sessionId)).map(({ text }) => text);
  assert.equal(log.length, 8);
  assert.deepEqual(log.filter((text) => text.startsWith("mine")), [0, 1, 2, 3].map((i) => `mine ${i}`));
  assert.deepEqual(await spoken(page), ["Question", ...log]);
  assert.ok(lost >= 2 && attempts > 4, `${attempts} attempts, ${lost} of them lost`);
  await context.close();
});

// hand gives the page a file as a paste or a drop does.
const hand = (page, kind, name, type, text) =>
  page.locator("textarea[name=text]").evaluate((field, [kind, name, type, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name, { type }));
    const all = { bubbles: true, cancelable: true, composed: true };
    const event = kind === "paste" ? new ClipboardEvent("paste", { ...all, clipboardData: data }) : new DragEvent(kind, { ...all, dataTransfer: data });
    field.dispatchEvent(event);
    return event.defaultPrevented;
  }, [kind, name, type, text]);

test("files go by picker, by paste and by drop, offline too", { timeout: 60_000 }, async () => {
  await gateway.configure("files");
  const { context, page, faults } = await chat("files");
  await say(page, "May I show you something?");
  await waiting(page);
  const [{ id }] = await gateway.sessions("files");
  await page.getByLabel("Attach files").setInputFiles({ name: "picked.txt", mimeType: "text/plain", buffer: Buffer.from("picked") });
  assert.equal(await hand(page, "paste", "pasted.txt", "text/plain", "pasted"), true);
  await hand(page, "dragover", "dropped.txt", "text/plain", "dropped");
  await page.getByText("Drop files here to send them").waitFor();
  assert.equal(await hand(page, "drop", "dropped.txt", "text/plain", "dropped"), true, "or the browser would leave the page");
  await page.getByText("Drop files here to send them").waitFor({ state: "hidden" });
  for (const name of ["picked", "pasted", "dropped"]) await page.getByRole("link", { name: new RegExp(`${name}\\.txt`) }).waitFor();
  await context.setOffline(true);
  await hand(page, "paste", "late.txt", "text/plain", "late");
  await page.getByText("late.txt").waitFor();
  await context.setOffline(false);
  await page.getByRole("link", { name: /late\.txt/ }).waitFor();
  const files = (await gateway.messages(id)).flatMap(({ attachments }) => attachments);
  assert.deepEqual(files.map(({ name }) => name).sort(), ["dropped.txt", "late.txt", "pasted.txt", "picked.txt"]);
  for (const { name, url } of files) assert.equal(await (await fetch(url)).text(), name.replace(".txt", ""));
  await assertAccessible(page);
  assert.deepEqual(faults, []);
  await context.close();
});

test("each message runs in the direction of its language", { timeout: 60_000 }, async () => {
  await gateway.configure("rtl");
  const { context, page } = await chat("rtl");
  await say(page, "أين طلبي؟");
  await waiting(page);
  const human = await gateway.human("rtl");
  await human.reply("It is on its way.");
  await seen(page, "It is on its way.");
  const directions = await page.getByRole("log").locator(".text").evaluateAll((all) => all.map((one) => getComputedStyle(one).direction));
  assert.deepEqual(directions, ["rtl", "ltr"]);
  await context.close();
});

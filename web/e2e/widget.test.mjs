// The widget and the framed chat on a page of another origin, one that the agent
// allows and one that it does not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, site } from "./gateway.mjs";
import { assertAccessible, launch, picture, say, seen, spoken } from "./helper.mjs";

let gateway, browser, shop, bare;

before(async () => {
  gateway = await new Gateway().start();
  const policy = `default-src 'none'; script-src ${gateway.base}; connect-src ${gateway.base}; img-src ${gateway.base}; frame-src ${gateway.base}`;
  const page = (rest) => `<!doctype html><html lang="en"><title>Shop</title><main><h1>Shop</h1><p>Shoes.</p></main>${rest}</html>`;
  shop = await site(page(`<script src="${gateway.base}/widget.js"></script><handoff-chat agent="shop"></handoff-chat>`), policy);
  bare = await site(page(`<script src="${gateway.base}/widget.js" data-agent="bare"></script><iframe title="Chat" src="${gateway.base}/chat?agent=bare"></iframe>`), policy);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  shop?.stop();
  bare?.stop();
  await gateway?.stop();
});

// visit opens a page. Its faults are errors, and requests to others than itself and the server.
async function visit(origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 }, locale: "en", ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (m) => m.type() === "error" && !m.text().includes("favicon") && faults.push(m.text()));
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("request", (r) => [origin, gateway.base].includes(new URL(r.url()).origin) || faults.push(r.url()));
  await page.goto(origin);
  return { context, page, faults: () => faults.filter((fault) => !/favicon|404/.test(fault)) };
}

for (const scheme of ["light", "dark"]) {
  test(`a whole conversation on another site's page, ${scheme}`, { timeout: 60_000 }, async () => {
    await gateway.configure("shop", { allowedOrigins: [shop.origin], emailPolicy: "EMAIL_POLICY_REQUIRED" });
    const { context, page, faults } = await visit(shop.origin, { colorScheme: scheme });
    await assertAccessible(page);
    await page.evaluate(() => {
      window.ChatBot.setEmail("ann@example.com");
      window.ChatBot.setUserId("u-7");
      window.ChatBot.open();
    });
    await say(page, `Do you have red ones? (${scheme})`);
    await page.getByText("Waiting for somebody to join…").waitFor();
    const [{ customer, question }] = await gateway.sessions("shop");
    assert.deepEqual([question, customer.email, customer.attributes.claimed_user_id], [`Do you have red ones? (${scheme})`, "ann@example.com", "u-7"]);

    const human = await gateway.human("shop");
    await human.reply("Yes, we do.");
    await seen(page, "Yes, we do.");
    await page.getByText("Joe is here.").waitFor();
    await say(page, "Great");
    await seen(page, "Delivered");
    await human.read("9");
    await page.getByRole("log").getByText("Read", { exact: true }).waitFor();
    await page.getByLabel("Attach files").setInputFiles({ name: "size.txt", mimeType: "text/plain", buffer: Buffer.from("42") });
    await page.getByRole("link", { name: /size\.txt/ }).waitFor();
    await assertAccessible(page);
    await picture(page, `widget-${scheme}`);

    await page.getByRole("button", { name: "Minimize" }).click();
    await human.reply("Anything else?");
    await page.getByRole("button", { name: "Chat with us, 1 new" }).click();
    await seen(page, "Anything else?");
    await page.reload();
    await page.getByRole("button", { name: /^Chat with us/ }).click();
    await seen(page, "Anything else?");
    await page.keyboard.press("Escape");
    await page.locator("textarea[name=text]").waitFor({ state: "hidden" });
    await page.evaluate(() => window.ChatBot.open());
    assert.deepEqual((await spoken(page)).filter(Boolean), [`Do you have red ones? (${scheme})`, "Yes, we do.", "Great", "Anything else?"]);
    await page.getByRole("button", { name: "End chat" }).click();
    await page.getByRole("button", { name: "Start again" }).click();
    await page.getByText("Write what it is about.").waitFor();
    assert.deepEqual(await spoken(page), []);
    assert.deepEqual(faults(), []);
    await context.close();
  });
}

test("a page that is not on the list is told so, until it is", { timeout: 60_000 }, async () => {
  await gateway.configure("shop", { allowedOrigins: [bare.origin] });
  const before = (await gateway.sessions("shop")).length;
  const { context, page, faults } = await visit(shop.origin);
  await page.evaluate(() => window.ChatBot.open());
  await page.getByText("This chat may not be used on this website.").waitFor();
  await page.locator("textarea[name=text]").waitFor({ state: "hidden" });
  assert.match(faults().join(), new RegExp(`put ${shop.origin} into settings.allowed_origins of the agent "shop"`));
  assert.equal((await gateway.sessions("shop")).length, before);

  await gateway.configure("shop", { allowedOrigins: [bare.origin, shop.origin] });
  await page.reload();
  await page.evaluate(() => window.ChatBot.open());
  await say(page, "And now?");
  await page.getByText("Waiting for somebody to join…").waitFor();

  await gateway.configure("shop", { allowedOrigins: [] });
  await context.setOffline(true); // the next connection is refused
  await context.setOffline(false);
  await page.getByText("This chat may not be used on this website.").waitFor();
  await context.close();
});

test("a refusal for another reason reaches the page, too", { timeout: 60_000 }, async () => {
  await gateway.configure("shop", { allowedOrigins: [shop.origin], publicChat: false });
  const { context, page } = await visit(shop.origin);
  await page.evaluate(() => window.ChatBot.open());
  await say(page, "Let me in");
  await page.getByText("This chat is not open to the public.").waitFor();

  // Whom the embedder's backend asked for comes in all the same.
  const { session, sessionToken } = await gateway.rpc("HandoffService/RequestHandoff", { agentId: "shop", conversationId: "c-1", question: "Handed over" });
  await page.evaluate((sessionToken) => window.ChatBot.start({ sessionToken }), sessionToken);
  await seen(page, "Handed over");
  await say(page, "Hello");
  await seen(page, "Delivered");
  assert.deepEqual((await gateway.messages(session.id)).map(({ text }) => text), ["Hello"]);
  assert.deepEqual(await spoken(page), ["Handed over", "Hello"]);
  const thrown = await page.evaluate(() => { try { window.ChatBot.start({ sessionToken: "hk_agent_x" }); } catch (e) { return String(e); } });
  assert.match(thrown, /not a token of a session/);
  await context.close();
});

test("one script tag is enough, and the chat stands in frames of allowed pages alone", { timeout: 60_000 }, async () => {
  await gateway.configure("bare", { allowedOrigins: [bare.origin] });
  const allowed = await visit(bare.origin);
  await allowed.page.getByRole("button", { name: "Chat with us" }).waitFor();
  const frame = allowed.page.frameLocator("iframe");
  await frame.locator("textarea[name=text]").fill("From a frame");
  await frame.getByRole("button", { name: "Send" }).click();
  await frame.getByText("Waiting for somebody to join…").waitFor();
  assert.deepEqual(allowed.faults(), []);
  await allowed.context.close();

  await gateway.configure("bare", { allowedOrigins: [shop.origin] });
  const refused = await visit(bare.origin);
  await refused.page.getByRole("button", { name: "Chat with us" }).waitFor();
  assert.equal(await refused.page.frameLocator("iframe").locator("textarea").count(), 0);
  assert.match(refused.faults().join(), /frame-ancestors 'self' http:\/\/127\.0\.0\.1:\d+/);
  await refused.context.close();
});

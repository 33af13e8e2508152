// What happens when lines fail, people leave and colleagues take over.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, demoLinks, enterDesk, launch, logged, open, picture, say, seen, serve, spoken } from "./helper.mjs";

let server, browser, links;

before(async () => {
  ({ server, found: links } = await serve(["demo"], {}, demoLinks));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
});

// choose opens the conversation that begins with a question.
const choose = (page, question) => page.getByRole("navigation").getByText(question, { exact: true }).click();

test("both sides go offline and miss, lose and double nothing; the customer ends", { timeout: 90_000 }, async () => {
  const customer = await open(browser, links.customer);
  const human = await open(browser, links.human);
  await enterDesk(human.page);
  await say(customer.page, "Are you there?");
  await choose(human.page, "Are you there?");
  await human.page.getByRole("button", { name: "Claim" }).click();
  await say(human.page, "one");
  await seen(customer.page, "one");

  await customer.context.setOffline(true);
  await human.context.setOffline(true);
  await customer.page.getByText("No connection.").waitFor();
  await say(customer.page, "two", "three", "three");
  await say(human.page, "four", "five");
  await human.context.setOffline(false);
  await seen(human.page, "five");
  await customer.context.setOffline(false);
  await seen(customer.page, "five");
  await customer.page.getByText("No connection.").waitFor({ state: "hidden" });
  await say(customer.page, "six");
  await seen(human.page, "six");
  await human.page.waitForFunction(() => document.querySelectorAll("[role=log] .text").length === 7);

  const log = await logged(customer.page);
  assert.deepEqual([...log].sort(), ["five", "four", "one", "six", "three", "three", "two"]);
  assert.deepEqual(log.filter((text) => ["two", "three"].includes(text)), ["two", "three", "three"], "in their order");
  assert.ok(log.indexOf("four") < log.indexOf("five"), "in their order");
  assert.deepEqual(await spoken(human.page), log);
  assert.deepEqual(await spoken(customer.page), ["Are you there?", ...log]);

  await human.page.reload();
  await choose(human.page, "Are you there?");
  await seen(human.page, "six");
  assert.deepEqual(await spoken(human.page), log, "the desk goes on after a reload");

  await say(customer.page, "thank you, bye");
  await customer.page.getByRole("button", { name: "End chat" }).click();
  await seen(customer.page, "You ended this chat.");
  await seen(human.page, "The customer ended the chat.");
  assert.equal((await logged(customer.page)).at(-1), "thank you, bye", "what was written before the end is sent before it");
  await human.page.getByText("Nobody is waiting.").waitFor();

  await customer.page.getByRole("button", { name: "Start again" }).click();
  await customer.page.getByText("Write what it is about.").waitFor();
  assert.deepEqual(await spoken(customer.page), []);
  assert.deepEqual([customer.faults, human.faults], [[], []]);
  await customer.context.close();
  await human.context.close();
});

test("a chat that begins offline starts once, when the line is there", { timeout: 60_000 }, async () => {
  const customer = await open(browser, `${links.customer}&name=Ann`);
  const human = await open(browser, links.human);
  await enterDesk(human.page);
  await customer.context.setOffline(true);
  await say(customer.page, "Begun offline", "and more");
  await customer.page.getByText("No connection.").waitFor();
  await customer.context.setOffline(false);
  await choose(human.page, "Begun offline");
  await seen(human.page, "and more");
  await human.page.getByRole("heading", { name: "Ann" }).waitFor();
  assert.equal(await human.page.getByRole("navigation").getByText("Begun offline").count(), 1);
  assert.deepEqual(await logged(customer.page), ["and more"]);

  await customer.page.reload();
  await seen(customer.page, "and more");
  assert.deepEqual(await spoken(customer.page), ["Begun offline", "and more"]);
  await customer.page.getByRole("button", { name: "End chat" }).click();
  await seen(customer.page, "You ended this chat.");
  assert.deepEqual([customer.faults, human.faults], [[], []]);
  await customer.context.close();
  await human.context.close();
});

test("a chat whose answer was lost starts once, by itself and over a reload", { timeout: 60_000 }, async () => {
  const human = await open(browser, links.human);
  await enterDesk(human.page);
  for (const reloads of [false, true]) {
    const question = reloads ? "Lost, then reloaded" : "Lost on the way";
    const customer = await open(browser, links.customer);
    const asked = [];
    // The server starts a session; the page never hears of it.
    const lose = async (route) => {
      await route.fetch();
      if (!reloads) await route.abort("internetdisconnected");
    };
    await customer.page.route("**/StartChat", lose, { times: 1 });
    customer.page.on("request", (r) => r.url().endsWith("/StartChat") && asked.push(r.postDataBuffer().toString("hex")));
    await say(customer.page, question);
    await choose(human.page, question);
    if (reloads) await customer.page.reload();
    await customer.page.getByText("Waiting for somebody to join…").waitFor();
    await say(customer.page, "Here again");
    await seen(human.page.getByRole("region", { name: question }), "Here again");
    assert.equal(await human.page.getByRole("navigation").getByText(question, { exact: true }).count(), 1, "one chat");
    assert.deepEqual(await spoken(customer.page), [question, "Here again"]);
    assert.equal(asked.length, 2);
    assert.equal(asked[0], asked[1], "under the same id");
    await customer.page.getByRole("button", { name: "End chat" }).click();
    await seen(customer.page, "You ended this chat.");
    assert.deepEqual(customer.faults, []);
    await customer.context.close();
  }
  assert.deepEqual(human.faults, []);
  await human.context.close();
});

test("a colleague takes over, and the key is nowhere to be seen", { timeout: 60_000 }, async () => {
  const narrow = { viewport: { width: 390, height: 760 }, isMobile: true, hasTouch: true };
  const customer = await open(browser, links.customer, narrow);
  const joe = await open(browser, links.human);
  const eve = await open(browser, links.human, { ...narrow, colorScheme: "dark" });
  for (const { page } of [joe, eve]) {
    assert.equal(new URL(page.url()).hash, "", "the address has no fragment any more");
    assert.equal(await page.evaluate(() => history.length), 2, "a blank page and the wiped address");
    assert.equal((await page.content()).includes("hk_desk_"), false);
  }
  await enterDesk(joe.page);
  await enterDesk(eve.page, "Eve");
  await say(customer.page, "I need Eve");
  await choose(joe.page, "I need Eve");
  await joe.page.getByRole("button", { name: "Claim" }).click();
  await say(joe.page, "I will get her.");
  await joe.page.getByRole("button", { name: "Transfer" }).click();
  await assertAccessible(joe.page);
  await joe.page.getByRole("combobox", { name: /Name of the colleague/ }).fill("Eve");
  await joe.page.getByRole("dialog").getByRole("button", { name: "Transfer" }).click();
  await joe.page.getByText("Eve has it").waitFor();
  await joe.page.locator(".composer").waitFor({ state: "detached" });

  await picture(eve.page, "desk-list-narrow-dark");
  await assertAccessible(eve.page);
  await choose(eve.page, "I need Eve");
  await say(eve.page, "Here I am.");
  await seen(customer.page, "Here I am.");
  await customer.page.getByText("Eve is here.").waitFor();
  await picture(customer.page, "chat-narrow-light");
  await picture(eve.page, "desk-narrow-dark");
  await assertAccessible(customer.page);
  await assertAccessible(eve.page);
  await eve.page.getByRole("button", { name: "Close", exact: true }).click();
  await picture(eve.page, "desk-close-narrow-dark");
  await assertAccessible(eve.page);
  await eve.page.getByRole("button", { name: "Close conversation" }).click();
  await seen(eve.page, "Outcome: Solved");
  assert.deepEqual([customer.faults, joe.faults, eve.faults], [[], [], []]);
  for (const { context } of [customer, joe, eve]) await context.close();
});

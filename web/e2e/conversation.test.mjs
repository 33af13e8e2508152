// Two people talk over the real binary in Debian's Chromium: `npm run e2e`.
// HANDOFF_BIN names the binary; SCREENSHOTS a folder for pictures of the pages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, demoLinks, enterDesk, launch, open, picture, say, serve } from "./helper.mjs";

let server, browser, links;

before(async () => {
  ({ server, found: links } = await serve(["demo"], {}, demoLinks));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
});

// countOf returns how often a text stands on a page.
const countOf = (page, text) => page.getByText(text, { exact: true }).count();

for (const scheme of ["light", "dark"]) {
  test(`a whole conversation, ${scheme}`, { timeout: 90_000 }, async () => {
    const customer = await open(browser, links.customer, { colorScheme: scheme });
    const human = await open(browser, links.human, { colorScheme: scheme });
    assert.equal(human.page.url().includes("key="), false, "the key is wiped from the address");
    await assertAccessible(customer.page);
    await assertAccessible(human.page);

    const question = `Where is my parcel? (${scheme})`;
    await say(customer.page, question);
    await enterDesk(human.page);
    await human.page.getByText(question).first().click();
    await human.page.getByRole("button", { name: "Claim" }).click();
    await say(human.page, "Hello, this is Joe.");
    await customer.page.getByText("Hello, this is Joe.", { exact: true }).waitFor();

    await customer.context.setOffline(true);
    await say(customer.page, "first, offline");
    await say(customer.page, "second, offline");
    await say(human.page, "said meanwhile");
    await customer.context.setOffline(false);
    await human.page.getByText("second, offline", { exact: true }).waitFor();
    await customer.page.getByText("said meanwhile", { exact: true }).waitFor();
    for (const { page } of [customer, human]) {
      for (const text of ["first, offline", "second, offline", "said meanwhile"]) {
        assert.equal(await countOf(page, text), 1, `${text}: neither lost nor doubled`);
      }
    }
    const text = await human.page.locator("body").innerText();
    assert.ok(text.indexOf("first, offline") < text.indexOf("second, offline"), "in their order");

    await customer.page.reload();
    await customer.page.getByText("second, offline", { exact: true }).waitFor();
    assert.equal(await countOf(customer.page, "second, offline"), 1, "a reload goes on where it was");
    await assertAccessible(customer.page);
    await assertAccessible(human.page);
    await picture(customer.page, `chat-${scheme}`);
    await picture(human.page, `desk-${scheme}`);

    await human.page.getByRole("button", { name: "Close", exact: true }).click();
    await human.page.locator("textarea[name=note]:visible").fill("found the parcel");
    await human.page.getByRole("button", { name: "Close conversation" }).click();
    await customer.page.getByText(/ended|closed/i).first().waitFor();
    assert.deepEqual(customer.faults, []);
    assert.deepEqual(human.faults, []);
    await customer.context.close();
    await human.context.close();
  });
}

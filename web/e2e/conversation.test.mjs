// Two people talk over the real binary in Debian's Chromium: `node --test e2e/`.
// HANDOFF_BIN names the binary; SCREENSHOTS a folder for pictures of the pages.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = [
  "--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-quic",
  "--no-first-run", "--disable-component-update", "--disable-sync",
];
let demo, browser, links;

before(async () => {
  demo = spawn(process.env.HANDOFF_BIN, ["demo"], { stdio: ["ignore", "pipe", "inherit"] });
  links = await new Promise((resolve, reject) => {
    let text = "";
    demo.once("exit", (code) => reject(new Error(`the demo ended with ${code}`)));
    demo.stdout.on("data", (part) => {
      text += part;
      const [customer, human] = [/customer\s+(\S+)/, /human\s+(\S+)/].map((p) => p.exec(text)?.[1]);
      if (customer && human && text.includes("README")) resolve({ customer, human });
    });
  });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: quiet });
});

after(async () => {
  await browser?.close();
  demo?.kill("SIGTERM");
});

// open opens a page in a context of its own and notes what must not happen.
async function open(url, colorScheme = "light") {
  const context = await browser.newContext({ colorScheme, viewport: { width: 900, height: 640 } });
  const page = await context.newPage();
  const faults = [];
  const origin = new URL(url).origin;
  page.on("console", (m) => m.type() === "error" && !m.text().includes("ERR_INTERNET_DISCONNECTED") && faults.push(m.text()));
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("request", (r) => new URL(r.url()).origin === origin || r.url().startsWith("data:") || faults.push(r.url()));
  await page.goto(url);
  return { context, page, faults };
}

async function ask(page, text) {
  await page.locator("textarea[name=text]").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

async function assertAccessible(page) {
  await page.evaluate(axe); // past the page's policy, as an extension would
  const { violations } = await page.evaluate(() => window.axe.run());
  const bad = violations.filter((v) => ["serious", "critical"].includes(v.impact));
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes[0].html}`), []);
}

// countOf returns how often a text stands on a page.
const countOf = (page, text) => page.getByText(text, { exact: true }).count();

async function enterDesk(page) {
  await page.locator("input[name=human]").fill("Joe");
  await page.getByRole("button", { name: "Open the desk" }).click();
}

for (const scheme of ["light", "dark"]) {
  test(`a whole conversation, ${scheme}`, { timeout: 90_000 }, async () => {
    const customer = await open(links.customer, scheme);
    const human = await open(links.human, scheme);
    assert.equal(human.page.url().includes("key="), false, "the key is wiped from the address");
    await assertAccessible(customer.page);
    await assertAccessible(human.page);

    const question = `Where is my parcel? (${scheme})`;
    await ask(customer.page, question);
    await enterDesk(human.page);
    await human.page.getByText(question).first().click();
    await human.page.getByRole("button", { name: "Claim" }).click();
    await ask(human.page, "Hello, this is Joe.");
    await customer.page.getByText("Hello, this is Joe.", { exact: true }).waitFor();

    await customer.context.setOffline(true);
    await ask(customer.page, "first, offline");
    await ask(customer.page, "second, offline");
    await ask(human.page, "said meanwhile");
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
    if (process.env.SCREENSHOTS) {
      await customer.page.screenshot({ path: `${process.env.SCREENSHOTS}/chat-${scheme}.png` });
      await human.page.screenshot({ path: `${process.env.SCREENSHOTS}/desk-${scheme}.png` });
    }

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

// What the browser tests share: a server, a browser, and pages that note what
// must not happen.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = [
  "--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-quic",
  "--no-first-run", "--disable-component-update", "--disable-sync",
];

export function launch() {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: quiet });
}

// serve starts the binary and waits until `read` finds in its output what is wanted.
export async function serve(args, env, read) {
  assert.ok(process.env.HANDOFF_BIN, "HANDOFF_BIN names the binary: go build -o bin/handoff ./cmd/handoff");
  const server = spawn(process.env.HANDOFF_BIN, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  const found = await new Promise((resolve, reject) => {
    let text = "";
    server.once("exit", (code) => reject(new Error(`handoff ${args.join(" ")} ended with ${code}`)));
    server.stdout.on("data", (part) => {
      text += part;
      const wanted = read(text);
      if (wanted) resolve(wanted);
    });
  });
  return { server, found };
}

// demoLinks reads the two links of `handoff demo`.
export function demoLinks(text) {
  const [customer, human] = [/customer\s+(\S+)\n/, /human\s+(\S+)\n/].map((pattern) => pattern.exec(text)?.[1]);
  return customer && human ? { customer, human } : undefined;
}

// open opens a page in a context of its own. Its `faults` are errors on the
// console, violations of the policy among them, and requests to other servers.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 640 }, ...options });
  const page = await context.newPage();
  const faults = [];
  const origin = new URL(url).origin;
  page.on("console", (m) => m.type() === "error" && !m.text().includes("ERR_INTERNET_DISCONNECTED") && faults.push(m.text()));
  page.on("pageerror", (e) => faults.push(String(e)));
  page.on("request", (r) => new URL(r.url()).origin === origin || r.url().startsWith("data:") || faults.push(r.url()));
  await page.goto(url);
  return { context, page, faults };
}

export async function say(page, ...texts) {
  for (const text of texts) {
    await page.locator("textarea[name=text]").fill(text);
    await page.getByRole("button", { name: "Send" }).click();
  }
}

export async function enterDesk(page, name = "Joe") {
  await page.locator("input[name=human]").fill(name);
  await page.getByRole("button", { name: "Open the desk" }).click();
}

// seen waits until a text stands in the conversation.
export function seen(page, text) {
  return page.getByRole("log").getByText(text, { exact: true }).waitFor();
}

// spoken returns the texts of the conversation as they stand on the page.
export function spoken(page) {
  return page.getByRole("log").locator(".text").allInnerTexts();
}

// logged returns the texts of the session's log, read with the token of the chat page.
export async function logged(page) {
  const { session, token } = await page.evaluate(() => {
    const name = Object.keys(sessionStorage).find((key) => /^handoff\.chat\.[^.]*$/.test(key));
    return JSON.parse(sessionStorage.getItem(name));
  });
  const url = `${new URL(page.url()).origin}/handoff.v1.HandoffService/ListEvents`;
  const { events } = await call(url, token, { sessionId: session, pageSize: 1000 });
  return events.flatMap(({ message }) => (message ? [message.text] : []));
}

// call makes one call, as a backend does.
export async function call(url, key, request) {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  assert.equal(response.status, 200, `${url}: ${await response.clone().text()}`);
  return response.json();
}

// assertAccessible lets axe find nothing, whatever its weight. Beside an open dialog
// the rest of the page is hidden on purpose, its landmark and heading with it; axe
// makes that exception by itself, but only for dialogs whose size it recognises.
export async function assertAccessible(page) {
  await page.evaluate(axe); // past the page's policy, as an extension would
  const { violations } = await page.evaluate(() => {
    const enabled = !document.querySelector('[role="dialog"], [role="alertdialog"]');
    return window.axe.run({ rules: { "landmark-one-main": { enabled }, "page-has-heading-one": { enabled } } });
  });
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html} ${v.nodes[0].failureSummary}`), []);
}

export async function picture(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
}

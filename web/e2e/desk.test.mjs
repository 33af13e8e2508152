// What a human does at the desk all day: several conversations side by side,
// files, canned replies, transfers and notes; by keyboard, in both languages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, demoLinks, enterDesk, launch, open, picture, say, seen, serve } from "./helper.mjs";

let server, browser, links;

before(async () => {
  ({ server, found: links } = await serve(["demo"], {}, demoLinks));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
});

const wide = { viewport: { width: 1280, height: 800 } };
const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const paneOf = (page, question) => page.getByRole("region", { name: question });

async function ask(question) {
  const customer = await open(browser, links.customer);
  await say(customer.page, question);
  await customer.page.getByText("Waiting for somebody to join…").waitFor();
  return customer;
}

async function take(page, question) {
  await page.getByRole("navigation").getByText(question, { exact: true }).click();
  const pane = paneOf(page, question);
  await pane.getByRole("button", { name: "Claim" }).click();
  await pane.getByText("Yours").waitFor();
  return pane;
}

test("two conversations side by side do not mix; a colleague gets one and its note", { timeout: 90_000 }, async () => {
  const joe = await open(browser, links.human, wide);
  const eve = await open(browser, links.human, wide);
  await enterDesk(joe.page);
  await enterDesk(eve.page, "Eve");
  const [first, second] = [await ask("A first thing"), await ask("A second thing")];
  await joe.page.getByText("2 waiting, 2 open").waitFor();
  const [one, two] = [await take(joe.page, "A first thing"), await take(joe.page, "A second thing")];
  await say(one, "To the first");
  await say(two, "To the second");
  await seen(first.page, "To the first");
  await seen(second.page, "To the second");
  await say(first.page, "From the first");
  await seen(one, "From the first");
  assert.equal(await two.getByText("From the first").count(), 0);
  assert.equal(await second.page.getByText("To the first").count(), 0);
  await one.locator("textarea[name=text]").fill("not yet sent");
  await one.getByRole("button", { name: "Put aside" }).click();
  await say(first.page, "Still there?");
  await joe.page.getByRole("navigation").getByText(/new message/).waitFor();
  await joe.page.getByRole("navigation").getByText("A first thing").click();
  assert.equal(await one.locator("textarea[name=text]").inputValue(), "not yet sent", "a draft is kept");
  await picture(joe.page, "desk-side-by-side-light");

  await one.getByRole("button", { name: "Transfer" }).click();
  const dialog = joe.page.getByRole("dialog", { name: "Transfer this conversation" });
  await dialog.getByRole("combobox", { name: /Name of the colleague/ }).fill("Eve");
  await dialog.getByLabel("Note for the colleague").fill("she knows parcels");
  await assertAccessible(joe.page);
  await dialog.getByRole("button", { name: "Transfer", exact: true }).click();
  await one.getByText("Eve has it").waitFor();
  await one.locator(".composer").waitFor({ state: "detached" });
  await eve.page.getByRole("navigation").getByText(/^yours/).waitFor();
  await eve.page.getByRole("navigation").getByText("A first thing").click();
  await paneOf(eve.page, "A first thing").getByText("she knows parcels").waitFor();
  await say(paneOf(eve.page, "A first thing"), "Eve here");
  await seen(first.page, "Eve here");
  assert.equal(await first.page.getByText("she knows parcels").count(), 0, "the customer does not see the note");

  await two.getByRole("button", { name: "Close", exact: true }).click();
  const closing = joe.page.getByRole("dialog", { name: "Close this conversation" });
  await closing.getByLabel("Note for the agent").fill("told her all");
  await assertAccessible(joe.page);
  await closing.getByRole("button", { name: "Close conversation" }).click();
  await seen(two, "Note: told her all");
  await second.page.getByText(/ended|closed/i).first().waitFor();
  assert.equal(await second.page.getByText("told her all").count(), 0, "nor the one of the end");
  for (const { context, faults } of [joe, eve, first, second]) {
    assert.deepEqual(faults, []);
    await context.close();
  }
});

test("files are picked, pasted and dropped, and go with the reply", { timeout: 90_000 }, async () => {
  const human = await open(browser, links.human, wide);
  await enterDesk(human.page);
  const customer = await ask("Show me everything");
  const pane = await take(human.page, "Show me everything");
  await pane.locator("input[type=file]").setInputFiles({ name: "picked.txt", mimeType: "text/plain", buffer: Buffer.from("picked") });
  // A paste and a drop as the browser makes them: an event that carries files.
  const bring = (target, kind, name) =>
    target.evaluate((element, { kind, name, bytes }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], name, { type: "image/png" }));
      const init = { bubbles: true, cancelable: true };
      element.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, { ...init, clipboardData: data }) : new DragEvent(kind, { ...init, dataTransfer: data }));
    }, { kind, name, bytes: [...pixel] });
  await bring(pane.locator("textarea[name=text]"), "paste", "pasted.png");
  await bring(pane.getByRole("log"), "dragover", "dropped.png");
  await pane.getByText("Drop the files to attach them").waitFor();
  await bring(pane.getByRole("log"), "drop", "dropped.png");
  await pane.getByRole("button", { name: "Remove pasted.png" }).waitFor();
  await pane.locator("input[type=file]").setInputFiles({ name: "wrong.txt", mimeType: "text/plain", buffer: Buffer.from("no") });
  await pane.getByRole("button", { name: "Remove wrong.txt" }).click();
  await say(pane, "Here they are");
  for (const page of [customer.page, pane]) {
    await page.getByRole("img", { name: "pasted.png" }).waitFor();
    await page.getByRole("img", { name: "dropped.png" }).waitFor();
    await page.getByRole("link", { name: /picked\.txt/ }).waitFor();
  }
  assert.equal(await customer.page.getByText(/wrong\.txt/).count(), 0);

  // A file that the server refuses says why and can be discarded.
  await pane.locator("input[type=file]").setInputFiles({ name: "lie.png", mimeType: "image/png", buffer: Buffer.from("<!DOCTYPE html>") });
  await pane.getByRole("button", { name: "Send" }).click();
  await pane.getByText(/Not delivered: the content is text\/html/).waitFor();
  await pane.getByRole("button", { name: "Discard" }).click();
  await pane.getByText(/lie\.png/).waitFor({ state: "detached" });
  assert.deepEqual(human.faults.filter((fault) => !fault.includes("400")), []);
  for (const { context } of [human, customer]) await context.close();
});

test("a whole conversation by keyboard alone, with a canned reply", { timeout: 90_000 }, async () => {
  const human = await open(browser, links.human, wide);
  const { page } = human;
  const { keyboard } = page;
  const focused = (selector) => page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);
  const customer = await ask("No mouse, please");
  await focused("input[name=human]");
  await keyboard.type("Joe");
  await keyboard.press("Enter");
  await page.getByRole("navigation").getByText("No mouse, please").waitFor();

  await keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await assertAccessible(page);
  await keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await keyboard.press("g");
  await focused("#queue [role=row]");
  await keyboard.press("Enter");
  await focused("[data-pane] h2");
  await keyboard.press("c");
  await focused("textarea[name=text]");
  await keyboard.type("c is a letter here");
  await keyboard.press("Enter");
  await seen(customer.page, "c is a letter here");

  await keyboard.press("/");
  await page.getByRole("dialog", { name: "Canned replies" }).waitFor();
  await focused("input[name=title]");
  await keyboard.type("Greeting");
  await keyboard.press("Tab");
  await keyboard.type("Hello {customer}, I am {human}.");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await page.getByRole("button", { name: "Edit Greeting" }).waitFor();
  await keyboard.press("Escape");
  await focused("textarea[name=text]");
  await keyboard.press("/");
  await focused("[type=search]");
  await keyboard.type("gree");
  await assertAccessible(page);
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await focused("textarea[name=text]");
  await keyboard.press("Enter");
  await seen(customer.page, "Hello Guest, I am Joe.");

  await keyboard.press("F6");
  await focused("#queue [role=row]");
  await keyboard.press("F6");
  await focused("[data-pane] h2");
  // Tab goes through the whole page and comes back: it is caught nowhere.
  const seenStops = new Set();
  for (let i = 0; i < 40; i++) {
    await keyboard.press("Tab");
    seenStops.add(await page.evaluate(() => document.activeElement?.tagName + (document.activeElement?.textContent ?? "").slice(0, 20)));
  }
  for (const stop of ["BUTTONTransfer", "BUTTONKeyboard", "TEXTAREA", "BUTTONSend"]) {
    assert.ok([...seenStops].some((found) => found.startsWith(stop)), `${stop} is reached: ${[...seenStops]}`);
  }
  await keyboard.press("g");
  if (await page.evaluate(() => document.activeElement?.matches("textarea"))) await keyboard.press("Escape");
  await keyboard.press("1");
  await focused("[data-pane] h2");
  await keyboard.press("e");
  await page.getByRole("dialog", { name: "Close this conversation" }).waitFor();
  await focused("textarea[name=note]");
  await keyboard.type("by keys");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await seen(page, "Note: by keys");
  assert.deepEqual([human.faults, customer.faults], [[], []]);
  for (const { context } of [human, customer]) await context.close();
});

for (const scheme of ["light", "dark"]) {
  test(`Chinese, ${scheme}, and a notice for who wants it`, { timeout: 90_000 }, async () => {
    const human = await open(browser, links.human, { ...wide, colorScheme: scheme, locale: "zh-CN", permissions: ["notifications"] });
    const { page } = human;
    await page.evaluate(() => {
      window.notices = [];
      window.Notification = class {
        static permission = "granted";
        constructor(title, { body }) { window.notices.push(body); }
      };
    });
    assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
    await assertAccessible(page);
    await page.locator("input[name=human]").fill("小明");
    await page.getByRole("button", { name: "打开工作台" }).click();
    const quiet = await ask(`Before (${scheme})`);
    await page.getByRole("navigation").getByText(`Before (${scheme})`).waitFor();
    assert.deepEqual(await page.evaluate(() => window.notices), [], "nobody is notified unasked");
    await page.getByRole("button", { name: "设置" }).click();
    await page.getByText("浏览器通知").click();
    await page.getByText("新客户和新消息提示音").click();
    await assertAccessible(page);
    await page.getByRole("dialog").getByRole("button", { name: "完成" }).click();

    const customer = await ask(`After (${scheme})`);
    await page.waitForFunction(() => window.notices.includes("访客 正在等待人工客服。"));
    await page.getByRole("navigation").getByText(`After (${scheme})`).click();
    const pane = paneOf(page, `After (${scheme})`);
    await pane.getByRole("button", { name: "接待" }).click();
    await pane.locator("textarea[name=text]").fill("您好");
    await pane.getByRole("button", { name: "发送" }).click();
    await seen(customer.page, "您好");
    await pane.getByText(/已送达|已读/).waitFor();
    for (const key of ["转接", "结束", "快捷回复"]) {
      await pane.getByRole("button", { name: key, exact: true }).click();
      await page.getByRole("dialog").waitFor();
      await assertAccessible(page);
      assert.equal(await page.getByRole("dialog").getByText(/[a-z]{4,}/i).filter({ hasNotText: /\{/ }).count(), 0, "no word of English");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await assertAccessible(page);
    await picture(page, `desk-zh-${scheme}`);
    assert.deepEqual(human.faults, []);
    for (const { context } of [human, customer, quiet]) await context.close();
  });
}

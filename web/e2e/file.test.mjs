// Files and typing, as two people see them, and that no file runs a program on
// this server's origin.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, call, demoLinks, enterDesk, launch, open, say, seen, serve } from "./helper.mjs";

let server, browser, links;

before(async () => {
  ({ server, found: links } = await serve(["demo"], {}, demoLinks));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
});

const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

// talk opens both pages in a conversation that is claimed.
async function talk(question) {
  const customer = await open(browser, links.customer);
  const human = await open(browser, links.human);
  await say(customer.page, question);
  await enterDesk(human.page);
  await human.page.getByText(question).first().click();
  await human.page.getByRole("button", { name: "Claim" }).click();
  return { customer, human };
}

test("files and typing go both ways", { timeout: 90_000 }, async () => {
  const { customer, human } = await talk("May I show you something?");
  await customer.page.locator("textarea[name=text]").pressSequentially("wait a");
  await human.page.getByText(/is typing…/).waitFor();
  await human.page.locator("textarea[name=text]").pressSequentially("yes");
  await customer.page.getByText(/is typing…/).waitFor();
  await say(customer.page, "here it comes");
  await human.page.getByText(/is typing…/).waitFor({ state: "detached" });

  await customer.page.getByLabel("Attach files").setInputFiles({ name: "pixel.png", mimeType: "image/png", buffer: pixel });
  const picture = human.page.getByRole("img", { name: "pixel.png" });
  await picture.waitFor();
  assert.equal(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth)), 1, "it is shown");
  await human.page.locator("input[type=file]").setInputFiles({ name: "minutes.txt", mimeType: "text/plain", buffer: Buffer.from("all of them") });
  await human.page.getByRole("button", { name: "Send" }).click();
  const link = customer.page.getByRole("link", { name: /minutes\.txt/ });
  await link.waitFor();
  const [saved] = await Promise.all([customer.page.waitForEvent("download"), link.click()]);
  assert.equal(saved.suggestedFilename(), "minutes.txt");
  await assertAccessible(customer.page);
  await assertAccessible(human.page);

  await customer.page.reload();
  await customer.page.getByRole("img", { name: "pixel.png" }).waitFor();
  await customer.page.getByLabel("Attach files").setInputFiles({ name: "lie.png", mimeType: "image/png", buffer: Buffer.from("<!DOCTYPE html>") });
  await customer.page.getByText(/Not delivered: the content is text\/html/).waitFor();
  assert.deepEqual(human.faults, []);
  assert.deepEqual(customer.faults.filter((fault) => !fault.includes("400")), []);
});

const program = "document.documentElement.setAttribute('data-ran', origin); parent.ran = true;";
const programs = {
  "page.html": ["text/html", `<!DOCTYPE html><html><body><p>hello</p><script>${program}</script><img src=x onerror="${program}"></body></html>`],
  "drawing.svg": ["image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" onload="${program}"><script>${program}</script><text>hello</text></svg>`],
  "page.xhtml": ["application/xhtml+xml", `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><script>${program}</script></body></html>`],
};

test("a file that is a program does not run", { timeout: 90_000 }, async () => {
  const { customer } = await talk("I have three programs.");
  await seen(customer.page, "I have three programs.");
  const { session, token } = await customer.page.evaluate(() => {
    const name = Object.keys(sessionStorage).find((key) => /^handoff\.chat\.[^.]*$/.test(key));
    return JSON.parse(sessionStorage.getItem(name));
  });
  const origin = new URL(customer.page.url()).origin;
  const rpc = (name, request) => call(`${origin}/handoff.v1.HandoffService/${name}`, token, { sessionId: session, ...request });
  const send = async (name, mimeType, text) => {
    const { uploadId, uploadUrl } = await rpc("CreateUpload", { name, mimeType, size: String(Buffer.byteLength(text)) });
    const put = await fetch(uploadUrl, { method: "PUT", body: text });
    assert.equal(put.status, 204, await put.text());
    const { message } = await rpc("SendMessage", { attachments: [{ uploadId }] });
    return message.attachments[0].url;
  };
  for (const [name, [mimeType, text]] of Object.entries(programs)) {
    const url = await send(name, mimeType, text);
    const page = await customer.context.newPage();
    const [saved] = await Promise.all([page.waitForEvent("download"), page.goto(url).catch(() => undefined)]);
    assert.equal(saved.suggestedFilename(), name, "it is saved, not opened");
    // And if a browser opened it all the same:
    await page.route(url, async (route) => {
      const response = await route.fetch();
      const headers = response.headers();
      delete headers["content-disposition"];
      await route.fulfill({ response, headers });
    });
    await page.goto(url);
    await page.waitForTimeout(300);
    assert.equal(await page.locator(":root[data-ran]").count(), 0, `${name} ran`);
    await page.close();
  }
  const url = await send("code.js", "text/javascript", program);
  const loaded = await customer.page.evaluate(
    (src) =>
      new Promise((resolve) => {
        const script = document.createElement("script");
        script.onload = () => resolve("loaded");
        script.onerror = () => resolve("refused");
        script.src = src;
        document.head.append(script);
      }),
    url,
  );
  assert.equal(loaded, "refused", "not even by a page of this server");
  assert.equal(await customer.page.locator(":root[data-ran]").count(), 0);
});

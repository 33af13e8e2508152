// An admin's consent at a vendor, in a browser that goes there and comes back.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, launch, serve } from "./helper.mjs";

const key = "an admin key for this test alone";
let dir, gateway, base, vendor, livechat, browser;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "handoff-consent-"));
  ({ server: gateway, found: base } = await serve(
    ["serve", "--listen", "127.0.0.1:0", "--database", `sqlite://${join(dir, "h.db")}`, "--allow-private-destinations"],
    { HANDOFF_ADMIN_KEY: key },
    (text) => /listening on (\S+)\n/.exec(text)?.[1],
  ));
  ({ server: vendor, found: livechat } = await serve(["emulate", "livechat", "--listen", "127.0.0.1:0"], {}, (text) => {
    const line = /configuration (\{.*\})\n/.exec(text)?.[1];
    return line && JSON.parse(line).livechat;
  }));
  delete livechat.refreshToken; // which is what the consent is for
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const process of [gateway, vendor]) process?.kill("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});

async function rpc(name, message) {
  const answer = await fetch(`${base}/handoff.v1.HandoffService/${name}`, {
    method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` }, body: JSON.stringify(message),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

// consent opens the link of an agent that is new and presses a button of the
// vendor's page. It returns what the page says to which the browser comes back.
async function consent(agentId, button, change = (url) => url) {
  const { authorizeUrl, status } = await rpc("ConfigureProvider", { agentId, livechat });
  assert.equal(status.reasonCode, "CONSENT", status.reason);
  return press(agentId, change(authorizeUrl), button);
}

async function press(agentId, url, button) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    const back = page.waitForResponse((r) => r.url().startsWith(`${base}/webhooks/livechat/`));
    await page.getByRole("button", { name: button, exact: true }).click();
    const answer = await back;
    const heading = await page.getByRole("heading").textContent();
    await assertAccessible(page);
    const text = await page.locator("main").innerText();
    const code = new URL(answer.url()).searchParams.get("code");
    assert.ok(!code || !(await page.content()).includes(code), "the code is nobody's to see");
    const after = await rpc("GetProvider", { agentId });
    return { http: answer.status(), heading, text, status: after.status, secrets: after.secretsSet, link: after.authorizeUrl, back: answer.url() };
  } finally {
    await page.close();
  }
}

function assertNothingStored(got) {
  assert.equal(got.heading, "No consent was stored");
  assert.equal(got.status.state, "SERVICE_STATE_UNAVAILABLE");
  assert.equal(got.status.reasonCode, "CONSENT");
  assert.ok(!got.secrets.includes("refresh_token"));
}

test("a consent connects the agent, and its link is good once", async () => {
  const got = await consent("good", "Allow");
  assert.equal(got.heading, "LiveChat is connected", got.text);
  assert.equal(got.http, 200);
  assert.equal(got.status.state, "SERVICE_STATE_AVAILABLE", got.status.reason);
  assert.ok(got.secrets.includes("refresh_token"));

  const page = await browser.newPage();
  const again = await page.goto(got.back);
  assert.equal(again.status(), 400);
  assert.match(await page.locator("main").innerText(), /CONSENT_LINK_UNKNOWN/);
  await page.close();
  const denied = await press("good", got.link, "Deny");
  assert.equal(denied.http, 403);
  assert.equal(denied.status.state, "SERVICE_STATE_AVAILABLE", "what works stays");
});

test("another state is no way back", async () => {
  const got = await consent("forged", "Allow with another state");
  assertNothingStored(got);
  assert.equal(got.http, 400);
  assert.match(got.text, /not the way back from a link of ours/);
  assert.match(got.text, /CONSENT_LINK_UNKNOWN/);
});

test("the state of another agent is no way back", async () => {
  const { authorizeUrl } = await rpc("ConfigureProvider", { agentId: "other", livechat });
  const stolen = new URL(authorizeUrl).searchParams.get("state");
  const got = await consent("victim", "Allow", (url) => {
    const changed = new URL(url);
    changed.searchParams.set("state", stolen);
    return changed.href;
  });
  assertNothingStored(got);
  assert.equal(got.http, 400);
});

test("a consent for another organization says which is wanted", async () => {
  const got = await consent("elsewhere", "Allow for another organization");
  assertNothingStored(got);
  assert.equal(got.http, 409);
  assert.match(got.text, new RegExp(`this connection is to ${livechat.organizationId}`));
  assert.match(got.status.reason, /sign in to LiveChat there/);
});

test("a refusal says that it was one", async () => {
  const got = await consent("denied", "Deny");
  assertNothingStored(got);
  assert.equal(got.http, 403);
  assert.match(got.text, /refused at the provider \("access_denied": "The user has denied access"\)/);
  assert.match(got.status.reason, /refused at the provider/);
});

test("a code that is over says so, and the next consent works", async () => {
  const got = await consent("stale", "Allow with a code that is over");
  assertNothingStored(got);
  assert.equal(got.http, 409);
  assert.match(got.text, /its few minutes are over/);
  assert.match(got.status.reason, /its few minutes are over/);
  const next = await press("stale", got.link, "Allow");
  assert.equal(next.heading, "LiveChat is connected", next.text);
});

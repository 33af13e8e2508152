// The client's browser example, gen/ts/examples/browser.ts, on a page of another
// origin, over a line that breaks.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, loadConfigFromFile } from "vite";
import { call, launch, serve } from "./helper.mjs";

const adminKey = "a key for this test alone";
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
let server, browser, base, folder, shop, line;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "handoff-example-"));
  await bundle();
  const env = { HANDOFF_ADMIN_KEY: adminKey, HANDOFF_LISTEN: "127.0.0.1:0", HANDOFF_DATABASE: `sqlite://${folder}/handoff.db` };
  ({ server, found: base } = await serve(["serve"], env, (text) => /listening on (\S+)\n/.exec(text)?.[1]));
  shop = await startShop();
  line = await startLine(base);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const listener of [shop, line]) {
    listener?.cut();
    listener?.close();
  }
  const gone = server && new Promise((resolve) => server.once("exit", resolve));
  server?.kill("SIGTERM");
  await gone;
  rmSync(folder, { recursive: true });
});

// bundle makes one script of the example and the client, as a shop's own build would.
async function bundle() {
  const { config } = await loadConfigFromFile({ command: "build", mode: "production" }, here("../vite.config.ts"));
  await build({
    configFile: false,
    root: here(".."),
    logLevel: "warn",
    resolve: config.resolve,
    build: {
      outDir: join(folder, "page"),
      emptyOutDir: true,
      lib: { entry: here("../../gen/ts/examples/browser.ts"), formats: ["es"], fileName: "example" },
    },
  });
}

const page = `<!doctype html><title>shop</title><ol></ol><script type="module">
  import { talk } from "/example.js";
  const show = (text) => document.querySelector("ol").append(Object.assign(document.createElement("li"), { textContent: text }));
  const query = new URLSearchParams(location.search);
  talk(query.get("gateway"), query.get("agent"), "Where is my parcel?", show).catch((error) => show("failed: " + error));
</script>`;

// startShop serves the page from an origin of its own.
async function startShop() {
  const script = readFileSync(join(folder, "page", "example.js"));
  const listener = createHttpServer(({ url }, answer) => {
    const [type, body] = url === "/example.js" ? ["text/javascript", script] : ["text/html", page];
    answer.writeHead(200, { "content-type": type }).end(body);
  });
  return listen(listener, () => listener.closeAllConnections());
}

// startLine passes connections on to the gateway until it is told to cut them.
async function startLine(target) {
  const sockets = new Set();
  const { hostname, port } = new URL(target);
  const listener = createServer((inward) => {
    const outward = connect(Number(port), hostname);
    for (const [from, to] of [[inward, outward], [outward, inward]]) {
      sockets.add(from);
      from.pipe(to).on("error", () => {});
      from.on("close", () => (sockets.delete(from), to.destroy()));
    }
  });
  return listen(listener, () => sockets.forEach((socket) => socket.destroy()));
}

async function listen(listener, cut) {
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return Object.assign(listener, { cut, origin: `http://127.0.0.1:${listener.address().port}` });
}

const rpc = (method, key, request) => call(`${base}/handoff.v1.${method}`, key, request);
const configure = (agentId, settings) =>
  rpc("HandoffService/ConfigureProvider", adminKey, {
    agentId, desk: {}, settings: { publicChat: true, allowedOrigins: [shop.origin], emailPolicy: "EMAIL_POLICY_OPTIONAL", ...settings },
  });

async function open(agent) {
  const context = await browser.newContext({ locale: "de" });
  const page = await context.newPage();
  const told = (text) => page.getByText(text, { exact: true }).waitFor();
  // The first answer is lost: a chat has begun, and the page does not know.
  await context.route("**/StartChat", async (route) => (await route.fetch(), route.abort()), { times: 1 });
  const lost = page.waitForEvent("requestfailed");
  await page.goto(`${shop.origin}/?agent=${agent}&gateway=${encodeURIComponent(line.origin)}`);
  await lost;
  return { context, page, told };
}

test("the browser example starts, talks, follows over a cut and closes, each once", { timeout: 60_000 }, async () => {
  await configure("shop", {});
  const { key } = await rpc("KeyService/CreateKey", adminKey, { scope: "SCOPE_DESK", agentId: "shop" });
  const customer = await open("shop");
  await customer.told("you: Is anybody there?");

  const { sessions } = await rpc("HandoffService/ListSessions", adminKey, { agentId: "shop" });
  assert.deepEqual(sessions.map(({ question, customer }) => [question, customer.locale]), [["Where is my parcel?", "de"]]);
  const sessionId = sessions[0].id;
  const reply = (text) => rpc("DeskService/Reply", key, { sessionId, human: "Joe", text });
  await rpc("DeskService/ClaimSession", key, { sessionId, human: "Joe" });
  await reply("Hello, this is Joe.");
  await customer.told("Joe: Hello, this is Joe.");
  line.cut();
  await reply("said while the line was cut");
  await customer.told("Joe: said while the line was cut");
  await reply("bye");
  await customer.told("The chat has ended.");
  assert.deepEqual(await customer.page.locator("li").allInnerTexts(), [
    "you: Is anybody there?", "Joe: Hello, this is Joe.", "Joe: said while the line was cut", "Joe: bye", "The chat has ended.",
  ]);
  const { session } = await rpc("HandoffService/GetSession", adminKey, { sessionId });
  assert.equal(session.closeReason, "CLOSE_REASON_CUSTOMER");
  await customer.context.close();
});

test("the browser example shows the reply of a decline", { timeout: 60_000 }, async () => {
  await configure("off", { enabled: false, outOfPeriodReply: "Back on Monday." });
  const customer = await open("off");
  await customer.page.locator("li").waitFor();
  const { declined } = await rpc("ChatService/StartChat", "", { agentId: "off" });
  assert.deepEqual(await customer.page.locator("li").allInnerTexts(), [declined.reply]);
  await customer.context.close();
});

// A server with its own database that tests configure, cut off and restart, and pages
// of other origins.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call, serve } from "./helper.mjs";

const adminKey = "a key for this test alone";

export class Gateway {
  #folder = mkdtempSync(join(tmpdir(), "handoff-e2e-"));
  #server;
  base;

  async start() {
    const listen = this.base ? new URL(this.base).host : "127.0.0.1:0"; // the same one again
    const env = { HANDOFF_ADMIN_KEY: adminKey, HANDOFF_LISTEN: listen, HANDOFF_DATABASE: `sqlite://${this.#folder}/handoff.db` };
    const address = (text) => /listening on (\S+)\n/.exec(text)?.[1];
    ({ server: this.#server, found: this.base } = await serve(["serve"], env, address));
    return this;
  }

  async kill(signal = "SIGKILL") {
    const gone = new Promise((resolve) => this.#server.once("exit", resolve));
    this.#server.kill(signal);
    await gone;
  }

  async stop() {
    await this.kill("SIGTERM");
    rmSync(this.#folder, { recursive: true });
  }

  rpc(method, request, key = adminKey) {
    return call(`${this.base}/handoff.v1.${method}`, key, request);
  }

  configure(agentId, settings = {}, provider = { desk: {} }) {
    const free = { publicChat: true, emailPolicy: "EMAIL_POLICY_OPTIONAL" };
    return this.rpc("HandoffService/ConfigureProvider", { agentId, ...provider, settings: { ...free, ...settings } });
  }

  async sessions(agentId) {
    const { sessions = [] } = await this.rpc("HandoffService/ListSessions", { agentId });
    return sessions;
  }

  // human returns what a human of the agent's desk does in its latest session.
  async human(agentId, human = "Joe") {
    const { key } = await this.rpc("KeyService/CreateKey", { scope: "SCOPE_DESK", agentId });
    const [{ id: sessionId }] = await this.sessions(agentId);
    const act = (name, more) => this.rpc(`DeskService/${name}`, { sessionId, human, ...more }, key);
    await act("ClaimSession", {});
    return { sessionId, reply: (text) => act("Reply", { text }), read: (readUpTo) => this.rpc("DeskService/SendSignal", { sessionId, human, readUpTo }, key) };
  }

  async messages(sessionId) {
    const { events } = await this.rpc("HandoffService/ListEvents", { sessionId, pageSize: 1000 });
    return events.flatMap(({ message }) => (message ? [message] : []));
  }
}

// site serves one page from an origin of its own, with a policy as strict as pages have.
export async function site(html, policy) {
  const listener = createServer((_, answer) => {
    answer.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy }).end(html);
  });
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${listener.address().port}`,
    stop() {
      listener.closeAllConnections();
      listener.close();
    },
  };
}

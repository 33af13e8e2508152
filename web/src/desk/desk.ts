import { DeskService, type DeskSession, reopen, SessionState } from "@human-handoff/client";
import { type Client, createClient } from "@connectrpc/connect";
import { byId } from "../shared/dom.js";
import { LineNotice, pauseUntilOnline, whileOnline } from "../shared/line.js";
import { callTimeout, explain, serverTransport } from "../shared/rpc.js";
import { Conversation } from "./conversation.js";
import { ConversationView } from "./conversation-view.js";
import { askForm } from "./dialogs.js";
import { Queue } from "./queue.js";
import { QueueView } from "./queue-view.js";

export interface Identity {
  readonly key: string;
  readonly agent: string;
  readonly human: string;
}

/** The desk of one human: the queue on one side, the chosen conversation on the other. */
export class Desk {
  readonly #who: Identity;
  readonly #client: Client<typeof DeskService>;
  readonly #queue = new Queue();
  readonly #queueView = new QueueView((id) => this.#select(id));
  readonly #line = new LineNotice(byId("line", HTMLElement));
  readonly #drafts = new Map<string, string>();
  readonly #view: ConversationView;
  #open: { readonly conversation: Conversation; entry: DeskSession } | undefined;

  constructor(who: Identity) {
    this.#who = who;
    this.#client = createClient(DeskService, serverTransport(who.key));
    this.#view = new ConversationView({
      reply: (text) => this.#open?.conversation.reply(text),
      file: (file) => void this.#open?.conversation.attach(file),
      typing: (active) => this.#open?.conversation.typing(active),
      claim: () => void this.#claim(),
      transfer: () => void this.#transfer(),
      close: () => void this.#close(),
      back: () => this.#leave(),
    });
  }

  /** Follows the queue; returns why it cannot be followed any more. */
  async run(): Promise<string> {
    window.setInterval(() => this.#show(), 5_000); // waiting times grow
    let first = true;
    const parts = reopen(
      (signal) => {
        first = true;
        return this.#client.streamDesk({ agentId: this.#who.agent }, { signal: whileOnline(signal) });
      },
      { pause: pauseUntilOnline, onOpen: () => this.#line.up(), onBreak: () => this.#line.down() },
    );
    try {
      for await (const { sessions } of parts) {
        this.#queue.take(sessions, first);
        first = false;
        this.#show();
      }
      return "";
    } catch (thrown) {
      this.#leave();
      return explain(thrown);
    }
  }

  #show(): void {
    const open = this.#open;
    if (open) {
      open.entry = this.#queue.get(open.conversation.id) ?? open.entry;
      this.#view.standing(open.conversation.state, open.entry.assignee, this.#who.human);
    }
    this.#queueView.show(this.#queue, this.#who.human, open?.conversation.id);
  }

  #select(id: string): void {
    const entry = this.#queue.get(id);
    if (!entry || this.#open?.conversation.id === id) return;
    this.#leave();
    this.#view.open(entry, this.#drafts.get(id) ?? "");
    const conversation = new Conversation(this.#client, this.#view, entry, this.#who.human);
    this.#open = { conversation, entry };
    this.#show();
    void conversation.follow(({ sequence }) => {
      this.#queue.saw(id, sequence);
      this.#show();
    });
  }

  #leave(): void {
    if (!this.#open) return;
    this.#drafts.set(this.#open.conversation.id, this.#view.draft);
    this.#open.conversation.leave();
    this.#open = undefined;
    this.#view.hide();
    this.#show();
  }

  #claim(): Promise<void> {
    const human = this.#who.human;
    return this.#act(async (sessionId, { assignee }) => {
      if (assignee === "") return (await this.#client.claimSession({ sessionId, human }, callTimeout)).session;
      return (await this.#client.transferSession({ sessionId, assignee: human }, callTimeout)).session;
    });
  }

  #transfer(): Promise<void> {
    return this.#act(async (sessionId) => {
      const values = await askForm("transfer-dialog");
      if (!values) return undefined;
      return (await this.#client.transferSession({ sessionId, ...values }, callTimeout)).session;
    });
  }

  #close(): Promise<void> {
    return this.#act(async (sessionId) => {
      const values = await askForm("close-dialog");
      if (!values) return undefined;
      await this.#open?.conversation.replied();
      await this.#client.closeSession({ sessionId, ...values }, callTimeout);
      return undefined; // the log tells of it
    });
  }

  // Does something with the open session and shows what came of it.
  async #act(run: (id: string, entry: DeskSession) => Promise<DeskSession | undefined>): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#view.problem("");
    try {
      const changed = await run(open.conversation.id, open.entry);
      if (changed?.session && changed.session.state !== SessionState.CLOSED) this.#queue.take([changed], false);
      this.#show();
      if (this.#open === open) this.#view.focusText();
    } catch (thrown) {
      if (this.#open === open) this.#view.problem(explain(thrown));
    }
  }
}

import {
  type Attachment,
  Author,
  type CloseReason,
  type Event,
  type Message,
  MessageStatus,
  ParticipantChanged_Change,
  SessionState,
} from "@human-handoff/client";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";

/** A message of the log, or one of the human's that is under way. */
export interface Said {
  readonly kind: "said";
  readonly key: string;
  readonly by: "customer" | "human";
  /** As the log names them. Empty: the log does not. */
  readonly author: string;
  readonly text: string;
  readonly files: readonly Attachment[];
  /** Names of files that are not with the server yet. */
  readonly fileNames: readonly string[];
  readonly time: Timestamp | undefined;
  readonly status: MessageStatus;
  readonly detail: string;
  /** Why the server refused it. */
  readonly refusal?: ConnectError;
}

/** What happened beside the messages. */
export type Remark =
  | { readonly case: "joined" | "left"; readonly name: string }
  | { readonly case: "prompted" }
  | { readonly case: "system"; readonly text: string }
  | { readonly case: "closed"; readonly reason: CloseReason }
  | { readonly case: "outcome"; readonly disposition: string }
  | { readonly case: "note"; readonly text: string };

export interface Remarked {
  readonly kind: "remark";
  readonly key: string;
  readonly remark: Remark;
}

export type Item = Said | Remarked;

/**
 * What a session's log and the human's own messages look like together. The log
 * keeps its order; what is under way stands below it until the log has it.
 */
export class Transcript {
  #logged: readonly Item[] = [];
  #pending: readonly Said[] = [];
  #state = SessionState.UNSPECIFIED;
  #last = 0n;

  get items(): readonly Item[] {
    return [...this.#logged, ...this.#pending];
  }

  /** The session's state as the log tells it; UNSPECIFIED before the first event. */
  get state(): SessionState {
    return this.#state;
  }

  /** The last sequence that was applied. */
  get last(): bigint {
    return this.#last;
  }

  /** Shows a message that is under way. Showing it again makes it wait once more. */
  pending(id: string, text: string, fileNames: readonly string[] = []): void {
    const known = this.#pending.find(({ key }) => key === id);
    const item: Said = {
      kind: "said", key: id, by: "human", author: "", text, files: [], fileNames: known?.fileNames ?? fileNames,
      time: undefined, status: MessageStatus.UNSPECIFIED, detail: "",
    };
    this.#pending = known ? this.#pending.map((said) => (said === known ? item : said)) : [...this.#pending, item];
  }

  /** Marks a message that the server refused. It stays where it is. */
  refused(id: string, refusal: ConnectError): void {
    this.#pending = this.#pending.map((said) =>
      said.key === id ? { ...said, status: MessageStatus.FAILED, refusal } : said,
    );
  }

  /** Takes away a message that never reached the server. */
  discard(id: string): void {
    this.#pending = this.#pending.filter(({ key }) => key !== id);
  }

  /** Takes the next event of the log. An event that is known already changes nothing. */
  apply(event: Event): void {
    if (event.sequence <= this.#last) return;
    this.#last = event.sequence;
    const { body } = event;
    switch (body.case) {
      case "message":
        return this.#message(body.value, event.sequence);
      case "messageStatus":
        return this.#change(body.value.messageId, { status: body.value.status, detail: body.value.detail });
      case "attachmentChanged":
        return this.#file(body.value.messageId, body.value.attachment);
      case "stateChanged": {
        const { state, closeReason, outcome } = body.value;
        this.#state = state;
        if (state !== SessionState.CLOSED) return;
        this.#remark(event.sequence, { case: "closed", reason: closeReason });
        if (outcome?.disposition) this.#remark(event.sequence, { case: "outcome", disposition: outcome.disposition });
        if (outcome?.note) this.#remark(event.sequence, { case: "note", text: outcome.note });
        return;
      }
      case "participantChanged": {
        const joined = body.value.change === ParticipantChanged_Change.JOINED;
        return this.#remark(event.sequence, { case: joined ? "joined" : "left", name: body.value.name });
      }
      case "waitPrompt":
        return this.#remark(event.sequence, { case: "prompted" });
      default: // nothing that the desk shows
    }
  }

  #message(message: Message, sequence: bigint): void {
    if (message.author === Author.SYSTEM) return this.#remark(sequence, { case: "system", text: message.text });
    this.#pending = this.#pending.filter(({ key }) => key !== message.clientMessageId);
    const item: Said = {
      kind: "said", key: message.id, by: message.author === Author.CUSTOMER ? "customer" : "human",
      author: message.authorName, text: message.text, files: message.attachments, fileNames: [],
      time: message.time, status: message.status, detail: "",
    };
    this.#logged = [...this.#logged, item];
  }

  #remark(sequence: bigint, remark: Remark): void {
    this.#logged = [...this.#logged, { kind: "remark", key: `${sequence}-${remark.case}`, remark }];
  }

  #change(id: string, part: Partial<Said>): void {
    this.#logged = this.#logged.map((item) => (item.kind === "said" && item.key === id ? { ...item, ...part } : item));
  }

  #file(id: string, attachment: Attachment | undefined): void {
    const item = this.#logged.find(({ key }) => key === id);
    if (!attachment || item?.kind !== "said") return;
    this.#change(id, { files: item.files.map((file) => (file.id === attachment.id ? attachment : file)) });
  }
}

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Attachment_Status, Author, CloseReason, type Event, EventSchema, MessageStatus, SessionState } from "@human-handoff/client";
import { expect, test } from "vitest";
import { type Item, Transcript } from "../src/desk/state/transcript.js";

type Body = NonNullable<Parameters<typeof create<typeof EventSchema>>[1]>["body"];
const event = (sequence: bigint, body: NonNullable<Body>): Event => create(EventSchema, { sequence, body });
const said = (sequence: bigint, author: Author, text: string, clientMessageId = ""): Event =>
  event(sequence, { case: "message", value: { id: `m${sequence}`, clientMessageId, author, text, time: { seconds: 1n } } });
const texts = (items: readonly Item[]) => items.map((item) => (item.kind === "said" ? item.text : item.remark.case));

test("what is under way stands below the log until the log has it, once", () => {
  const transcript = new Transcript();
  transcript.pending("a", "first");
  transcript.pending("b", "second");
  transcript.apply(said(1n, Author.CUSTOMER, "hello"));
  expect(texts(transcript.items)).toEqual(["hello", "first", "second"]);
  transcript.apply(said(2n, Author.HUMAN, "first", "a"));
  transcript.apply(said(2n, Author.HUMAN, "first", "a"));
  expect(texts(transcript.items)).toEqual(["hello", "first", "second"]);
  expect(transcript.items.map(({ key }) => key)).toEqual(["m1", "m2", "b"]);
  expect(transcript.last).toBe(2n);
});

test("a refused message stays, and goes again or away", () => {
  const transcript = new Transcript();
  transcript.pending("a", "", ["x.png"]);
  transcript.refused("a", new ConnectError("too large", Code.InvalidArgument));
  expect(transcript.items[0]).toMatchObject({ status: MessageStatus.FAILED, fileNames: ["x.png"] });
  transcript.pending("a", "", []);
  expect(transcript.items[0]).toMatchObject({ status: MessageStatus.UNSPECIFIED, fileNames: ["x.png"] });
  transcript.discard("a");
  expect(transcript.items).toEqual([]);
});

test("later news of a message and of its files change what stands there", () => {
  const transcript = new Transcript();
  const pending = { id: "f", status: Attachment_Status.PENDING };
  transcript.apply(event(1n, { case: "message", value: { id: "m", author: Author.HUMAN, attachments: [pending] } }));
  transcript.apply(event(2n, { case: "messageStatus", value: { messageId: "m", status: MessageStatus.READ } }));
  transcript.apply(event(3n, { case: "attachmentChanged", value: { messageId: "m", attachment: { id: "f", status: Attachment_Status.READY } } }));
  expect(transcript.items).toHaveLength(1);
  expect(transcript.items[0]).toMatchObject({ status: MessageStatus.READ, files: [{ id: "f", status: Attachment_Status.READY }] });
});

test("the end is told with its outcome and its note", () => {
  const transcript = new Transcript();
  const outcome = { disposition: "solved", note: "found it" };
  transcript.apply(event(1n, { case: "stateChanged", value: { state: SessionState.CLOSED, closeReason: CloseReason.HUMAN, outcome } }));
  expect(texts(transcript.items)).toEqual(["closed", "outcome", "note"]);
  expect(transcript.state).toBe(SessionState.CLOSED);
});

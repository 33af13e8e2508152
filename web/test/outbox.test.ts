import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Outbox, type Outgoing } from "../src/shared/outbox.js";
import { Slot } from "../src/shared/store.js";

/** A store as a tab has it, which outlives the page. */
function tab() {
  const values = new Map<string, string>();
  return {
    getItem: (name: string) => values.get(name) ?? null,
    setItem: (name: string, value: string) => void values.set(name, value),
    removeItem: (name: string) => void values.delete(name),
  };
}

/** A server that answers each attempt with the next outcome; then it takes everything. */
function outbox(storage: ReturnType<typeof tab>, ...outcomes: (ConnectError | "lost answer")[]) {
  const attempts: Outgoing[] = [];
  const refused: string[] = [];
  const box = new Outbox({
    kept: new Slot(storage, "outbox"),
    send: async (message) => {
      attempts.push(message);
      const outcome = outcomes.shift();
      if (outcome === "lost answer") throw new ConnectError("cut", Code.Unavailable);
      if (outcome) throw outcome;
    },
    pause: () => Promise.resolve(),
    onRefused: ({ text }) => refused.push(text),
  });
  return { box, attempts, refused };
}

const texts = (messages: readonly Outgoing[]) => messages.map(({ text }) => text);

test("messages go out in the order of writing, each repeated under its own id", async () => {
  const { box, attempts } = outbox(tab(), "lost answer", "lost answer");
  box.add("one");
  box.add("two");
  await box.run();
  expect(texts(attempts)).toEqual(["one", "one", "one", "two"]);
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(2);
  expect(box.waiting).toEqual([]);
});

test("a message that is added meanwhile goes out too, once", async () => {
  const { box, attempts } = outbox(tab());
  box.add("one");
  const first = box.run();
  box.add("two");
  await Promise.all([first, box.run()]);
  box.add("three");
  await box.run();
  expect(texts(attempts)).toEqual(["one", "two", "three"]);
});

test("a reload goes on with the same messages under the same ids", async () => {
  const storage = tab();
  const before = outbox(storage).box;
  const kept = [before.add("one"), before.add("two")];
  const after = outbox(storage);
  await after.box.run();
  expect(after.attempts).toEqual(kept);
  expect(outbox(storage).box.waiting).toEqual([]);
});

test("a message that is refused for good is told, and the next one goes on", async () => {
  const { box, attempts, refused } = outbox(tab(), new ConnectError("closed", Code.FailedPrecondition));
  box.add("one");
  box.add("two");
  await box.run();
  expect(refused).toEqual(["one"]);
  expect(texts(attempts)).toEqual(["one", "two"]);
});

test("a key that is refused keeps the messages", async () => {
  const { box, refused } = outbox(tab(), new ConnectError("revoked", Code.Unauthenticated));
  box.add("one");
  await box.run();
  expect(texts(box.waiting)).toEqual(["one"]);
  expect(refused).toEqual([]);
});

test("after a stop nothing goes out, and nothing is forgotten", async () => {
  const { box, attempts } = outbox(tab());
  box.add("one");
  box.stop();
  await box.run();
  expect(attempts).toEqual([]);
  expect(texts(box.waiting)).toEqual(["one"]);
});

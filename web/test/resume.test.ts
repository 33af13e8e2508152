import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Event, EventSchema, type EventPart, reopen, resumeEvents, SessionState } from "@human-handoff/client";
import { expect, test } from "vitest";

const told = (sequence: bigint): Event =>
  create(EventSchema, { sequence, body: { case: "message", value: { text: `text ${sequence}` } } });
const closed = (sequence: bigint): Event =>
  create(EventSchema, { sequence, body: { case: "stateChanged", value: { state: SessionState.CLOSED } } });
const part = (...events: Event[]): EventPart => ({ events, signals: [] });
const pause = () => Promise.resolve();

/** A server that plays one list of parts for each connection; an error breaks it. */
function server(...connections: (EventPart | ConnectError)[][]) {
  const asked: bigint[] = [];
  const open = async function* (after: bigint): AsyncGenerator<EventPart> {
    asked.push(after);
    for (const step of connections.shift() ?? []) {
      if (step instanceof ConnectError) throw step;
      yield step;
    }
  };
  return { asked, open };
}

async function sequences(events: AsyncIterable<Event>): Promise<bigint[]> {
  const all: bigint[] = [];
  for await (const { sequence } of events) all.push(sequence);
  return all;
}

test("a broken stream goes on after the last event, without gap or repeat", async () => {
  const { asked, open } = server(
    [part(told(1n), told(2n)), new ConnectError("cut", Code.Unavailable)],
    [], // the server stops: a clean end before CLOSED
    [part(told(2n), told(3n)), part(), part(closed(4n))],
  );
  expect(await sequences(resumeEvents(open, { pause }))).toEqual([1n, 2n, 3n, 4n]);
  expect(asked).toEqual([0n, 2n, 2n]);
});

test("it begins after a given sequence", async () => {
  const { asked, open } = server([part(closed(8n))]);
  expect(await sequences(resumeEvents(open, { pause, afterSequence: 7n }))).toEqual([8n]);
  expect(asked).toEqual([7n]);
});

test("what no further attempt can mend is thrown", async () => {
  const { open } = server([part(told(1n)), new ConnectError("revoked", Code.Unauthenticated)]);
  await expect(sequences(resumeEvents(open, { pause }))).rejects.toMatchObject({ code: Code.Unauthenticated });
});

test("pauses grow, up to a limit, and begin anew after an answer", async () => {
  const pauses: number[] = [];
  const cut = new ConnectError("cut", Code.Unavailable);
  const { open } = server([cut], [cut], [cut], [cut], [part(told(1n)), cut], [part(closed(2n))]);
  const options = {
    firstDelay: 100,
    longestDelay: 400,
    pause: (delay: number) => (pauses.push(delay), Promise.resolve()),
  };
  await sequences(resumeEvents(open, options));
  const full = [100, 200, 400, 400, 100];
  expect(pauses).toHaveLength(full.length);
  pauses.forEach((delay, i) => {
    expect(delay).toBeGreaterThanOrEqual(full[i]! / 2);
    expect(delay).toBeLessThanOrEqual(full[i]!);
  });
});

test("a silent connection is cut and opened again", async () => {
  let connections = 0;
  const open = async function* (signal: AbortSignal): AsyncGenerator<string> {
    connections++;
    yield `connection ${connections}`;
    if (connections === 1) await new Promise((_, cut) => signal.addEventListener("abort", () => cut(signal.reason)));
  };
  const seen: string[] = [];
  for await (const value of reopen(open, { pause, silence: 20 })) {
    seen.push(value);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual(["connection 1", "connection 2"]);
});

test("an abort ends it, in a pause too", async () => {
  const life = new AbortController();
  const { open } = server([new ConnectError("cut", Code.Unavailable)]);
  const events = resumeEvents(open, { signal: life.signal, firstDelay: 60_000, onBreak: () => setTimeout(() => life.abort()) });
  expect(await sequences(events)).toEqual([]);
});

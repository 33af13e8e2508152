// Streams that outlive their connections: a stream that breaks is opened again
// where it stopped.
import { Code, ConnectError } from "@connectrpc/connect";
import type { Event, Signal } from "./src/handoff/v1/event_pb.js";
import { SessionState } from "./src/handoff/v1/session_pb.js";

/** One part of StreamReplies or StreamSession; an empty one is a heartbeat. */
export interface EventPart {
  readonly events: readonly Event[];
  readonly signals: readonly Signal[];
}

/** What may be set when a stream is kept open. Times are in milliseconds. */
export interface ReopenOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  /** The first pause after a failure; each further one doubles it. Default: 500. */
  readonly firstDelay?: number;
  /** The longest pause. Default: 30,000. */
  readonly longestDelay?: number;
  /**
   * How long nothing may come, not even a heartbeat, until the connection counts
   * as dead. The server beats every 15 seconds. Default: 40,000.
   */
  readonly silence?: number;
  /** Waits before the next attempt. A page may cut it short when it is online again. */
  readonly pause?: (delay: number, signal: AbortSignal) => Promise<void>;
  /** Told when a stream has answered. */
  readonly onOpen?: () => void;
  /** Told when a stream broke; another attempt follows. */
  readonly onBreak?: (cause: ConnectError | undefined) => void;
}

/** What may be set when events are resumed. */
export interface ResumeOptions extends ReopenOptions {
  /** The last sequence that was seen. Default: 0, the whole log. */
  readonly afterSequence?: bigint;
  /** Told of each signal. Signals are not logged, so those sent during a break are lost. */
  readonly onSignal?: (signal: Signal) => void;
}

/**
 * Yields a session's events in order, each once, over as many connections as it
 * takes. It ends after the event CLOSED or when `signal` is aborted, and throws
 * what no further attempt can mend, for instance a key that was revoked.
 *
 *     const open = (afterSequence: bigint, signal: AbortSignal) =>
 *       client.streamReplies({ sessionId, afterSequence }, { signal });
 *     for await (const event of resumeEvents(open)) { … }
 *
 * Do not resume a log whose CLOSED you have: nothing follows, so this would wait
 * for ever.
 */
export async function* resumeEvents(
  open: (afterSequence: bigint, signal: AbortSignal) => AsyncIterable<EventPart>,
  options: ResumeOptions = {},
): AsyncGenerator<Event, void, undefined> {
  let last = options.afterSequence ?? 0n;
  for await (const part of reopen((signal) => open(last, signal), options)) {
    for (const signal of part.signals) options.onSignal?.(signal);
    for (const event of part.events) {
      if (event.sequence <= last) continue;
      last = event.sequence;
      yield event;
      if (isClosed(event)) return;
    }
  }
}

/**
 * Yields the parts of a stream that is opened again whenever it breaks or ends,
 * with a pause that grows while nothing comes and differs between clients, so
 * that they do not all come back at once.
 */
export async function* reopen<Part>(
  open: (signal: AbortSignal) => AsyncIterable<Part>,
  options: ReopenOptions = {},
): AsyncGenerator<Part, void, undefined> {
  const ended = options.signal ?? new AbortController().signal;
  const pause = options.pause ?? sleep;
  let failures = 0;
  while (!ended.aborted) {
    let cause: ConnectError | undefined;
    let answered = false;
    try {
      for await (const part of once(open, ended, options.silence ?? 40_000)) {
        if (!answered) options.onOpen?.();
        answered = true;
        failures = 0;
        yield part;
      }
    } catch (error) {
      cause = ConnectError.from(error);
      if (ended.aborted) return;
      if (isPermanent(cause)) throw cause;
    }
    if (ended.aborted) return;
    options.onBreak?.(cause);
    await pause(delayAfter(failures, options), ended);
    failures++;
  }
}

/** Tells whether the same call would fail again however often it is repeated. */
export function isPermanent(error: ConnectError): boolean {
  return permanent.has(error.code);
}

const permanent = new Set<Code>([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.Unauthenticated,
]);

/** Half of the pause is fixed, half is chance. */
export function delayAfter(failures: number, options: Pick<ReopenOptions, "firstDelay" | "longestDelay">): number {
  const full = Math.min((options.firstDelay ?? 500) * 2 ** failures, options.longestDelay ?? 30_000);
  return full / 2 + (Math.random() * full) / 2;
}

// A single connection, cut when it is silent for too long: a network that is gone
// often does not say so.
async function* once<Part>(
  open: (signal: AbortSignal) => AsyncIterable<Part>,
  ended: AbortSignal,
  silence: number,
): AsyncGenerator<Part, void, undefined> {
  const connection = new AbortController();
  const end = () => connection.abort(ended.reason);
  const silent = () => connection.abort(new ConnectError("the server is silent", Code.Unavailable));
  ended.addEventListener("abort", end);
  let timer = setTimeout(silent, silence);
  try {
    for await (const part of open(connection.signal)) {
      clearTimeout(timer);
      yield part;
      timer = setTimeout(silent, silence);
    }
  } finally {
    clearTimeout(timer);
    ended.removeEventListener("abort", end);
    connection.abort();
  }
}

function isClosed(event: Event): boolean {
  return event.body.case === "stateChanged" && event.body.value.state === SessionState.CLOSED;
}

function sleep(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delay);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

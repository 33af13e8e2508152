import { type DeskSession, MessageStatus } from "@human-handoff/client";
import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { customerName } from "../state/queue.js";
import type { Texts } from "./en.js";

/** How long ago a time is, roughly. */
export function age(t: Texts, time: Timestamp | undefined, now: number): string {
  if (!time) return "";
  const seconds = Math.max(0, Math.floor((now - timestampDate(time).getTime()) / 1000));
  if (seconds < 60) return t.age.seconds(seconds);
  if (seconds < 3600) return t.age.minutes(Math.floor(seconds / 60));
  return t.age.hours(Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60));
}

/** A number of bytes, roughly. */
export function size(t: Texts, bytes: bigint): string {
  const n = Number(bytes);
  if (n < 1024) return t.size.bytes(String(n));
  if (n < 1024 * 1024) return t.size.kib(String(Math.round(n / 1024)));
  return t.size.mib((n / 1024 / 1024).toFixed(1));
}

/** Says what went wrong. */
export function explain(t: Texts, error: ConnectError): string {
  switch (error.code) {
    case Code.Unauthenticated:
      return t.problem.key;
    case Code.PermissionDenied:
      return t.problem.scope;
    case Code.InvalidArgument:
    case Code.FailedPrecondition:
      return error.rawMessage || t.problem.refused;
    case Code.ResourceExhausted:
      return t.problem.busy;
    default:
      return t.problem.line;
  }
}

/** How far a message got. */
export function statusText(t: Texts, status: MessageStatus, detail: string): string {
  switch (status) {
    case MessageStatus.UNSPECIFIED:
      return t.status.sending;
    case MessageStatus.ACCEPTED:
      return t.status.sent;
    case MessageStatus.DELIVERED:
      return t.status.delivered;
    case MessageStatus.READ:
      return t.status.read;
    default:
      return detail === "" ? t.status.failed : t.failed(detail);
  }
}

/** What to call the customer of a session. */
export function nameOf(t: Texts, entry: DeskSession): string {
  return customerName(entry) || t.guest;
}

/** The name of an outcome, or the outcome itself when the desk does not know it. */
export function dispositionText(t: Texts, disposition: string): string {
  return disposition in t.disposition ? t.disposition[disposition as keyof Texts["disposition"]] : disposition;
}

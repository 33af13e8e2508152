import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { CloseReason, MessageStatus } from "./client.js";
import { type Language, languages, pickLanguage, type Texts } from "./texts.js";

/** Says things to the customer in one language. */
export class Locale {
  readonly language: Language;
  readonly texts: Texts;

  /** Takes the best language for somebody who wants these, the most wanted first. */
  constructor(wanted: readonly string[] = navigator.languages) {
    this.language = pickLanguage(wanted);
    this.texts = languages[this.language];
  }

  /** The hour and minute of a time. */
  clock(time: Timestamp | undefined): string {
    return time ? timestampDate(time).toLocaleTimeString(this.language, { hour: "2-digit", minute: "2-digit" }) : "";
  }

  /** Day, hour and minute of a time. */
  dayAndClock(time: Timestamp): string {
    return timestampDate(time).toLocaleString(this.language, { dateStyle: "full", timeStyle: "short" });
  }

  /** A number of bytes, roughly. */
  size(bytes: bigint): string {
    const n = Number(bytes);
    const [value, unit] = n < 1e3 ? [n, "byte"] : n < 1e6 ? [n / 1e3, "kilobyte"] : [n / 1e6, "megabyte"];
    const unitDisplay = n < 1e3 ? "long" : "short"; // "2 bytes", but "2 kB"
    return value.toLocaleString(this.language, { style: "unit", unit, unitDisplay, maximumFractionDigits: 1 });
  }

  /** How far a message got. */
  status(status: MessageStatus): string {
    const { sending, sent, delivered, read, failed } = this.texts;
    return [sending, sent, delivered, read, failed][status] ?? "";
  }

  /** Why a chat ended. */
  close(reason: CloseReason): string {
    const t = this.texts;
    const known: Partial<Record<CloseReason, string>> = {
      [CloseReason.CUSTOMER]: t.closedByCustomer,
      [CloseReason.HUMAN]: t.closedByHuman,
      [CloseReason.OPERATOR]: t.closedByOperator,
      [CloseReason.WAIT_TIMEOUT]: t.closedByWait,
      [CloseReason.SESSION_TIMEOUT]: t.closedBySilence,
      [CloseReason.PROVIDER_FAILED]: t.closedByFailure,
      [CloseReason.EXPIRED]: t.closedByAge,
    };
    return known[reason] ?? t.closed;
  }

  /** What went wrong. */
  explain(thrown: unknown): string {
    const { code, rawMessage } = ConnectError.from(thrown);
    const t = this.texts;
    switch (code) {
      case Code.Unauthenticated:
        return t.tokenOver;
      case Code.PermissionDenied:
        return t.forbidden;
      case Code.InvalidArgument:
      case Code.FailedPrecondition:
        return rawMessage || t.refused;
      case Code.ResourceExhausted:
        return t.tooMuch;
      default:
        return t.unreachable;
    }
  }
}

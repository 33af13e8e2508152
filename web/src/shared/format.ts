import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";

/** The hour and minute of a time, as the reader's language writes them. */
export function clock(time: Timestamp | undefined): string {
  return time ? timestampDate(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
}

/** Day, hour and minute of a time. */
export function dayAndClock(time: Timestamp): string {
  return timestampDate(time).toLocaleString([], { dateStyle: "full", timeStyle: "short" });
}

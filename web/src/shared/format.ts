import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";

/** The hour and minute of a time, as the reader's language writes them. */
export function clock(time: Timestamp | undefined): string {
  return time ? timestampDate(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
}

/** Day, hour and minute of a time. */
export function dayAndClock(time: Timestamp): string {
  return timestampDate(time).toLocaleString([], { dateStyle: "full", timeStyle: "short" });
}

/** A number of bytes, roughly. */
export function size(bytes: bigint): string {
  const n = Number(bytes);
  if (n < 1024) return `${n} bytes`;
  if (n < 1024 * 1024) return `${Math.round(n / 1024)} KiB`;
  return `${(n / 1024 / 1024).toFixed(1)} MiB`;
}

/** How long ago a time is, roughly. */
export function age(time: Timestamp | undefined, now = Date.now()): string {
  if (!time) return "";
  const seconds = Math.max(0, Math.floor((now - timestampDate(time).getTime()) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

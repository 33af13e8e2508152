/** What a key may ask for. */
export type Command =
  | "nextRegion" | "previousRegion" | "help" | "queue" | "next" | "claim" | "write" | "leave"
  | "canned" | "attach" | "transfer" | "close" | "hide" | "settings" | `pane${number}`;

/** The keys as the help names them, and the text of the catalogue for each. */
export const keyHelp = [
  ["F6", "region"], ["?", "help"], ["G", "queue"], ["1 … 9", "pane"], ["N", "next"], ["C", "claim"], ["R", "write"],
  ["Esc", "leave"], ["Enter", "send"], ["/", "canned"], ["A", "attach"], ["T", "transfer"], ["E", "close"],
  ["H", "hide"], [",", "settings"],
] as const;

const single: Record<string, Command> = {
  "?": "help", g: "queue", n: "next", c: "claim", r: "write", "/": "canned", a: "attach", t: "transfer", e: "close",
  h: "hide", ",": "settings",
};

export interface Pressed {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly isComposing: boolean;
  readonly repeat: boolean;
}

/** Tells what a key means. Single keys are for where no text is typed, and for humans who want them. */
export function commandOf(pressed: Pressed, inText: boolean, singleKeys: boolean): Command | undefined {
  const { key } = pressed;
  if (pressed.isComposing || pressed.ctrlKey || pressed.altKey || pressed.metaKey) return undefined;
  if (key === "F6") return pressed.shiftKey ? "previousRegion" : "nextRegion";
  if (inText) return key === "Escape" ? "leave" : undefined;
  if (!singleKeys || pressed.repeat) return undefined;
  if (/^[1-9]$/.test(key)) return `pane${Number(key)}`;
  return single[key.toLowerCase()];
}

/** Tells whether what is typed goes into a text. */
export function takesText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=file], [type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

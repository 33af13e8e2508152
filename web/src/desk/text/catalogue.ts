import { en, type Texts } from "./en.js";
import { zh } from "./zh.js";

/** The languages of the desk, by their BCP 47 tag. */
export const catalogue = { en, "zh-CN": zh } as const satisfies Record<string, Texts>;

export type Language = keyof typeof catalogue;

/** The first of the wanted languages that the desk has, else English. */
export function languageFor(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0];
    if (base === "en") return "en";
    if (base === "zh") return "zh-CN";
  }
  return "en";
}

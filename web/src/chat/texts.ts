import { en } from "./texts.en.js";
import { zh } from "./texts.zh.js";

/** What a customer reads, in one language. */
export type Texts = typeof en;

/** All languages by their tag. The first one is for everybody else. */
export const languages = { en, "zh-Hans": zh } as const satisfies Record<string, Texts>;

export type Language = keyof typeof languages;

/** The best language for somebody who wants these, the most wanted first. */
export function pickLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [primary] = tag.toLowerCase().split("-");
    if (primary === "en") return "en";
    if (primary === "zh") return "zh-Hans";
  }
  return "en";
}

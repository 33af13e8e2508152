import { CloseReason, MessageStatus } from "@human-handoff/client";
import { expect, test } from "vitest";
import { Locale } from "../src/chat/locale.js";
import { languages, pickLanguage } from "../src/chat/texts.js";

const value = (text: string | ((part: string) => string)) => (typeof text === "string" ? text : text("<part>"));

test("every language says everything, with what it is told", () => {
  for (const [language, texts] of Object.entries(languages)) {
    expect(Object.keys(texts), language).toEqual(Object.keys(languages.en));
    for (const [key, text] of Object.entries(texts)) {
      expect(value(text).trim(), `${language}: ${key}`).not.toBe("");
      if (typeof text === "function") expect(value(text), `${language}: ${key}`).toContain("<part>");
    }
  }
});

test("Chinese is Chinese", () => {
  for (const [key, text] of Object.entries(languages["zh-Hans"])) expect(value(text), key).toMatch(/\p{Script=Han}/u);
});

test("people get the language they want most of those that there are", () => {
  for (const [wanted, got] of [
    [["zh-CN", "en"], "zh-Hans"],
    [["zh"], "zh-Hans"],
    [["fr", "zh-TW", "en"], "zh-Hans"],
    [["en-GB", "zh"], "en"],
    [["de"], "en"],
    [[], "en"],
  ] as const) {
    expect(pickLanguage(wanted), wanted.join()).toBe(got);
  }
});

test("every status and every end has a text of its own", () => {
  const numbers = (of: object) => Object.values(of).filter((one): one is number => typeof one === "number");
  for (const language of ["en", "zh"]) {
    const locale = new Locale([language]);
    const statuses = numbers(MessageStatus).map((status) => locale.status(status));
    const ends = numbers(CloseReason).map((reason) => locale.close(reason));
    for (const texts of [statuses, ends]) {
      expect(new Set(texts).size, texts.join()).toBe(texts.length);
      expect(texts).not.toContain("");
    }
  }
});

test("sizes are told as people write them", () => {
  const { en, zh } = { en: new Locale(["en"]), zh: new Locale(["zh"]) };
  expect([1n, 2n, 1500n, 26_214_400n].map((bytes) => en.size(bytes))).toEqual(["1 byte", "2 bytes", "1.5 kB", "26.2 MB"]);
  expect(zh.size(2n)).toMatch(/2.*字节/);
});

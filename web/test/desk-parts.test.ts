import { create } from "@bufbuild/protobuf";
import { DeskSessionSchema, SessionState } from "@human-handoff/client";
import { expect, test } from "vitest";
import { CannedReplies, fill } from "../src/desk/state/canned.js";
import { Queue } from "../src/desk/state/queue.js";
import { catalogue, languageFor } from "../src/desk/text/catalogue.js";
import { commandOf, keyHelp } from "../src/desk/ui/shortcuts.js";
import { Slot } from "../src/shared/store.js";

const press = (key: string, more = {}) =>
  ({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, isComposing: false, repeat: false, ...more });

test("single keys are for where no text is typed, and can be turned off", () => {
  expect(commandOf(press("c"), false, true)).toBe("claim");
  expect(commandOf(press("C", { shiftKey: true }), false, true)).toBe("claim");
  expect(commandOf(press("3"), false, true)).toBe("pane3");
  expect(commandOf(press("c"), true, true)).toBeUndefined();
  expect(commandOf(press("c"), false, false)).toBeUndefined();
  expect(commandOf(press("c", { ctrlKey: true }), false, true)).toBeUndefined();
  expect(commandOf(press("c", { isComposing: true }), false, true)).toBeUndefined();
});

test("the ways out of a text field and between the regions always work", () => {
  for (const singles of [true, false]) {
    expect(commandOf(press("Escape"), true, singles)).toBe("leave");
    expect(commandOf(press("F6"), true, singles)).toBe("nextRegion");
    expect(commandOf(press("F6", { shiftKey: true }), false, singles)).toBe("previousRegion");
  }
});

// leaves returns every text of a language by its path; a function's is what it makes of samples.
function leaves(value: unknown, path: string): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    const samples = Array.from({ length: value.length }, (_, place) => (path.endsWith("title") || path.includes("age") ? place + 7 : `sample ${place}`));
    return [[path, String(value(...samples))]];
  }
  return Object.entries(value as object).flatMap(([name, inner]) => leaves(inner, `${path}.${name}`));
}

test("every language has every text, with all that is put into it, and none is left in English", () => {
  const english = new Map(leaves(catalogue.en, ""));
  for (const [tag, texts] of Object.entries(catalogue)) {
    const found = new Map(leaves(texts, ""));
    expect([...found.keys()].sort(), tag).toEqual([...english.keys()].sort());
    for (const [path, text] of found) {
      expect(text.trim(), `${tag}${path}`).not.toBe("");
      for (const put of english.get(path)?.match(/sample \d|\b[78]\b|\{\w+\}/g) ?? []) expect(text, `${tag}${path}`).toContain(put);
      if (tag !== "en" && !path.startsWith(".help.keys")) expect(/\p{Script=Han}/u.test(text) || /^\D{0,2}sample 0\D+sample 1.?$/u.test(text) || /^\d+ [KM]B$|sample 0 [KM]B/.test(text), `${tag}${path}: ${text}`).toBe(true);
    }
  }
  const { commands } = catalogue.en.help;
  expect(keyHelp.map(([, name]) => name).sort()).toEqual(Object.keys(commands).sort());
});

test("the language is the first wanted one that there is", () => {
  expect(languageFor(["de-DE", "zh-Hans-CN", "en"])).toBe("zh-CN");
  expect(languageFor(["en-GB", "zh"])).toBe("en");
  expect(languageFor(["de"])).toBe("en");
});

test("canned replies are kept by title and filled with names", () => {
  const canned = new CannedReplies(new Slot(undefined, "canned"));
  canned.save({ id: "1", title: "Thanks", text: "Thank you." });
  canned.save({ id: "2", title: "Hello", text: "Hello {customer}, this is {human}." });
  canned.save({ id: "1", title: "Thanks!", text: "Thank you!" });
  expect(canned.all.map(({ title }) => title)).toEqual(["Hello", "Thanks!"]);
  expect(fill(canned.all[0]?.text ?? "", { customer: "$& Ann", human: "Joe" })).toBe("Hello $& Ann, this is Joe.");
  canned.remove("2");
  expect(canned.all).toHaveLength(1);
});

test("the queue shows those who wait first, the longest first, and knows what is new", () => {
  const queue = new Queue();
  const entry = (id: string, seconds: bigint, assignee: string, lastSequence = 1n, state = SessionState.WAITING) =>
    create(DeskSessionSchema, { assignee, session: { id, state, lastSequence, createTime: { seconds } } });
  queue.take([entry("other", 1n, "Eve"), entry("mine", 2n, "Joe"), entry("late", 4n, ""), entry("early", 3n, "")], true);
  expect(queue.sorted("Joe").map(({ session }) => session?.id)).toEqual(["early", "late", "mine", "other"]);
  expect(queue.unclaimed).toBe(2);
  queue.saw("mine", 1n);
  queue.take([entry("mine", 2n, "Joe", 2n), entry("early", 3n, "", 2n, SessionState.CLOSED)], false);
  expect(queue.get("early")).toBeUndefined();
  expect(queue.sorted("Joe").filter((one) => queue.hasNews(one)).map(({ session }) => session?.id)).toEqual(["mine"]);
});

import { byId } from "../shared/dom.js";
import { takeFragment } from "../shared/fragment.js";
import { browserStorage, Slot } from "../shared/store.js";
import { Desk } from "./desk.js";

interface Access {
  readonly key: string;
  readonly agent: string;
}

// The key lives as long as the tab; the name is remembered for the next day.
const access = new Slot<Access>(browserStorage("sessionStorage"), "handoff.desk.access");
const human = new Slot<string>(browserStorage("localStorage"), "handoff.desk.human");

const signIn = byId("signin", HTMLFormElement);
const problem = byId("signin-problem", HTMLElement);
const keyLabel = byId("key-label", HTMLElement);
const desk = byId("desk", HTMLElement);
const change = byId("change", HTMLButtonElement);

let ran = false;

const field = (name: string) => signIn.elements.namedItem(name) as HTMLInputElement;

takeAccess();
signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  human.set(field("human").value.trim());
  const key = field("key").value.trim();
  field("key").value = "";
  if (key !== "") access.set({ key, agent: access.get()?.agent ?? "" });
  // A desk that has run leaves its listeners behind, so a further one gets a fresh page.
  if (ran) window.location.reload();
  else void open();
});
change.addEventListener("click", () => {
  human.clear();
  window.location.reload();
});
// A link that is pasted into the same tab changes the fragment alone.
window.addEventListener("hashchange", () => {
  takeAccess();
  window.location.reload();
});
void open();

function takeAccess(): void {
  const fragment = takeFragment();
  const key = fragment.get("key");
  if (key) access.set({ key, agent: fragment.get("agent") ?? "" });
}

async function open(): Promise<void> {
  const { key, agent } = access.get() ?? { key: "", agent: "" };
  const name = human.get() ?? "";
  if (key === "" || name === "") {
    ask("");
    return;
  }
  signIn.hidden = true;
  desk.hidden = false;
  change.hidden = false;
  byId("human", HTMLElement).textContent = name;
  ran = true;
  const reason = await new Desk({ key, agent, human: name }).run();
  access.set({ key: "", agent });
  ask(reason);
}

function ask(reason: string): void {
  const known = (access.get()?.key ?? "") !== "";
  desk.hidden = true;
  change.hidden = true;
  signIn.hidden = false;
  problem.hidden = reason === "";
  problem.textContent = reason;
  keyLabel.hidden = known;
  field("key").required = !known;
  field("human").value = human.get() ?? "";
  (field("human").value === "" ? field("human") : field("key")).focus();
}

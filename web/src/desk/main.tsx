import { createRoot } from "react-dom/client";
import { byId } from "../shared/dom.js";
import { takeFragment } from "../shared/fragment.js";
import { browserStorage, Slot } from "../shared/store.js";
import { Preferences } from "./state/preferences.js";
import { type Access, App } from "./ui/app.js";

// The key lives as long as the tab; the name is remembered for the next day.
const access = new Slot<Access>(browserStorage("sessionStorage"), "handoff.desk.access");
const human = new Slot<string>(browserStorage("localStorage"), "handoff.desk.human");
const preferences = new Preferences(new Slot(browserStorage("localStorage"), "handoff.desk.choices"));

takeAccess();
// A link that is pasted into the same tab changes the fragment alone.
window.addEventListener("hashchange", () => {
  takeAccess();
  window.location.reload();
});
createRoot(byId("app", HTMLElement)).render(<App access={access} human={human} preferences={preferences} />);

function takeAccess(): void {
  const fragment = takeFragment();
  const key = fragment.get("key");
  if (key) access.set({ key, agent: fragment.get("agent") ?? "" });
}

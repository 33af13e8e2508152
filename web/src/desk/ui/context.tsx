import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { CannedReplies } from "../state/canned.js";
import type { Desk } from "../state/desk.js";
import type { Observable } from "../state/observable.js";
import type { Preferences } from "../state/preferences.js";
import { en, type Texts } from "../text/en.js";

export const TextsContext = createContext<Texts>(en);

/** The texts in the human's language. */
export const useTexts = (): Texts => useContext(TextsContext);

/** Which dialog stands on the page. */
export type Open = "help" | "settings" | "transfer" | "close" | "canned" | undefined;

export interface DeskScope {
  readonly desk: Desk;
  readonly canned: CannedReplies;
  readonly preferences: Preferences;
  readonly show: (dialog: Open) => void;
}

const Scope = createContext<DeskScope | undefined>(undefined);
export const DeskProvider = Scope.Provider;

/** The desk that the page shows. */
export function useDesk(): DeskScope {
  const scope = useContext(Scope);
  if (!scope) throw new Error("no desk is open");
  return scope;
}

/** Shows the component again after each change. */
export function useChanges(what: Observable): void {
  useSyncExternalStore(what.subscribe, what.version);
}

/** The time, brought up to date every `pause` milliseconds. */
export function useNow(pause: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), pause);
    return () => window.clearInterval(timer);
  }, [pause]);
  return now;
}

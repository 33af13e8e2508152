import type { ConnectError } from "@connectrpc/connect";
import { useEffect, useMemo, useRef, useState } from "react";
import { I18nProvider } from "react-aria-components";
import { browserStorage, Slot } from "../../shared/store.js";
import { type Alert, Bell, notify } from "../state/alerts.js";
import { CannedReplies } from "../state/canned.js";
import { Desk } from "../state/desk.js";
import type { Preferences } from "../state/preferences.js";
import { catalogue, languageFor } from "../text/catalogue.js";
import type { Texts } from "../text/en.js";
import { explain } from "../text/words.js";
import { TextsContext, useChanges, useTexts } from "./context.js";
import { focusPane } from "./focus.js";
import { SignIn } from "./sign-in.js";
import { Workplace } from "./workplace.js";

export interface Access {
  readonly key: string;
  readonly agent: string;
}

interface AppProps {
  readonly access: Slot<Access>;
  readonly human: Slot<string>;
  readonly preferences: Preferences;
}

/** The page in the human's language. */
export function App(props: AppProps) {
  useChanges(props.preferences);
  const { language } = props.preferences.choices;
  const tag = languageFor(language === "" ? navigator.languages : [language]);
  const t: Texts = catalogue[tag];
  useEffect(() => {
    document.documentElement.lang = tag;
  }, [tag]);
  return (
    <I18nProvider locale={tag === "en" ? "en-US" : tag}>
      <TextsContext value={t}>
        <Door {...props} />
      </TextsContext>
    </I18nProvider>
  );
}

/** Lets the human in and, when the key is refused, asks for it again. */
function Door({ access, human, preferences }: AppProps) {
  const t = useTexts();
  const [refusal, setRefusal] = useState<ConnectError>();
  const [, setRound] = useState(0);
  const { key, agent } = access.get() ?? { key: "", agent: "" };
  const name = human.get() ?? "";
  if (key !== "" && name !== "") {
    const ended = (reason: ConnectError) => {
      access.set({ key: "", agent });
      setRefusal(reason);
    };
    const change = () => {
      human.clear();
      setRound((round) => round + 1);
    };
    return <Seat key={`${key} ${name}`} who={{ key, agent, human: name }} preferences={preferences} onEnd={ended} onChange={change} />;
  }
  const enter = (entered: string, enteredKey: string) => {
    human.set(entered);
    if (enteredKey !== "") access.set({ key: enteredKey, agent });
    setRefusal(undefined);
    setRound((round) => round + 1);
  };
  return (
    <>
      <header className="bar"><h1>{t.desk}</h1></header>
      <main>
        <SignIn human={name} needsKey={key === ""} problem={refusal ? explain(t, refusal) : ""} onEnter={enter} />
      </main>
    </>
  );
}

function Seat(props: {
  readonly who: { readonly key: string; readonly agent: string; readonly human: string };
  readonly preferences: Preferences;
  readonly onEnd: (reason: ConnectError) => void;
  readonly onChange: () => void;
}) {
  const t = useTexts();
  const latest = useRef({ t, onEnd: props.onEnd });
  useEffect(() => {
    latest.current = { t, onEnd: props.onEnd };
  });
  const { who, preferences } = props;
  const [{ desk, canned }] = useState(() => {
    const bell = new Bell();
    const made: Desk = new Desk(who, (alert) => tell(alert, made, latest.current.t, preferences, bell));
    const kept = new Slot<[]>(browserStorage("localStorage"), `handoff.desk.canned.${who.agent}`);
    return { desk: made, canned: new CannedReplies(kept) };
  });
  useEffect(() => {
    const ran = desk.run();
    void ran.then((reason) => reason && latest.current.onEnd(reason));
    return () => desk.stop();
  }, [desk]);
  return useMemo(
    () => <Workplace desk={desk} canned={canned} preferences={preferences} onChange={props.onChange} />,
    [desk, canned, preferences, props.onChange],
  );
}

// Tells the human, unless they are looking at it.
function tell(alert: Alert, desk: Desk, t: Texts, preferences: Preferences, bell: Bell): void {
  const looking = document.hasFocus() && desk.active?.id === alert.session;
  if (looking) return;
  const { sound, notices } = preferences.choices;
  if (sound) bell.ring();
  if (!notices) return;
  const text = t.alert[alert.case](alert.name || t.guest);
  notify(t.desk, text, alert.session, () => {
    desk.open(alert.session);
    focusPane(alert.session);
  });
}

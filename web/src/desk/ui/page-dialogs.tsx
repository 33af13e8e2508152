import { useState } from "react";
import { Button, Switch } from "react-aria-components";
import { mayNotify } from "../state/alerts.js";
import { catalogue } from "../text/catalogue.js";
import { useChanges, useDesk, useTexts } from "./context.js";
import { Choice, Sheet } from "./dialogs.js";
import { keyHelp } from "./shortcuts.js";

/** Tells what the keys do. */
export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useTexts();
  return (
    <Sheet title={t.help.title} onClose={onClose}>
      <p className="hint">{t.help.hint}</p>
      <dl className="keys">
        {keyHelp.map(([key, text]) => (
          <div key={key}><dt><kbd>{key}</kbd></dt><dd>{t.help.commands[text]}</dd></div>
        ))}
      </dl>
      <div className="actions"><Button autoFocus onPress={onClose}>{t.help.done}</Button></div>
    </Sheet>
  );
}

/** What the human may choose for this browser. */
export function SettingsDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useTexts();
  const { preferences } = useDesk();
  useChanges(preferences);
  const [refused, setRefused] = useState(false);
  const { choices } = preferences;
  const wantNotices = async (wanted: boolean) => {
    const notices = wanted && (await mayNotify());
    setRefused(wanted && !notices);
    preferences.choose({ notices });
  };
  const languages = Object.entries(catalogue).map(([tag, { name }]) => [tag, name] as const);
  return (
    <Sheet title={t.settings.title} onClose={onClose}>
      <div className="stack">
        <Toggle text={t.settings.sound} on={choices.sound} onChange={(sound) => preferences.choose({ sound })} />
        <Toggle text={t.settings.notices} on={choices.notices} onChange={(wanted) => void wantNotices(wanted)} />
        {refused && <p className="problem" role="alert">{t.settings.refused}</p>}
        <Toggle text={t.settings.keys} on={choices.keys} onChange={(keys) => preferences.choose({ keys })} />
        <Choice
          label={t.settings.language}
          value={choices.language || "auto"}
          options={[["auto", t.settings.automatic], ...languages]}
          onChoose={(tag) => preferences.choose({ language: tag === "auto" ? "" : tag })}
        />
        <div className="actions"><Button onPress={onClose}>{t.settings.done}</Button></div>
      </div>
    </Sheet>
  );
}

function Toggle({ text, on, onChange }: { readonly text: string; readonly on: boolean; readonly onChange: (on: boolean) => void }) {
  return (
    <Switch isSelected={on} onChange={onChange}>
      <span className="track" aria-hidden="true" />
      {text}
    </Switch>
  );
}

import { useEffect, useState } from "react";
import { Button } from "react-aria-components";
import type { Desk } from "../state/desk.js";
import { CannedDialog } from "./canned-dialog.js";
import { type DeskScope, DeskProvider, type Open, useChanges, useTexts } from "./context.js";
import { CloseDialog, TransferDialog } from "./dialogs.js";
import { focusPane, focusQueue, pickFiles } from "./focus.js";
import { HelpDialog, SettingsDialog } from "./page-dialogs.js";
import { Pane } from "./pane.js";
import { QueueList } from "./queue-list.js";
import { type Command, commandOf, takesText } from "./shortcuts.js";

/** The desk of somebody who has signed in. */
export function Workplace({ onChange, ...scope }: Omit<DeskScope, "show"> & { readonly onChange: () => void }) {
  const t = useTexts();
  const { desk, preferences } = scope;
  useChanges(desk);
  const [dialog, show] = useState<Open>();
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("[role=dialog]")) return;
      const command = commandOf(event, takesText(event.target), preferences.choices.keys);
      if (command && obey(command, desk, show)) event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [desk, preferences]);
  return (
    <DeskProvider value={{ ...scope, show }}>
      <header className="bar">
        <h1>{t.desk}</h1>
        <div className="actions">
          <span>{desk.who.human}</span>
          <Button className="quiet small" onPress={onChange}>{t.signIn.change}</Button>
          <Button className="quiet small" onPress={() => show("settings")}>{t.settings.title}</Button>
          <Button className="quiet small" onPress={() => show("help")}>{t.help.title}</Button>
        </div>
      </header>
      <main className={desk.active ? "columns talking" : "columns"}>
        <QueueList />
        <div className="panes">
          {desk.panes.map((pane) => <Pane key={pane.id} pane={pane} />)}
          {desk.panes.length === 0 && <p className="hint none">{t.queue.none}</p>}
        </div>
      </main>
      <Dialogs dialog={dialog} desk={desk} onClose={() => show(undefined)} />
    </DeskProvider>
  );
}

function Dialogs({ dialog, desk, onClose }: { readonly dialog: Open; readonly desk: Desk; readonly onClose: () => void }) {
  const pane = desk.active;
  if (dialog === "help") return <HelpDialog onClose={onClose} />;
  if (dialog === "settings") return <SettingsDialog onClose={onClose} />;
  if (!pane || pane.closed) return null;
  if (dialog === "transfer") return <TransferDialog pane={pane} onClose={onClose} />;
  if (dialog === "close") return <CloseDialog pane={pane} onClose={onClose} />;
  if (dialog === "canned") return <CannedDialog pane={pane} onClose={onClose} />;
  return null;
}

// Does what a key asks for; false when there is nothing to do it with.
function obey(command: Command, desk: Desk, show: (dialog: Open) => void): boolean {
  switch (command) {
    case "help":
    case "settings":
      show(command);
      return true;
    case "queue":
      focusQueue();
      return true;
    case "next":
      void desk.claimNext().then(() => focusPane(desk.active?.id, "text"));
      return true;
    case "nextRegion":
      return goRegion(desk, 1);
    case "previousRegion":
      return goRegion(desk, -1);
  }
  if (command.startsWith("pane")) return goPane(desk, Number(command.slice(4)) - 1);
  return obeyPane(command, desk, show);
}

function obeyPane(command: Command, desk: Desk, show: (dialog: Open) => void): boolean {
  const pane = desk.active;
  if (!pane) return false;
  const mine = pane.entry.assignee === desk.who.human;
  switch (command) {
    case "leave":
      focusPane(pane.id);
      return true;
    case "write":
      focusPane(pane.id, "text");
      return true;
    case "claim":
      if (!mine && !pane.closed) void desk.claim(pane).then((done) => done && focusPane(pane.id, "text"));
      return true;
    case "attach":
      pickFiles(pane.id);
      return true;
    case "hide":
      desk.hide(pane);
      if (desk.active) focusPane(desk.active.id);
      else focusQueue();
      return true;
    case "transfer":
    case "close":
    case "canned":
      if (!pane.closed) show(command);
      return true;
    default:
      return false;
  }
}

function goPane(desk: Desk, place: number): boolean {
  const pane = desk.panes[place];
  if (!pane) return false;
  desk.activate(pane);
  focusPane(pane.id);
  return true;
}

// The regions are the list and then each conversation.
function goRegion(desk: Desk, step: 1 | -1): boolean {
  const within = document.activeElement?.closest<HTMLElement>("[data-pane]")?.dataset.pane;
  const here = desk.panes.findIndex(({ id }) => id === within) + 1;
  const count = desk.panes.length + 1;
  const there = (here + step + count) % count;
  if (there > 0) return goPane(desk, there - 1);
  focusQueue();
  return true;
}

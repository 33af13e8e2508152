import { Turn_Role } from "@human-handoff/client";
import { type DragEvent, useEffect, useState } from "react";
import { Button } from "react-aria-components";
import { dayAndClock } from "../../shared/format.js";
import type { Conversation } from "../state/conversation.js";
import { explain, nameOf } from "../text/words.js";
import { Composer } from "./composer.js";
import { useChanges, useDesk, useTexts } from "./context.js";
import { focusPane, focusQueue } from "./focus.js";
import { MessageList } from "./message-list.js";

/** One of the conversations that stand side by side. */
export function Pane({ pane }: { readonly pane: Conversation }) {
  useChanges(pane);
  const t = useTexts();
  const { desk } = useDesk();
  const active = desk.active === pane;
  const [dropping, setDropping] = useState(false);
  const name = nameOf(t, pane.entry);
  const writable = !pane.closed && (pane.entry.assignee === "" || pane.entry.assignee === desk.who.human);
  useEffect(() => {
    if (active && document.visibilityState === "visible") pane.read();
  });
  const over = (event: DragEvent) => {
    if (!writable || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setDropping(true);
  };
  const drop = (event: DragEvent) => {
    setDropping(false);
    if (!writable || event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    pane.stage([...event.dataTransfer.files]);
  };
  return (
    <section
      className={`conversation${active ? " current" : ""}`}
      data-pane={pane.id}
      aria-label={t.conversation.label(name, pane.entry.session?.question ?? "")}
      onFocus={() => desk.activate(pane)}
      onDragOver={over}
      onDragLeave={() => setDropping(false)}
      onDrop={drop}
    >
      <PaneHeader pane={pane} name={name} />
      {pane.problem && <p className="problem" role="alert">{explain(t, pane.problem)}</p>}
      <Before pane={pane} />
      <MessageList pane={pane} />
      <p className="typing" role="status">{pane.customerTypes ? t.conversation.typing(name) : ""}</p>
      {dropping && <p className="dropping">{t.composer.drop}</p>}
      {writable && <Composer pane={pane} />}
    </section>
  );
}

function PaneHeader({ pane, name }: { readonly pane: Conversation; readonly name: string }) {
  const t = useTexts();
  const { desk, show } = useDesk();
  const { assignee } = pane.entry;
  const mine = assignee === desk.who.human;
  const holder = assignee === "" ? t.conversation.waiting : mine ? t.conversation.yours : t.conversation.other(assignee);
  const ask = (dialog: "transfer" | "close") => {
    desk.activate(pane);
    show(dialog);
  };
  const hide = () => {
    desk.hide(pane);
    if (desk.active) focusPane(desk.active.id);
    else focusQueue();
  };
  const back = () => {
    desk.activate(undefined);
    focusQueue();
  };
  return (
    <header>
      <div className="who">
        <Button className="quiet back" onPress={back}>{t.conversation.back}</Button>
        <h2 tabIndex={-1}>{name}</h2>
        <p className="phase" role="status">{pane.closed ? t.conversation.closed : holder}</p>
      </div>
      <div className="actions">
        {!pane.closed && !mine && (
          <Button className="small" onPress={() => void desk.claim(pane).then((done) => done && focusPane(pane.id, "text"))}>
            {assignee === "" ? t.conversation.claim : t.conversation.takeOver}
          </Button>
        )}
        {!pane.closed && <Button className="quiet small" onPress={() => ask("transfer")}>{t.conversation.transfer}</Button>}
        {!pane.closed && <Button className="quiet small" onPress={() => ask("close")}>{t.conversation.close}</Button>}
        <Button className="quiet small" onPress={hide}>{t.conversation.hide}</Button>
      </div>
    </header>
  );
}

/** What the human has to know before the first word. */
function Before({ pane }: { readonly pane: Conversation }) {
  const t = useTexts();
  const { session, transcript, note } = pane.entry;
  const facts: readonly (readonly [string, string])[] = [
    [t.conversation.noteOf, note],
    [t.conversation.question, session?.question ?? ""],
    [t.conversation.reason, session?.reason ?? ""],
    [t.conversation.email, session?.customer?.email ?? ""],
    [t.conversation.phone, session?.customer?.phone ?? ""],
    [t.conversation.since, session?.createTime ? dayAndClock(session.createTime) : ""],
  ];
  return (
    <details className="before" open>
      <summary>{t.conversation.about}</summary>
      <div className="about" tabIndex={0} role="group" aria-label={t.conversation.about}>
        <dl>
          {facts.filter(([, value]) => value !== "").map(([name, value]) => (
            <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
          ))}
        </dl>
        {transcript.length > 0 && (
          <ol aria-label={t.conversation.earlier}>
            {transcript.map(({ role, text }, place) => (
              <li key={place} className={role === Turn_Role.USER ? "theirs" : "mine"}>
                <p className="meta"><span className="author">{role === Turn_Role.USER ? t.conversation.customer : t.conversation.agent}</span></p>
                <p className="text">{text}</p>
              </li>
            ))}
          </ol>
        )}
      </div>
    </details>
  );
}

import { useEffect } from "react";
import type { DeskSession } from "@human-handoff/client";
import { Button, GridList, GridListItem } from "react-aria-components";
import { age, nameOf } from "../text/words.js";
import { useDesk, useNow, useTexts } from "./context.js";
import { focusPane } from "./focus.js";

/** The open sessions: those that nobody has first. */
export function QueueList() {
  const t = useTexts();
  const { desk } = useDesk();
  const now = useNow(1_000);
  const entries = desk.queue.sorted(desk.who.human);
  const { unclaimed } = desk.queue;
  useEffect(() => {
    document.title = t.title(unclaimed);
  }, [t, unclaimed]);
  const state = !desk.connected ? t.queue.connecting : entries.length === 0 ? t.queue.empty : t.queue.count(unclaimed, entries.length);
  const open = (id: string) => {
    desk.open(id);
    focusPane(id);
  };
  return (
    <nav className="queue" aria-labelledby="queue-title">
      <h2 id="queue-title" tabIndex={-1}>{t.queue.title}</h2>
      <p className="banner" role="status" hidden={!desk.broken}>{desk.broken ? t.queue.offline : ""}</p>
      <p className="hint" role="status">{state}</p>
      <div className="next">
        <Button isDisabled={unclaimed === 0} onPress={() => void desk.claimNext().then(() => focusPane(desk.active?.id, "text"))}>
          {t.queue.next}
        </Button>
      </div>
      <GridList
        id="queue"
        aria-labelledby="queue-title"
        items={entries.map((entry) => ({ id: entry.session?.id ?? "", entry }))}
        dependencies={[t, now, desk.active?.id, desk.version()]}
        disallowTypeAhead
        onAction={(id) => open(String(id))}
      >
        {({ id, entry }) => <QueueRow key={id} id={id} entry={entry} now={now} />}
      </GridList>
    </nav>
  );
}

function QueueRow({ id, entry, now }: { readonly id: string; readonly entry: DeskSession; readonly now: number }) {
  const t = useTexts();
  const { desk } = useDesk();
  const { assignee, session } = entry;
  const waited = age(t, session?.createTime, now);
  const mine = assignee === desk.who.human;
  const holder = assignee === "" ? t.queue.waiting(waited) : mine ? t.queue.yours(waited) : t.queue.other(assignee, waited);
  const news = desk.queue.hasNews(entry);
  const meta = news ? t.queue.news(holder) : holder;
  const name = nameOf(t, entry);
  const classes = ["row", assignee === "" && "waiting", news && "news", desk.active?.id === id && "current", desk.pane(id) && "shown"];
  return (
    <GridListItem id={id} textValue={`${name}, ${session?.question ?? ""}, ${meta}`} className={classes.filter(Boolean).join(" ")}>
      <span className="name">{name}</span>
      <span className="question">{session?.question ?? ""}</span>
      <span className="meta">{meta}</span>
    </GridListItem>
  );
}

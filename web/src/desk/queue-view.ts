import type { DeskSession } from "@human-handoff/client";
import { byId, make } from "../shared/dom.js";
import { age } from "../shared/format.js";
import { customerName, type Queue } from "./queue.js";

interface Row {
  readonly item: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly name: HTMLElement;
  readonly question: HTMLElement;
  readonly meta: HTMLElement;
}

/** The list of conversations. Rows are kept, so that the focus stays where it is. */
export class QueueView {
  readonly #list = byId("queue", HTMLUListElement);
  readonly #state = byId("queue-state", HTMLElement);
  readonly #rows = new Map<string, Row>();
  readonly #select: (id: string) => void;

  constructor(select: (id: string) => void) {
    this.#select = select;
  }

  /** Shows the queue as it is now. */
  show(queue: Queue, human: string, selected: string | undefined): void {
    const entries = queue.sorted(human);
    const ids = new Set(entries.map(({ session }) => session?.id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.item.remove();
      this.#rows.delete(id);
    }
    entries.forEach((entry, place) => this.#row(entry, place, human, selected, queue.hasNews(entry)));
    const text = entries.length === 0 ? "Nobody is waiting." : `${queue.unclaimed} waiting, ${entries.length} open`;
    if (this.#state.textContent !== text) this.#state.textContent = text;
    document.title = queue.unclaimed > 0 ? `(${queue.unclaimed}) Desk` : "Desk";
  }

  #row(entry: DeskSession, place: number, human: string, selected: string | undefined, news: boolean): void {
    const id = entry.session?.id ?? "";
    const row = this.#rows.get(id) ?? this.#newRow(id);
    row.name.textContent = customerName(entry);
    row.question.textContent = entry.session?.question ?? "";
    const holder = entry.assignee === "" ? "waiting" : entry.assignee === human ? "yours" : entry.assignee;
    row.meta.textContent = `${holder}, ${age(entry.session?.createTime)}${news ? ", new message" : ""}`;
    row.button.classList.toggle("waiting", entry.assignee === "");
    row.button.classList.toggle("news", news);
    if (id === selected) row.button.setAttribute("aria-current", "true");
    else row.button.removeAttribute("aria-current");
    const there = this.#list.children[place];
    if (there !== row.item) this.#list.insertBefore(row.item, there ?? null);
  }

  #newRow(id: string): Row {
    const row: Row = {
      item: make("li"),
      button: make("button"),
      name: make("span", "name"),
      question: make("span", "question"),
      meta: make("span", "meta"),
    };
    row.button.type = "button";
    row.button.append(row.name, row.question, row.meta);
    row.button.addEventListener("click", () => this.#select(id));
    row.item.append(row.button);
    this.#rows.set(id, row);
    return row;
  }
}

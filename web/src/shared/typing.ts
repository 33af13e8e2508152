import type { Signal } from "@human-handoff/client";

/** How often it is told that somebody still types, in milliseconds. */
const again = 3_000;
/** After what silence somebody types no more. */
const idle = 5_000;
/** After what silence of the other side a notice lapses. */
const lapse = 10_000;

/** Tells the server when the page's user types in a field. Whether it hears does not matter. */
export function tellTyping(field: HTMLTextAreaElement, send: (active: boolean) => Promise<unknown> | undefined): void {
  let told = 0;
  let timer: number | undefined;
  const tell = (active: boolean) => {
    told = active ? Date.now() : 0;
    send(active)?.catch(() => undefined);
  };
  const stop = () => {
    window.clearTimeout(timer);
    if (told > 0) tell(false);
  };
  field.addEventListener("input", () => {
    window.clearTimeout(timer);
    if (field.value === "") return stop();
    if (Date.now() - told > again) tell(true);
    timer = window.setTimeout(stop, idle);
  });
  field.form?.addEventListener("submit", stop);
}

/** Shows that the other side types. */
export class TypingNotice {
  readonly #element: HTMLElement;
  #timer: number | undefined;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  show({ signal }: Signal, text: string): void {
    if (signal.case !== "typing") return;
    this.hide();
    if (!signal.value.active) return;
    this.#element.textContent = text;
    this.#timer = window.setTimeout(() => this.hide(), lapse);
  }

  hide(): void {
    window.clearTimeout(this.#timer);
    if (this.#element.textContent !== "") this.#element.textContent = "";
  }
}

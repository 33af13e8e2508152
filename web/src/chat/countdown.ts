import { make } from "../shared/dom.js";

/** Shows how much time is left. It is not read out each second: the question it belongs to is. */
export class Countdown {
  readonly element = make("p", "countdown");
  readonly #say: (clock: string) => string;
  #timer: number | undefined;

  constructor(say: (clock: string) => string) {
    this.#say = say;
    this.element.role = "timer";
    this.element.ariaLive = "off";
    this.until(undefined);
  }

  /** Counts down to a time in milliseconds since 1970, or shows nothing. */
  until(deadline: number | undefined): void {
    window.clearInterval(this.#timer);
    this.element.hidden = deadline === undefined;
    if (deadline === undefined) return;
    const show = () => {
      const left = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
      this.element.textContent = this.#say(`${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
      if (left === 0) window.clearInterval(this.#timer);
    };
    this.#timer = window.setInterval(show, 1000);
    show();
  }
}

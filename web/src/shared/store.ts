/** A value that is kept under one name in the browser, or in memory where the browser keeps nothing. */
export class Slot<T> {
  readonly #storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined;
  readonly #name: string;
  #value: T | undefined;

  constructor(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined, name: string) {
    this.#storage = storage;
    this.#name = name;
    this.#value = read<T>(storage, name);
  }

  get(): T | undefined {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    try {
      this.#storage?.setItem(this.#name, JSON.stringify(value));
    } catch {
      // Full or forbidden: the page works on, but a reload forgets.
    }
  }

  clear(): void {
    this.#value = undefined;
    try {
      this.#storage?.removeItem(this.#name);
    } catch {
      // As above.
    }
  }
}

/** The browser's store of this tab or of this origin; undefined where the user forbids it. */
export function browserStorage(kind: "sessionStorage" | "localStorage"): Storage | undefined {
  try {
    return window[kind];
  } catch {
    return undefined;
  }
}

function read<T>(storage: Pick<Storage, "getItem"> | undefined, name: string): T | undefined {
  try {
    const text = storage?.getItem(name);
    return text == null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

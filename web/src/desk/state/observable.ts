/** Something that changes in place and tells who watches. */
export class Observable {
  readonly #watchers = new Set<() => void>();
  #version = 0;

  /** Rises with each change. */
  readonly version = (): number => this.#version;

  /** Calls back after each change until the returned function is called. */
  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  protected changed(): void {
    this.#version++;
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** Finds an element of the page's own HTML. A missing one is a mistake in it. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/** Makes an element that holds text. Text never becomes HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  if (text !== "") element.textContent = text;
  return element;
}

/** Lets Enter send the form of a text field; Shift+Enter makes a new line. */
function sendOnEnter(field: HTMLTextAreaElement): void {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.form?.requestSubmit();
  });
}

/** Calls back with the trimmed text of a form's field and empties it; nothing happens when it is empty. */
export function onText(form: HTMLFormElement, field: HTMLTextAreaElement, use: (text: string) => void): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === "") return;
    field.value = "";
    use(text);
  });
  sendOnEnter(field);
}

import { byId } from "../shared/dom.js";

/** Shows a dialog with a form; resolves with its values, or undefined when it was left without sending. */
export function askForm(id: string): Promise<Record<string, string> | undefined> {
  const dialog = byId(id, HTMLDialogElement);
  const form = dialog.querySelector("form");
  if (!form) throw new Error(`#${id} has no form`);
  form.reset();
  return new Promise((resolve) => {
    let values: Record<string, string> | undefined;
    form.onsubmit = (event) => {
      event.preventDefault();
      values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
      dialog.close();
    };
    const cancel = form.querySelector<HTMLButtonElement>("[data-cancel]");
    if (cancel) cancel.onclick = () => dialog.close();
    dialog.onclose = () => resolve(values);
    dialog.showModal();
  });
}

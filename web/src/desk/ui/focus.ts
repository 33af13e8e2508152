const pane = (id: string | undefined) => document.querySelector<HTMLElement>(`[data-pane="${CSS.escape(id ?? "")}"]`);

/** Puts the focus on a conversation's heading, or into its text, once it stands on the page. */
export function focusPane(id: string | undefined, part: "heading" | "text" = "heading"): void {
  requestAnimationFrame(() => {
    const section = pane(id);
    const wanted = part === "text" ? section?.querySelector<HTMLElement>("textarea[name=text]") : undefined;
    const target = wanted ?? section?.querySelector<HTMLElement>("h2");
    target?.focus();
    section?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}

/** Puts the focus on the list of conversations. */
export function focusQueue(): void {
  requestAnimationFrame(() => {
    const row = document.querySelector<HTMLElement>("#queue [role=row]");
    (row ?? document.getElementById("queue-title"))?.focus();
  });
}

/** Opens the file picker of a conversation. */
export function pickFiles(id: string | undefined): void {
  pane(id)?.querySelector<HTMLInputElement>("input[type=file]")?.click();
}

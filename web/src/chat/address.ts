/**
 * Reads values from the address's query and wipes them at once, so that what is
 * personal stays neither in the address bar nor in the history.
 */
export function takeQuery(names: readonly string[]): Map<string, string> {
  const url = new URL(window.location.href);
  const taken = new Map<string, string>();
  for (const name of names) {
    const value = url.searchParams.get(name);
    if (value !== null) taken.set(name, value);
    url.searchParams.delete(name);
  }
  if (taken.size > 0) window.history.replaceState(window.history.state, "", url);
  return taken;
}

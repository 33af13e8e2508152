/**
 * Tells whether this page may call the server for an agent. A page of the server
 * always may; another one when its origin stands on the agent's list. Without an
 * answer it counts as yes, for then it is the line.
 */
export async function mayUse(server: string, agent: string): Promise<boolean> {
  if (server === window.location.origin) return true;
  try {
    const response = await fetch(`${server}/widget/access?agent=${encodeURIComponent(agent)}`);
    const { allowed } = (await response.json()) as { allowed?: boolean };
    if (allowed === false) {
      console.error(`handoff: put ${window.location.origin} into settings.allowed_origins of the agent "${agent}" to use its chat here`);
    }
    return allowed !== false;
  } catch {
    return true;
  }
}

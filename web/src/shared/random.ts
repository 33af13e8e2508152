/**
 * 64 characters that nobody can guess. Browsers have crypto.randomUUID only for
 * pages that came over HTTPS or from their own machine.
 */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

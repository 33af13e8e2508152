/**
 * Reads the address's fragment and wipes it at once, so that the secrets in it
 * stay neither in the address bar nor in the history.
 */
export function takeFragment(): URLSearchParams {
  const values = new URLSearchParams(window.location.hash.slice(1));
  if (window.location.hash !== "") {
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
  }
  return values;
}

import { Code, ConnectError } from "@connectrpc/connect";

/** Where the content of a file goes, as the server tells. */
interface Upload {
  readonly uploadId: string;
  readonly uploadUrl: string;
}

/** Announces a file and brings its content to the server. Resolves with the id of the upload. */
export async function upload(
  file: File,
  announce: (file: File) => Promise<Upload>,
  server = window.location.origin,
): Promise<string> {
  const { uploadId, uploadUrl } = await announce(file);
  // The server may be known by another name than the one of this page's address.
  const response = await fetch(server + ownPath(uploadUrl), { method: "PUT", body: file }).catch((cause: unknown) => {
    throw new ConnectError("the upload broke off", Code.Unavailable, undefined, undefined, cause);
  });
  if (!response.ok) {
    const { message } = (await response.json().catch(() => ({}))) as { message?: string };
    throw new ConnectError(message ?? "the server refused the file", Code.InvalidArgument);
  }
  return uploadId;
}

/** The pictures that the server shows in a page; everything else it lets save. */
export const pictures = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

/** The path of an address of this server, which may know itself by another name. */
export function ownPath(address: string): string {
  const { pathname, search } = new URL(address, window.location.href);
  return pathname + search;
}

/** Calls back with each file that is chosen. */
export function onFiles(input: HTMLInputElement, use: (file: File) => void): void {
  input.addEventListener("change", () => {
    for (const file of input.files ?? []) use(file);
    input.value = ""; // so that the same file can be chosen again
  });
}

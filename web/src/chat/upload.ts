import { type Client, ConnectError } from "@connectrpc/connect";
import { upload } from "../shared/files.js";
import { pauseUntilOnline } from "../shared/line.js";
import { delayAfter, type HandoffService, isPermanent } from "./client.js";
import { callTimeout } from "./transport.js";

/**
 * Brings a file to the server, over as many attempts as it takes, and resolves with
 * the id of the upload; with undefined after `signal`. It throws when the server
 * refuses the file.
 */
export async function send(
  file: File,
  client: Client<typeof HandoffService>,
  sessionId: string,
  server: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const announce = ({ name, type, size }: File) =>
    client.createUpload({ sessionId, name, mimeType: type, size: BigInt(size) }, callTimeout);
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await upload(file, announce, server);
    } catch (thrown) {
      if (isPermanent(ConnectError.from(thrown))) throw thrown;
    }
    await pauseUntilOnline(delayAfter(failures, { longestDelay: 10_000 }), signal);
  }
  return undefined;
}

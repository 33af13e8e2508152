import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

/** How long one call may take. Streams have no limit. */
export const callTimeout = { timeoutMs: 15_000 };

/**
 * A transport to a server, with a session's token or with none. It speaks binary,
 * so that the widget can leave out what reads and writes JSON.
 */
export function serverTransport(server: string, token?: string): Transport {
  return createConnectTransport({
    baseUrl: server,
    useBinaryFormat: true,
    interceptors: [
      (next) => (request) => {
        if (token) request.header.set("Authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
}

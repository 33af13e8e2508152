import { type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";

/** How long one call may take. Streams have no limit. */
export const callTimeout = { timeoutMs: 15_000 };

/** A transport to the server that this page came from. */
export function serverTransport(credential?: string): Transport {
  return createConnectTransport({
    baseUrl: window.location.origin,
    interceptors: credential
      ? [
          (next) => (request) => {
            request.header.set("Authorization", `Bearer ${credential}`);
            return next(request);
          },
        ]
      : [],
  });
}

import { Code, ConnectError, type Transport } from "@connectrpc/connect";
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

/** Says what went wrong, for people. */
export function explain(thrown: unknown): string {
  const error = ConnectError.from(thrown);
  switch (error.code) {
    case Code.Unauthenticated:
      return "The key is not valid, or no longer.";
    case Code.PermissionDenied:
      return "The key does not allow this.";
    case Code.InvalidArgument:
    case Code.FailedPrecondition:
      return error.rawMessage || "The server refused this.";
    case Code.ResourceExhausted:
      return "Too much at once. Please try again a little later.";
    default:
      return "The server cannot be reached.";
  }
}

/** The requests and responses of Node.js: those of HTTP/1 and those of HTTP/2's compatibility API. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** A request, of `node:http`, `node:https`, or `node:http2` through its compatibility API. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** The response of such a request. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Types a request as one of HTTP/1. The two kinds have all in common that this package uses. */
export function asIncoming(req: AnyRequest): IncomingMessage {
  return req as IncomingMessage;
}

/** Types a response as one of HTTP/1. */
export function asServerResponse(res: AnyResponse): ServerResponse {
  return res as ServerResponse;
}

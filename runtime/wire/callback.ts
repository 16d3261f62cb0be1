// Judge one request to the loopback listener.
//
// The listener is open to every page in the browser and every process on the machine, so the only requests that may move
// a sign-in are those that carry its state. All others are answered and forgotten: a stray favicon, a scanner or a hostile
// page must not be able to end the wait. Nothing of the request is ever repeated in `why`.
import { isLoopbackHost } from "./endpoint.ts";
import { type Code, type Denied, type Expected, judgeParameters, parametersIn } from "./redirect.ts";

export type Callback =
  | Code
  | Denied
  /** Answer with `status` and go on waiting. `why`: a constant phrase, for the journal. */
  | { readonly kind: "ignored"; readonly status: 400 | 404 | 405 | 421; readonly why: string };

export interface CallbackRequest {
  readonly method: string;
  /** Request target as received: path and query. */
  readonly url: string;
  readonly host: string | undefined;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const longestTarget = 64 * 1024;

/**
 * What a request means for the sign-in that expects its redirect at `expected.redirectUri` (RFC 8252 7.3, 8.10).
 *
 * The state is compared (in constant time) before anything else in the query is read, so that an `error` needs it as well
 * (RFC 9700 4.7).
 */
export function judgeCallback(request: CallbackRequest, expected: Expected): Callback {
  const redirect = new URL(expected.redirectUri);
  const obstacle = misdirected(request, redirect) ?? crossSite(request.headers);
  if (obstacle !== null) return obstacle;

  const parameters = parametersIn(request.url.slice(redirect.pathname.length));
  if (parameters === null) return ignored(400, "a parameter appears twice");
  const state = parameters.get("state");
  if (state === undefined) return ignored(400, "it has no state");
  if (!expected.state.matches(state)) return ignored(400, "the state is that of another sign-in");
  const judged = judgeParameters(parameters, expected);
  return typeof judged === "string" ? ignored(400, judged) : judged;
}

function misdirected(request: CallbackRequest, redirect: URL): Callback | null {
  const { host, url } = request;
  if (host === undefined) return ignored(400, "it has no host");
  // T14: a page that rebinds its name to 127.0.0.1 still sends its own name.
  if (!isSameHost(host, redirect)) return ignored(421, "the host is another one");
  if (url.length > longestTarget) return ignored(400, "it is too long");
  // To the letter: `//callback`, `/callback/` and `/%63allback` are other paths (T18).
  if (url.split("?", 1)[0] !== redirect.pathname) return ignored(404, "the path is another one");
  return request.method === "GET" ? null : ignored(405, "the method is another one");
}

/** Either spelling of this machine will do: browsers and proxies rewrite `localhost` and `127.0.0.1` into each other. */
function isSameHost(host: string, redirect: URL): boolean {
  const [, name = "", port = "80"] = /^([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?$/.exec(host.toLowerCase()) ?? [];
  const samePort = port === (redirect.port === "" ? "80" : redirect.port);
  return samePort && (name === redirect.hostname || (isLoopbackHost(name) && isLoopbackHost(redirect.hostname)));
}

/** A redirect arrives by navigating. Scripts, images and forms of other pages announce themselves (Fetch Metadata). */
function crossSite(headers: CallbackRequest["headers"]): Callback | null {
  const mode = headers["sec-fetch-mode"];
  if (mode === "navigate") return null;
  // A mode alone proves nothing: programs send one as well. A browser's script also says where it is (T14).
  const site = headers["sec-fetch-site"] ?? "none";
  const foreign = headers["origin"] !== undefined || site !== "none";
  return foreign ? ignored(400, "it comes from a page's script") : null;
}

function ignored(status: 400 | 404 | 405 | 421, why: string): Callback {
  return { kind: "ignored", status, why };
}

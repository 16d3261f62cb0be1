// One HTTP request as a value that can be logged by accident.
//
// Body and headers hold secrets and have to be readable by the one who sends them. They are getters over private fields,
// so that inspect (also with showHidden), JSON, spread and structured clone find nothing to show.
import { inspect } from "node:util";

import manifest from "../../package.json" with { type: "json" };
import type { Encoding } from "../../providers/provider.ts";

/** One HTTP request. `body` and `headers` are there to be sent: no way of printing the object shows them. */
export interface WireRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Members of a body; those that are null are left out. */
export type Fields = Readonly<Record<string, string | null>>;

/** Who we say we are: ourselves. Some token endpoints turn away what looks like a browser or like another's client. */
export const userAgent = `llxprt-auth/${manifest.version}`;

export function get(url: string, headers: Readonly<Record<string, string>> = {}): WireRequest {
  return new Message("GET", url, headers, null);
}

/** A POST with `fields` as a form (RFC 6749 appendix B) or, where a vendor wants it so, as JSON. */
export function post(
  url: URL,
  encoding: Encoding,
  fields: Fields,
  headers: Readonly<Record<string, string>> = {},
): WireRequest {
  const present = Object.entries(fields).filter((field): field is [string, string] => field[1] !== null);
  return encoding === "json"
    ? new Message(
        "POST",
        url.href,
        { "content-type": "application/json", ...headers },
        JSON.stringify(Object.fromEntries(present)),
      )
    : new Message(
        "POST",
        url.href,
        { "content-type": "application/x-www-form-urlencoded;charset=UTF-8", ...headers },
        new URLSearchParams(present).toString(),
      );
}

class Message implements WireRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #body: string | null;

  constructor(method: "GET" | "POST", url: string, headers: Readonly<Record<string, string>>, body: string | null) {
    this.method = method;
    this.url = url;
    this.#headers = Object.freeze({ accept: "application/json", "user-agent": userAgent, ...headers });
    this.#body = body;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  get body(): string | null {
    return this.#body;
  }

  [inspect.custom](): string {
    return `${this.method} ${this.url}`;
  }
}

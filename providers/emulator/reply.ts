// A reply as a value, and the few shapes that vendors answer in. A value, because faults have to bend it on its way out.
// It must never be written to a socket here.

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** RFC 6749 5.1: what holds a token is not stored. */
const noStore = { "cache-control": "no-store", pragma: "no-cache" } as const;

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...noStore, ...headers },
    body: JSON.stringify(value),
  };
}

/** Server-sent events, each with its name where the vendor names it. */
export function events(list: readonly { readonly event?: string; readonly data: unknown }[]): Reply {
  const body = list
    .map(({ event, data }) => {
      const text = typeof data === "string" ? data : JSON.stringify(data);
      return `${event === undefined ? "" : `event: ${event}\n`}data: ${text}\n\n`;
    })
    .join("");
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    body,
  };
}

/** 303, so that the browser follows with GET and drops the form's body (RFC 9700 4.12). */
export function seeOther(location: string): Reply {
  return { status: 303, headers: { location, "referrer-policy": "no-referrer", ...noStore }, body: "" };
}

export const empty = (status: number): Reply => ({ status, headers: {}, body: "" });

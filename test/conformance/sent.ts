// What a client sent, as the emulator saw it on the wire. Judges nothing.
import type { Emulator, Endpoint } from "../../providers/emulator/index.ts";

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Members of the body, whatever its encoding. */
  readonly fields: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Body and query as they came. */
  readonly text: string;
}

/** What came to one of its endpoints, or to any, in the order of coming. */
export function sentTo({ requests }: Pick<Emulator, "requests">, endpoint: Endpoint | null = null): readonly Sent[] {
  return requests
    .filter((request) => endpoint === null || request.endpoint === endpoint)
    .map(({ method, path, query, body, headers, contentType }) => {
      const isJson = contentType?.includes("json") === true;
      const fields = isJson
        ? (JSON.parse(body) as Record<string, string>)
        : Object.fromEntries(new URLSearchParams(body));
      return { method, path, query: new URLSearchParams(query), fields, headers, text: `${query}\n${body}` };
    });
}

/** A parameter of an authorization address; empty: it is not there. */
export const parameter = (url: string, name: string): string => new URL(url).searchParams.get(name) ?? "";

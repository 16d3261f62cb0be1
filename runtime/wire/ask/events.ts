// Server-sent events out of bytes as they come, by the rules of the HTML standard. Pure.
//
// @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
import { createParser } from "eventsource-parser";

/** @throws AuthError never: what is too large comes back as `null`, and nothing more is to be fed then */
export interface EventReader {
  /** The data of the events that these bytes complete. Null: one of them is larger than anything legitimate. */
  readonly feed: (bytes: Uint8Array) => readonly string[] | null;
}

const maxEventLength = 1024 * 1024;

export function eventReader(): EventReader {
  // A character may be cut in two by the network.
  const decoder = new TextDecoder();
  let complete: string[] = [];
  let tooLarge = false;
  const parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent: ({ data }) => complete.push(data),
    onError: ({ type }) => (tooLarge ||= type === "max-buffer-size-exceeded"),
  });
  return {
    feed: (bytes) => {
      if (tooLarge) return null;
      complete = [];
      parser.feed(decoder.decode(bytes, { stream: true }));
      return tooLarge ? null : complete;
    },
  };
}

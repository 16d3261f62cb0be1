// Text of several lines from a server, made harmless for a terminal: no escape, no control, nothing that reorders or hides.

// Controls (Cc) and what formats unseen (Cf: bidi, zero width), line and paragraph separators.
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text without what a terminal would obey. Line breaks and tabs stay. */
export function plainText(text: string): string {
  return text.replace(harmful, (found) => (found === "\n" || found === "\t" ? found : ""));
}

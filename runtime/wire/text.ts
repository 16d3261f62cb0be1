// Text from a server, made fit to be shown or compared.
//
// Whatever a server, a redirect or a token says may end in a terminal, a log line or a header. Here it is reduced to what
// can do no harm there: an allow-list, never a list of bad characters. Nothing in this file decides anything else.

// RFC 6749 appendix A: VSCHAR = %x20-7E.
const vschars = /^[\x20-\x7e]+$/;

/** Whether `value` is a non-empty string of VSCHAR (RFC 6749 A.11, A.12, A.17): codes and tokens may hold nothing else. */
export function isVschars(value: unknown): value is string {
  return typeof value === "string" && vschars.test(value);
}

// Letters, digits, punctuation, symbols. Left out: controls and escapes, bidi and zero-width characters (Cf), line and
// paragraph separators, and combining marks, which pile up over neighbouring lines.
const shown = /^[\p{L}\p{N}\p{P}\p{S}]$/u;
// Letters by category, blanks by appearance (Hangul fillers and the like).
const invisible = /^\p{Default_Ignorable_Code_Point}$/u;

/**
 * One harmless line of at most `max` terminal columns; every run of blanks, line breaks and controls becomes one space. A
 * cut is marked with an ellipsis.
 *
 * Wide characters are counted by a rule that may overstate the width and never understates it.
 */
export function printable(text: string, max = 200): string {
  let line = "";
  let columns = 0;
  let gap = false;
  // Beyond this, only characters that are dropped could make a difference: work stays bounded whatever the input.
  for (const character of text.slice(0, max * 20).normalize("NFC")) {
    if (!shown.test(character) || invisible.test(character)) {
      gap ||= line !== "" && !/\p{M}|\p{Cf}/u.test(character);
      continue;
    }
    const width = (character.codePointAt(0) ?? 0) >= 0x11_00 ? 2 : 1;
    if (columns + (gap ? 1 : 0) + width > max - 1) return `${line}…`;
    line += (gap ? " " : "") + character;
    columns += (gap ? 1 : 0) + width;
    gap = false;
  }
  return line;
}

/**
 * An `error` code with only the characters that RFC 6749 5.2 gives it (%x20-21 / %x23-5B / %x5D-7E), at most 100 of them.
 * Null when `text` is no string or nothing is left.
 */
export function oauthErrorCode(text: unknown): string | null {
  if (typeof text !== "string") return null;
  const code = text
    .replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "")
    .slice(0, 100)
    .trim();
  return code === "" ? null : code;
}

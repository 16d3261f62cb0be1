// The secret that stands wherever a hostile input can hold one, and the search for it. One text in all of them, so that a
// search is one pass; in every disguise, and in pieces, since an input may have been cut through the middle of it.
import { formsOf } from "../support/canary.ts";

const mark = "cAnArY7zQ9vK3mX2pL5wR8tN4bH6cJ1g";

/** A secret of this kind, fit for every field that takes one. */
export const secretOf = (kind: string): string => `${kind}-${mark}`;

const pieceLength = 12;
const pieces = [
  ...new Set(
    formsOf(mark).flatMap((form) => {
      const last = Math.max(form.length - pieceLength, 0);
      return [0, Math.floor(last / 2), last].map((at) => form.slice(at, at + pieceLength));
    }),
  ),
];

/** What of the secret stands in this text, with what is around it; null: nothing. */
export function markIn(text: string): string | null {
  for (const piece of pieces) {
    const at = text.indexOf(piece);
    if (at >= 0) return text.slice(Math.max(0, at - 60), at + piece.length + 20);
  }
  return null;
}

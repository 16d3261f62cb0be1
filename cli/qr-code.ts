// An address as a QR code, in half-block characters: two modules a character, so that they are square.
//
// Light modules are drawn and dark ones left out, on a black ground of its own where colours are allowed, so that it can be
// read on dark and on light terminals. One that is broken into lines reads as nothing, so it is refused instead.
import { encode } from "uqr";

/** Light modules around it: ISO/IEC 18004 asks for four, scanners are content with fewer, and 80 columns are few. */
const quietZones = [4, 2, 1] as const;

export interface QrCode {
  /** Infinity: no code holds so much. */
  readonly columns: number;
  /** Null: it is too wide. */
  readonly lines: readonly string[] | null;
}

/** ISO/IEC 18004, table 7: version 40 with the least correction. */
const mostBytes = 2953;

/** @param columns of the terminal */
export function qrCode(text: string, columns: number): QrCode {
  // A server says how long its addresses are.
  if (Buffer.byteLength(text) > mostBytes) return { columns: Infinity, lines: null };
  // The least correction: a screen has no stains, and a larger code has smaller modules.
  const { data: modules } = encode(text, { ecc: "L", border: 0 });
  const quiet = quietZones.find((zone) => modules.length + 2 * zone <= columns);
  const least = modules.length + 2 * (quietZones.at(-1) ?? 0);
  return quiet === undefined ? { columns: least, lines: null } : { columns: least, lines: drawn(modules, quiet) };
}

function drawn(modules: readonly (readonly boolean[])[], quiet: number): string[] {
  const isLight = (row: number, column: number): boolean => modules[row]?.[column] !== true;
  const lines: string[] = [];
  for (let row = -quiet; row < modules.length + quiet; row += 2) {
    let line = "";
    for (let column = -quiet; column < modules.length + quiet; column += 1) {
      line += half(isLight(row, column), isLight(row + 1, column));
    }
    lines.push(line);
  }
  return lines;
}

function half(isUpperLight: boolean, isLowerLight: boolean): string {
  if (isUpperLight) return isLowerLight ? "█" : "▀";
  return isLowerLight ? "▄" : " ";
}

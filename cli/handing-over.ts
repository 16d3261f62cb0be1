// The address of a sign-in by other ways than reading it: as a QR code, and through the clipboard of the terminal.
//
// Only when asked for. A code that a person has to type, or a secret, never goes this way; the address that holds the code
// of a device sign-in does, because it is made for that (RFC 8628 3.3.1).
import type { PendingRow, Provider } from "../runtime/index.ts";
import { copying } from "./clipboard.ts";
import type { Context } from "./session.ts";
import { commandOf } from "./sign-in-words.ts";

/** Gets ready to hand addresses over as the options say. */
export async function handingOver(
  { flags, io, output }: Context,
  { grants }: Provider,
): Promise<(row: PendingRow) => void> {
  const qr = flags.qr === true ? await import("./qr-code.ts") : null;
  return (row) => {
    const address = row.urlComplete ?? row.url;
    if (qr !== null) {
      const room = io.stderr.isTTY ? io.stderr.columns || 80 : Infinity;
      const { lines, columns } = qr.qrCode(address, room);
      if (lines === null) {
        const shorter =
          row.kind !== "device" && grants.includes("device")
            ? ` A device code has a shorter address: ${commandOf(row, "login --device --qr", flags)}`
            : "";
        const why =
          columns === Infinity
            ? "The address is too long for a QR code."
            : `The QR code needs ${columns} columns, and there are ${room}.`;
        output.say(why + shorter);
      }
      for (const line of lines ?? []) output.say(output.style(["whiteBright", "bgBlack"], line));
    }
    if (flags.copy !== true) return;
    if (io.stderr.isTTY) {
      io.stderr.write(copying(address, io.environment));
      output.say("The address was handed to the clipboard of the terminal, if that allows it.");
    } else {
      output.say("There is no terminal here, so the address was not copied.");
    }
  };
}

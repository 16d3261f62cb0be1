// Looking for secrets where they do not belong, as they are and in the disguises that logs and encodings give them.
import { inspect } from "node:util";

/** What a secret may look like after it went through somebody's hands. */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const percent = Array.from(bytes, (byte) => `%${byte.toString(16)}`).join("");
  // Base64 of a longer text holds ours at one of three offsets; its ends depend on the neighbours.
  const shifted = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(offset === 0 ? 0 : 4)
      .replace(/=+$/, "")
      .slice(0, -4),
  );
  return [
    secret,
    ...shifted,
    ...shifted.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    encodeURIComponent(secret),
    percent,
    secret.split("").toReversed().join(""),
    JSON.stringify(secret).slice(1, -1),
    // Somebody who shows "only the first characters" shows the prefix that all have, and then these.
    secret.slice(-12),
  ].filter((form) => form.length >= 10);
}

/** Everything of a value that a careless program could print: hidden members, getters, causes, and its JSON. */
export function everythingOf(value: unknown): string {
  const shown = inspect(value, {
    depth: Infinity,
    showHidden: true,
    getters: true,
    maxStringLength: null,
    maxArrayLength: null,
  });
  return `${shown}\n${jsonOf(value)}\n${String(value)}\n${value instanceof Error ? `${value.stack}\n${everythingOf(value.cause)}` : ""}`;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

export interface Finding {
  readonly where: string;
  /** Around it, for the one who has to mend it. */
  readonly around: string;
}

/** Where these secrets stand in these texts. */
export function canaries(secrets: readonly string[], texts: ReadonlyMap<string, string>): Finding[] {
  const forms = [...new Set(secrets.flatMap(formsOf))];
  return [...texts].flatMap(([where, text]) =>
    forms.flatMap((form) => {
      const at = text.indexOf(form);
      return at < 0 ? [] : [{ where, around: text.slice(Math.max(0, at - 60), at + form.length + 20) }];
    }),
  );
}

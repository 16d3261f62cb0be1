// What the page consists of: files that were made when the program was built, and the pictures. The same bytes for everybody.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AuthError } from "../../../machines/errors.ts";
import pictures from "../pictures.json" with { type: "json" };

export interface File {
  readonly type: string;
  readonly bytes: Buffer;
  /** Content-Security-Policy in the place of the one that all others have. */
  readonly policy?: string;
}

/** By path. */
export type Files = ReadonlyMap<string, File>;

/** As sources, in the bundled command and the library's parts, in the library. */
const places = import.meta.url.endsWith(".ts") ? ["../../../dist/page"] : ["../page", "./page"];

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/view.js": ["view.js", "text/javascript; charset=utf-8"],
  "/look.css": ["look.css", "text/css; charset=utf-8"],
} as const;

/** @param folder where they are; default: where this program has them. @throws AuthError `internal` when they are not there */
export function pageFiles(folder: string | undefined = ownFolder()): Files {
  try {
    const read = Object.entries(files).map(
      ([path, [name, type]]) => [path, { type, bytes: readFileSync(join(folder ?? "", name)) }] as const,
    );
    const drawn = { type: "application/json; charset=utf-8", bytes: Buffer.from(JSON.stringify(pictures)) };
    return new Map([...read, ["/pictures.json", drawn]]);
  } catch (cause) {
    throw new AuthError("internal", { detail: "the page is not part of this build", cause });
  }
}

// In another program's bundle they are not there.
function ownFolder(): string | undefined {
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
}

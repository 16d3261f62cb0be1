// Every rule as its file declares it, without testing any.
import { readdirSync } from "node:fs";
import { ids } from "./ids.ts";
import { type Declared, listed } from "./rule.ts";

/** In the order of the rules. */
export async function declarations(): Promise<readonly Declared[]> {
  const all = listed();
  const files = readdirSync(import.meta.dirname).filter(
    (name) => name.endsWith(".test.ts") && !name.startsWith("coverage"),
  );
  for (const name of files.toSorted()) await import(new URL(name, import.meta.url).href);
  return all.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
}

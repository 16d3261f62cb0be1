// The refresh of a process of its own: carries the protocol out once, and says how it ended.
//
// Signals that are meant for people do not end it; its work is bounded by itself.
import { parseArgs } from "node:util";
import { AuthError } from "../../machines/errors.ts";
import { realHost } from "../host.ts";
import { readSettings } from "../settings/settings.ts";
import { providerNamed, providerTable } from "../settings/table.ts";
import { pathsIn } from "../store/names.ts";
import { createWiring } from "../wiring.ts";
import { refreshHere, said } from "./refresher.ts";

/** @param say hands a line to whoever started this process */
export async function refreshAlone(words: string[], say: (line: string) => void): Promise<void> {
  try {
    await refreshed(words, say);
  } catch (error) {
    const code = error instanceof AuthError ? error.code : "internal";
    say(said({ kind: "unavailable", code }, error instanceof AuthError ? error : null));
    process.exitCode = 1;
  }
}

async function refreshed(words: string[], say: (line: string) => void): Promise<void> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      home: { type: "string" },
      "min-ttl": { type: "string", default: "30000" },
      generation: { type: "string" },
      force: { type: "boolean", default: false },
    },
  });
  const [providerName = "", account = "default"] = positionals;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  const host = { ...realHost({ home: values.home }), launch: null };
  const paths = pathsIn(host.home);
  const table = providerTable(readSettings(paths), paths.settings, new Set());
  const wiring = createWiring(host, paths, (name) => providerNamed(table, name));
  const provider = wiring.provider(providerName);
  const name = { provider: provider.name, account };
  // While the lock is being taken.
  void wiring.sender.ready();
  const verdict = await refreshHere(wiring, provider, name, {
    minTtlMs: Number(values["min-ttl"]),
    force: values.force,
    generation: values.generation === undefined ? null : Number(values.generation),
  });
  say(said(verdict, verdict.code === null ? null : wiring.faults.recall(name, verdict.code)));
  await wiring.sender.close();
}

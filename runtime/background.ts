// What runs in a process of its own (`launch.ts`): it does one piece of work and ends.
//
// Nobody waits for it in front of a terminal, so signals that are meant for people do not end it; its work is bounded by
// itself. What it says goes to the pipe that it was given, if anybody still listens there.
import { closeSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { AuthError } from "../machines/errors.ts";
import { realHost } from "./host.ts";
import { refreshHere, said } from "./refresh/refresher.ts";
import { readSettings } from "./settings/settings.ts";
import { providerNamed, providerTable } from "./settings/table.ts";
import { pathsIn } from "./store/names.ts";
import { createWiring } from "./wiring.ts";

const pipe = 3;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      home: { type: "string" },
      "min-ttl": { type: "string", default: "30000" },
      generation: { type: "string" },
      force: { type: "boolean", default: false },
    },
  });
  const [, providerName = "", account = "default"] = positionals;
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

function say(text: string): void {
  try {
    writeSync(pipe, text);
    // Whoever listens need not wait for the end of this process.
    closeSync(pipe);
  } catch {
    // Nobody listens any more.
  }
}

try {
  await main();
} catch (error) {
  const code = error instanceof AuthError ? error.code : "internal";
  say(said({ kind: "unavailable", code }, error instanceof AuthError ? error : null));
  process.exitCode = 1;
}

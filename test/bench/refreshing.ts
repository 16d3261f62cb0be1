// What the refresh of a process of its own costs, against the bare exchange of one refresh token for the next, and against
// the same protocol in this process. In turns, with a server that takes 60 ms; the figures are medians of the differences.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { successorOf } from "../../runtime/refresh/successor.ts";
import { signIn, type Stage, stage } from "../support/stage.ts";
import { inFile, providerOf, reply } from "../support/spending.ts";
import type { Figure } from "./figures.ts";
import { median } from "./commands.ts";

const rounds = 25;
const serverMs = 60;
const mostMs = 250;

export async function refreshing(): Promise<Figure[]> {
  const library = pathToFileURL(resolve("dist", "index.mjs")).href;
  const { createAuth, realHost } = (await import(library)) as typeof import("../../runtime/index.ts");
  await using s = await stage();
  await signIn(s, s.auth(), "codex", { grant: "loopback" });
  await signIn(s, s.auth(), "anthropic", { grant: "loopback" });
  const host = s.home.host();
  const inline = createAuth({ ahead: false, host });
  const detached = createAuth({ ahead: false, host: { ...host, launch: realHost().launch } });
  const bare = exchanging(s);
  const costs: { readonly inline: number; readonly detached: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const least = await timed(s, "anthropic", bare);
    costs.push({
      inline: (await timed(s, "codex", () => inline.account("codex").refresh({ force: true }))) - least,
      detached: (await timed(s, "codex", () => detached.account("codex").refresh({ force: true }))) - least,
    });
  }
  await Promise.all([inline.close(), detached.close()]);
  return [
    figure(
      "refresh in a process of its own",
      costs.map((cost) => cost.detached),
    ),
    figure(
      "refresh in this process",
      costs.map((cost) => cost.inline),
    ),
  ];
}

/** The same goal for both: what stays in this process has a right to be cheaper. */
function figure(what: string, values: readonly number[]): Figure {
  const cost = median(values);
  const spread = `${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}`;
  return {
    what: `${what} against the bare exchange`,
    goal: `at most ${mostMs} ms more`,
    measured: `${Math.round(cost)} ms (${spread})`,
    isMet: cost <= mostMs,
  };
}

/** One refresh token for the next, and nothing else: no file, no lock, no other process. */
function exchanging(s: Stage): () => Promise<void> {
  const facts = providerOf(s.home, "anthropic");
  let { credential } = inFile(s.home, "anthropic");
  return async () => {
    const next = successorOf(facts, credential, await reply(s, "anthropic", credential));
    if (next.kind !== "successor") throw new Error(`The exchange ended with ${next.code}.`);
    ({ credential } = next);
  };
}

async function timed(s: Stage, provider: "codex" | "anthropic", work: () => Promise<unknown>): Promise<number> {
  s.emulator.fault(provider, "refresh", { kind: "delay", ms: serverMs });
  const began = performance.now();
  await work();
  return performance.now() - began;
}

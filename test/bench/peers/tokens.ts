// In one process: what a token that is still good costs, and what many callers at once do to one that has ended.
import { setImmediate } from "node:timers/promises";
import { median } from "../commands.ts";
import { type Held, libraries, type Library, type Load } from "./libraries.ts";
import { rotatingEndpoint } from "./rotating.ts";
import type { Table } from "./table.ts";

const batches = 21;
const callsABatch = 20_000;
const anHour = 3_600_000;

export async function cached(load: Load): Promise<Table> {
  const closure = closureOver(Date.now() + anHour);
  const held = await Promise.all(
    libraries.map(async (library) => ({ library, held: await library.hold(load, "http://127.0.0.1:9", anHour) })),
  );
  const times = new Map<Library, { readonly ns: number; readonly ratio: number }[]>();
  for (let batch = 0; batch < batches; batch += 1) {
    for (const { library, held: one } of held) {
      const [its, bare] = [await nanoseconds(one.token), await nanoseconds(closure)];
      times.set(library, [...(times.get(library) ?? []), { ns: its, ratio: its / bare }]);
    }
  }
  await closeAll(held.map((one) => one.held));
  return {
    title: "A token that is still good, in process",
    says: `Awaited, against a plain async closure that checks an expiry. Medians of ${batches} batches in turns. openid-client keeps no tokens: the check is the caller's own.`,
    head: ["library", "against the closure", "ns"],
    rows: libraries.map((library) => {
      const own = times.get(library) ?? [];
      const [ratio, ns] = [median(own.map((one) => one.ratio)), median(own.map((one) => one.ns))];
      return [titleOf(library), ratio.toFixed(2), String(Math.round(ns))];
    }),
  };
}

export async function crowded(load: Load): Promise<Table> {
  const rows: string[][] = [];
  for (const library of libraries) {
    const many = await crowd(library, load, { callers: 1000, failsFirst: false });
    const some = await crowd(library, load, { callers: 20, failsFirst: true });
    rows.push([titleOf(library), ...many, ...some]);
  }
  return {
    title: "Many callers, one token that has ended",
    says: "The server takes 50 ms, a refresh token is good once, and using it again ends the login. First 1,000 callers at once; then 20, and the server's first answer is a 503. llxprt-auth asks from a process of its own, so that no caller's death can lose the reply, and keeps the result in a file; the others keep it in memory.",
    head: ["library", "requests", "callers failed", "login", "ms", "requests (503)", "callers failed", "login", "ms"],
    rows,
  };
}

interface Crowd {
  readonly callers: number;
  readonly failsFirst: boolean;
}

async function crowd({ hold }: Library, load: Load, { callers, failsFirst }: Crowd): Promise<string[]> {
  await using endpoint = await rotatingEndpoint({ failsFirst });
  const held = await hold(load, endpoint.url, -anHour);
  const began = performance.now();
  const ends = await Promise.allSettled(Array.from({ length: callers }, () => held.token()));
  const ms = performance.now() - began;
  const failed = ends.filter(({ status }) => status === "rejected").length;
  const { requests, isRevoked } = await endpoint.counts();
  await held.close?.();
  return [String(requests), String(failed), isRevoked ? "**lost**" : "kept", String(Math.round(ms))];
}

const titleOf = ({ name, npm }: Library): string => (npm === null ? name : npm.replace(/@(?=[^@]+$)/, " "));

function closureOver(expiresAt: number): () => Promise<string> {
  // oxlint-disable-next-line require-await -- the price of an async function is what is compared
  return async () => {
    if (expiresAt - Date.now() < 30_000) throw new Error("expired");
    return "plainly-fake";
  };
}

async function nanoseconds(work: () => Promise<unknown>): Promise<number> {
  await setImmediate();
  const start = process.hrtime.bigint();
  for (let call = 0; call < callsABatch; call += 1) await work();
  return Number(process.hrtime.bigint() - start) / callsABatch;
}

async function closeAll(held: readonly Held[]): Promise<void> {
  for (const { close } of held) await close?.();
}

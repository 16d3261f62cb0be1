// What an account costs in memory, and that it costs the same however many there are: many accounts are one process each
// time, measured by its heap after a full collection.
import { execFileSync } from "node:child_process";
import type { Figure } from "./figures.ts";

const counts = [1, 100, 10_000];
const most = 1.25;

export function memory(): Figure[] {
  return (
    [
      ["token", "an account that handed out a token"],
      ["actor", "an account with its statechart running"],
    ] as const
  ).map(([mode, what]) => {
    const [one = 0, some = 0, many = 0] = counts.map((count) => bytesEach(count, mode));
    return {
      what: `memory of ${what}, one of ${counts.join(" / ")}`,
      goal: `at 10,000 at most ${most} of that at 100`,
      measured: `${[one, some, many].map((bytes) => (bytes / 1024).toFixed(1)).join(" / ")} kB`,
      isMet: many <= some * most,
    };
  });
}

function bytesEach(count: number, mode: "token" | "actor"): number {
  const args = ["--expose-gc", "test/bench/accounts.ts", String(count), mode];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

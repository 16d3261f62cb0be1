// What a command costs to start, in CPU time, against an empty Node process of the same version.
// Both run in turn, ten at a time; the figure is the median of the ratios pair by pair.
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "./figures.ts";
import { homeWithToken } from "./home.ts";

const rounds = 15;
const runsARound = 10;

export async function commands(): Promise<Figure[]> {
  const empty = join(mkdtempSync(join(tmpdir(), "bench-")), "empty.cjs");
  writeFileSync(empty, "");
  const home = homeWithToken();
  const entry = join("dist", "llxprt-auth.cjs");
  const cases = [
    { what: "token (fresh, stored)", args: ["codex", "token"], most: 1.15 },
    { what: "status", args: ["status"], most: 1.15 },
    { what: "completion bash", args: ["completion", "bash"], most: 1.25 },
    { what: "--version", args: ["--version"], most: 1.15 },
    { what: "--help", args: ["--help"], most: 3 },
  ];
  return cases.map(({ what, args, most }) => {
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ratios.push(cpu([entry, ...args], home) / cpu([empty], home));
    }
    const ratio = median(ratios);
    const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    return {
      what: `${what}: CPU against an empty process`,
      goal: `at most ${most}`,
      measured: `${ratio.toFixed(2)} (${spread})`,
      isMet: ratio <= most,
    };
  });
}

/** CPU seconds of some runs in a row, as the shell's `time` adds them up. */
function cpu(args: readonly string[], home: string): number {
  const script = `TIMEFORMAT='%U %S'; time for i in $(seq ${runsARound}); do "$@" >/dev/null; done`;
  const { stderr, status } = spawnSync("bash", ["-c", script, "bash", process.execPath, ...args], {
    encoding: "utf8",
    env: { ...process.env, LLXPRT_HOME: home },
  });
  if (status !== 0) throw new Error(`${args.join(" ")} failed: ${stderr}`);
  const [user = 0, system = 0] = stderr.trim().split(/\s+/).slice(-2).map(Number);
  return user + system;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

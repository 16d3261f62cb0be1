// What is lit in the pictures of an account: pure, from the facts, the lines, and the moment that is looked at.
//
// Live, the facts say where the account stands, and charts of living processes that stand elsewhere are marked as well; of a
// moment of the past only the lines up to it are asked.
import type { ChartName } from "../../../../machines/chart.ts";
import type { Grant } from "../../../../providers/provider.ts";
import type { SceneAccount } from "../scene.ts";
import type { Run } from "./runs.ts";
import type { Numbered } from "./seen.ts";
import type { Standing } from "./standing.ts";

export interface Lit {
  /** Paths of states, each with those around it. */
  readonly active: readonly string[];
  /** Where a living process's chart stands while the account stands elsewhere. */
  readonly held: readonly string[];
  /** Where a chart stood last that does not run any more. */
  readonly left: readonly string[];
  /** Arrows by their ends, `a>b`. */
  readonly taken: readonly string[];
  /** The line that took them, and who and when it was. */
  readonly by: Numbered | null;
}

export const dark: Lit = { active: [], held: [], left: [], taken: [], by: null };

/** `a.b` → `a`, `a.b` */
export function within(path: string | null): string[] {
  if (path === null || path === "") return [];
  const names = path.split(".");
  return names.map((_, index) => names.slice(0, index + 1).join("."));
}

const signingIn: ReadonlySet<string> = new Set(["pendingAuth", "awaitingCode", "awaitingPoll"]);

/** The chart's path for a state of `status`, which knows more words than the account's chart has states. */
export function pathOfState({ state, pending, grants }: Pick<SceneAccount, "state" | "pending" | "grants">): string {
  if (!signingIn.has(state)) return state;
  const guess = state === "awaitingPoll" ? "device" : grants.find((grant) => grant !== "device");
  const grant = pending?.kind ?? guess;
  return grant === undefined ? "pendingAuth" : `pendingAuth.${grant}`;
}

/** The account's own chart. @param account null: a moment of the past */
export function accountLit(account: SceneAccount | null, standing: Standing, runs: readonly Run[]): Lit {
  const { by } = standing;
  const value = account === null ? standing.value : pathOfState(account);
  // What a step means for the account is a guess as long as the facts do not say the same.
  const taken = by?.move === undefined && standing.value !== value ? [] : standing.taken;
  const others = account === null ? [] : runs.filter((run) => run.chart === "account" && run.isThere && !run.isOver);
  const held = others.flatMap((run) => within(run.value)).filter((path) => !within(value).includes(path));
  return { active: within(value), held: [...new Set(held)], left: [], taken, by };
}

const waits: Readonly<Record<Grant, string>> = {
  loopback: "awaitingCode",
  paste: "awaitingCode",
  device: "awaitingPoll",
};

/** A chart beside the account's: a way to sign in, or the refresh protocol. */
export function besideLit(
  chart: Exclude<ChartName, "account">,
  account: SceneAccount | null,
  runs: readonly Run[],
): Lit {
  const mine = runs.filter((run) => run.chart === chart);
  const run = mine.find(({ isThere, isOver }) => isThere === true && !isOver) ?? mine[0];
  // A record of a sign-in is there, and no process that serves it.
  const isKept = account?.pending?.kind === chart && (run === undefined || run.isOver || run.isThere === false);
  const kept = isKept ? within(waits[chart]) : [];
  if (run === undefined) return { ...dark, active: kept };
  const isOn = !run.isOver && run.isThere !== false;
  const { taken, by } = run;
  const path = within(run.value);
  return isOn || run.isThere === null
    ? { active: path, held: [], left: [], taken, by }
    : { active: kept, held: [], left: kept.length > 0 ? [] : path, taken, by };
}

/** The chart that is worth a look: of a sign-in under way, else of what ran last. */
export function besideChart(
  { grants }: Pick<SceneAccount, "grants">,
  pending: SceneAccount["pending"],
  runs: readonly Run[],
): Exclude<ChartName, "account"> | null {
  if (pending !== null) return pending.kind;
  const last = runs.find(({ chart }) => chart !== "account");
  return (last?.chart as Exclude<ChartName, "account"> | undefined) ?? grants[0] ?? null;
}

/** How long an arrow glows after it was taken (ms). */
export const glowMs = 6_000;

/** @param now epoch milliseconds; of a moment of the past an arrow glows as long as it is looked at */
export function isFresh({ by }: Lit, now: number, isPast: boolean): boolean {
  return by !== null && (isPast || Math.abs(now - Date.parse(by.at)) < glowMs);
}

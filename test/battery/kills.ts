// A storm of kills over commands and workers, and if wanted over refreshers: seeded, half of the moments at random and half
// of them soon after the token has ended, which is when there is something to lose.
//
// A login that is lost is counted, looked up in the journal, and replaced by a new one, so that the storm goes on.
import { type Chance, chanceOf } from "./chance.ts";
import type { Json } from "../cli/program.ts";
import { pause } from "./part.ts";
import { command, refreshersOf, signal, type Told, type Worker, worker } from "./processes.ts";
import { provider, type World } from "./world.ts";

export interface StormOptions {
  readonly kills: number;
  readonly refreshes: number;
  /** Short-lived commands at a time, and long-lived workers. */
  readonly commands: number;
  readonly workers: number;
  /** Likelihood that a kill is for a refresher. */
  readonly hunts: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface Storm {
  readonly kills: number;
  readonly killedRefreshers: number;
  /** Whether both numbers were reached in time. */
  readonly isDone: boolean;
  /** How long, after each kill, another process waited for a token. */
  readonly waits: readonly number[];
  /** What calls of those who were left alone ended with, while there was a login. */
  readonly failures: readonly string[];
  /** Tokens that were handed out though their login had ended, or that the server never made. */
  readonly useless: number;
  readonly lost: readonly Loss[];
}

export interface Loss {
  readonly login: number;
  /** `ended` by the server, because of a reuse; or `givenUp` by the client, because the one repeat was interrupted as well. */
  readonly how: "ended" | "givenUp";
  /** Processes were killed between permit and seal: nobody could have done anything. */
  readonly isExplained: boolean;
}

export async function storm(world: World, options: StormOptions): Promise<Storm> {
  const { seed, say, hunts } = options;
  const chance = chanceOf(seed);
  const killed = new Set<number>();
  const waits: number[] = [];
  const failures: string[] = [];
  const lost: Loss[] = [];
  const counts = { kills: 0, refreshers: 0, useless: 0 };
  const asks: Promise<unknown>[] = [];
  const over = new AbortController();
  let seededAt = performance.now();
  let wantsSignIn = false;
  let isMourning = false;

  const failed = (what: string, isSignedOut: boolean, ms: number, said: string): void => {
    // A call that began before the present login is about the one that was lost.
    if (!world.isAlive || wantsSignIn || isMourning || performance.now() - ms < seededAt) return;
    failures.push(what);
    say(`after ${Math.round(ms)} ms, the token ended ${Date.now() - world.expiresAt} ms ago: ${said}`);
    if (isSignedOut) wantsSignIn = true;
  };
  const judgeToken = (token: string): void => {
    if (world.isAlive && ["ended", "unknown"].includes(world.emulator.standing(token))) counts.useless += 1;
  };
  const hear = (told: Told): void => {
    if (told.kind === "got") judgeToken(told.token);
    if (told.kind === "failed") failed(told.code, signInCodes.has(told.code), told.ms, told.said);
  };

  const living = new Map<number, { readonly isWorker: boolean }>();
  const keepCommanding = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { child, ended } = command(world.house, [provider, "token", "--min-ttl", "0"]);
      const pid = child.pid ?? 0;
      living.set(pid, { isWorker: false });
      const { code, stdout, stderr, ms } = await ended;
      living.delete(pid);
      if (code === 0) judgeToken(stdout.trim());
      else if (!killed.has(pid)) failed(`exit ${code}: ${stderr.split("\n")[0]}`, code === 3, ms, stderr);
      await pause(chance.between(50, 250));
    }
  };
  const keepWorking = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const made = worker(world.house, { provider, minTtlMs: 1, pauseMs: 50 }, hear);
      const pid = made.child.pid ?? 0;
      await made.ready;
      living.set(pid, { isWorker: true });
      const stop = (): void => made.stop();
      over.signal.addEventListener("abort", stop, { once: true });
      if (over.signal.aborted) stop();
      await made.ended;
      over.signal.removeEventListener("abort", stop);
      living.delete(pid);
    }
  };
  // Never killed: it says what the others feel.
  const witness: Worker = worker(world.house, { provider, minTtlMs: 1, pauseMs: 0 }, hear);
  await witness.ready;
  const busy = [
    ...Array.from({ length: options.commands }, keepCommanding),
    ...Array.from({ length: options.workers }, keepWorking),
  ];

  const ask = async (login: number): Promise<void> => {
    const { code, ms } = await witness.ask();
    if (code === null && login === world.emulator.logins().length) waits.push(ms);
  };
  const afterKill = (): void => {
    counts.kills += 1;
    const login = world.emulator.logins().length;
    asks.push(ask(login));
  };
  const kill = (pid: number): void => {
    killed.add(pid);
    // Half of the kills are of a whole process group, as a closed terminal is one.
    if (signal(pid, "SIGKILL", chance.is(0.5))) afterKill();
  };
  const hunt = async (): Promise<void> => {
    const pid = await found(world.home, 1_500);
    if (pid === null) return;
    await pause(chance.between(0, 150));
    killed.add(pid);
    if (!signal(pid, "SIGKILL")) return;
    counts.refreshers += 1;
    afterKill();
  };
  const mourn = async (): Promise<void> => {
    isMourning = true;
    const login = world.emulator.logins().length - 1;
    const how = world.isAlive ? "givenUp" : "ended";
    const interrupted = mostInterrupted(world, login, killed);
    const loss: Loss = { login, how, isExplained: interrupted >= (how === "ended" ? 1 : 2) };
    lost.push(loss);
    say(`login ${login} is lost (${how}) after ${counts.kills} kills: ${interrupted} killed between permit and seal`);
    // What has no explanation there is said in full.
    if (!loss.isExplained) say(world.history(login));
    await world.signIn();
    seededAt = performance.now();
    wantsSignIn = false;
    isMourning = false;
  };

  const isEnough = (): boolean =>
    counts.kills >= options.kills && world.emulator.counters(provider).refreshes >= options.refreshes;
  const end = performance.now() + 60_000 + options.kills * 1_500 + options.refreshes * (world.lifetimeMs + 3_000);
  let said = 0;
  while (!isEnough() && performance.now() < end) {
    await aMoment(world, chance);
    if (!world.isAlive || wantsSignIn) await mourn();
    if (chance.is(hunts)) await hunt();
    for (const pid of chance.shuffled([...living.keys()]).slice(0, Math.ceil(chance.between(0, 3)))) kill(pid);
    if (counts.kills >= said + 100) {
      said = counts.kills;
      say(`${counts.kills} kills, ${world.emulator.counters(provider).refreshes} refreshes`);
    }
  }
  await Promise.all(asks);
  over.abort();
  witness.stop();
  await Promise.all([...busy, witness.ended]);
  if (!world.isAlive) await mourn();
  return {
    kills: counts.kills,
    killedRefreshers: counts.refreshers,
    isDone: isEnough(),
    waits,
    failures,
    useless: counts.useless,
    lost,
  };
}

/** Errors after which only a person can go on. */
const signInCodes: ReadonlySet<string> = new Set(["sign_in_needed", "refresh_refused", "refresh_interrupted"]);

/** Any time, or soon after the token's end. */
async function aMoment(world: World, chance: Chance): Promise<void> {
  if (chance.is(0.5)) return pause(chance.between(20, 300));
  const untilEnd = Math.min(Math.max(world.expiresAt - Date.now(), 0), world.lifetimeMs);
  return pause(untilEnd + chance.between(0, 400));
}

/** The first refresher that shows. */
async function found(home: string, withinMs: number): Promise<number | null> {
  const end = performance.now() + withinMs;
  for (;;) {
    const [pid] = refreshersOf(home);
    if (pid !== undefined) return pid;
    if (performance.now() > end) return null;
    await pause(5);
  }
}

/**
 * How often, for one refresh token of this login, a process was killed between permit and seal: it noted its permit and no
 * seal, or it is the one whose permit a later process found.
 */
function mostInterrupted(world: World, login: number, killed: ReadonlySet<number>): number {
  const records = world.journal().filter(({ lineage }) => world.lineages.get(lineage) === login);
  const sealed = new Set(records.filter(({ step }) => step === "sealed").map(attemptOf));
  const died = records.flatMap((record): { readonly pid: unknown; readonly generation: unknown }[] => {
    const { step, pid, generation, holder } = record;
    if (step === "permitted" && !sealed.has(attemptOf(record))) return [{ pid, generation }];
    return ["repeated", "interrupted"].includes(step) && holder !== undefined ? [{ pid: holder.pid, generation }] : [];
  });
  const byToken = Map.groupBy(
    died.filter(({ pid }) => killed.has(pid as number)),
    ({ generation }) => generation,
  );
  return Math.max(0, ...[...byToken.values()].map((deaths) => new Set(deaths.map(({ pid }) => pid)).size));
}

const attemptOf = ({ generation, attempt }: Json): string => `${generation}.${attempt}`;

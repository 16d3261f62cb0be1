// A time of our own, in place of this process's: timers that fire when the test says so, clocks that show what it says, and
// dice that fall the same way every time. Whoever sets a timer owns it, so that a process that is killed takes its timers
// along.
//
// What the product imports from Node is bound when a module is loaded; `syncBuiltinESMExports` renews those bindings. Nothing
// of the product is changed, and everything is put back at the end.
import { AsyncLocalStorage } from "node:async_hooks";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import pauses from "node:timers/promises";

/** Which of the simulated processes runs at this moment. */
export const processes = new AsyncLocalStorage<string>();

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  pause: pauses.setTimeout,
  uptime: os.uptime,
  random: Math.random,
};

/** Lets everything run that can run now. */
export const drained = (): Promise<void> => new Promise((resolve) => void real.setImmediate(resolve));

/** As much of Node's Timeout as anybody asks of it. */
class Timer {
  readonly time: Time;
  readonly run: () => void;
  readonly owner: string | undefined;
  /** Null: once. */
  readonly everyMs: number | null;
  /** In time awake. */
  at: number;

  constructor(time: Time, run: () => void, inMs: number, everyMs: number | null) {
    this.time = time;
    this.run = run;
    this.owner = processes.getStore();
    this.everyMs = everyMs;
    this.at = time.awakeMs + Math.max(0, Number.isFinite(inMs) ? inMs : 0);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

export class Time implements Disposable {
  /** Time in which the machine ran (ms). */
  awakeMs = 1_000_000;
  /** Time in which it slept: timers stand still, and clocks do not. */
  asleepMs = 0;
  /** By how much somebody has set the wall clock (ms). */
  setMs = 0;
  readonly #timers = new Set<Timer>();
  readonly #startedAt: number;
  #dice: number;

  /** @param startedAt epoch milliseconds. @param seed of the dice */
  constructor(startedAt: number, seed: number) {
    this.#startedAt = startedAt;
    this.#dice = seed >>> 0;
    this.#install();
  }

  /** Epoch milliseconds, as they are in truth. */
  readonly now = (): number => this.#startedAt + this.monotonic();
  /** Epoch milliseconds by the wall clock of this machine. */
  readonly wall = (): number => this.now() + this.setMs;
  readonly monotonic = (): number => this.awakeMs + this.asleepMs;

  /** From 0 to 1, the same for the same seed (mulberry32). */
  readonly random = (): number => {
    this.#dice = (this.#dice + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#dice ^ (this.#dice >>> 15), 1 | this.#dice);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  readonly bytes = (size: number): Uint8Array =>
    Uint8Array.from({ length: size }, () => Math.floor(this.random() * 256));

  /** Fires the next timer, unless it is later than `untilMs` of time awake. @returns whether one fired */
  fire(untilMs = Infinity): boolean {
    let next: Timer | null = null;
    for (const timer of this.#timers) if (next === null || timer.at < next.at) next = timer;
    if (next === null || next.at > untilMs) return false;
    this.awakeMs = Math.max(this.awakeMs, next.at);
    this.#timers.delete(next);
    if (next.everyMs !== null) {
      next.at = this.awakeMs + Math.max(1, next.everyMs);
      this.#timers.add(next);
    }
    processes.run(next.owner as string, next.run);
    return true;
  }

  /** Lets so much time pass, timer by timer, and everything run that runs then. */
  async pass(ms: number, afterEach: () => void): Promise<void> {
    const until = this.awakeMs + ms;
    while (this.fire(until)) {
      await drained();
      afterEach();
    }
    this.awakeMs = Math.max(this.awakeMs, until);
  }

  /** The timers of a process that is no more. */
  drop(owner: string): void {
    for (const timer of this.#timers) if (timer.owner === owner) this.#timers.delete(timer);
  }

  #add(run: () => void, inMs: number, everyMs: number | null): Timer {
    const timer = new Timer(this, run, inMs, everyMs);
    this.#timers.add(timer);
    return timer;
  }

  #install(): void {
    const stop = (timer: unknown): void => {
      if (timer instanceof Timer) this.#timers.delete(timer);
      else real.clearTimeout(timer as NodeJS.Timeout);
    };
    type Run = (...given: readonly unknown[]) => void;
    Object.assign(globalThis, {
      setTimeout: (run: Run, ms = 0, ...given: unknown[]) => this.#add(() => run(...given), ms, null),
      setInterval: (run: Run, ms = 0, ...given: unknown[]) => this.#add(() => run(...given), ms, ms),
      setImmediate: (run: Run, ...given: unknown[]) => this.#add(() => run(...given), 0, null),
      clearTimeout: stop,
      clearInterval: stop,
      clearImmediate: stop,
    });
    pauses.setTimeout = <T>(ms?: number, value?: T): Promise<T> =>
      new Promise((resolve) => this.#add(() => resolve(value as T), ms ?? 0, null));
    os.uptime = () => this.monotonic() / 1000;
    Math.random = this.random;
    Object.defineProperty(performance, "now", { value: () => this.awakeMs, configurable: true });
    syncBuiltinESMExports();
  }

  [Symbol.dispose](): void {
    const { pause, uptime, random, ...timers } = real;
    Object.assign(globalThis, timers);
    pauses.setTimeout = pause;
    os.uptime = uptime;
    Math.random = random;
    Reflect.deleteProperty(performance, "now");
    syncBuiltinESMExports();
  }
}

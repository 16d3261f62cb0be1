// The world that the machines live in: accounts on a disk, processes that come and go, one server, two clocks. All effects
// of the machines are done here, in steps (`task.ts`), and nothing happens unless somebody says so: time passes when it is
// told to, and a step is done when it is told to.
import { envelope, restorable } from "../../machines/migrations.ts";
import type { CredentialEvent } from "../../machines/life.ts";
import type { AlarmInput } from "../../machines/login/login.ts";
import type { ProviderMachine } from "../../machines/provider.ts";
import type { Provider } from "../../providers/provider.ts";
import { type Running, run } from "../../runtime/actor.ts";
import { createVault, type Vault } from "../../runtime/login/vault.ts";
import type { Client, Endpoints } from "../../runtime/wire/request.ts";
import { Secret } from "../../runtime/secret.ts";
import type { AccountName } from "../../runtime/store/names.ts";
import { createDisk, type Disk, type Part } from "./disk.ts";
import { createLedger, type Sight } from "./ledger.ts";
import { createTask, type Task, type TaskEnds, type Work } from "./task.ts";
import { createVendor, type Login } from "./vendor.ts";
import type { Learned } from "../../runtime/pace.ts";

/** An effect that a machine has started. */
export interface Started extends TaskEnds<unknown> {
  readonly effect: string;
  readonly input: unknown;
  /** The machine has left it. What is under way goes on all the same. */
  readonly isStopped: () => boolean;
  readonly tells: (event: CredentialEvent | { readonly type: string }) => void;
  /** Called when the machine leaves it. */
  readonly onStop: (stop: () => void) => void;
}

interface Alarm {
  readonly at: number;
  readonly clock: "wall" | "steady";
  readonly input: AlarmInput;
  readonly started: Started;
  readonly process: Process;
}

/** A process that keeps one account's machine. */
export interface Process {
  readonly id: number;
  readonly name: AccountName;
  running: Running | null;
  isDead: boolean;
  readonly vault: Vault;
  /** The attempt that waits here. */
  waiting: string | null;
  /** How many sign-ins are being stored. */
  storing: number;
  learned: Learned | null;
  underWay: Task | null;
  readonly watchers: Set<Started>;
  readonly serving: Map<string, Started>;
  /** Notices that have not been read yet. */
  readonly notices: Map<string, Task>;
  /** The attempt whose record was missed already. */
  missed: string | null;
}

export type World = ReturnType<typeof createWorld>;

/** One place for every effect: where it is done, and for whom. */
export interface Site {
  readonly world: World;
  readonly process: Process;
  readonly disk: Disk;
  readonly task: Task;
  readonly isStopped: () => boolean;
}

type Effect = (site: Site, input: never) => Work<unknown>;

export interface Circumstances {
  readonly provider: Provider;
  readonly machine: ProviderMachine;
  readonly effects: Readonly<Record<string, Effect>>;
  /** What a process does when it hears that a part of the disk has changed, or that it woke up. */
  readonly notice: (site: Site, what: Part | "wake") => Work<void>;
  readonly serve: (world: World, process: Process, started: Started) => void;
  readonly startAt: number;
  /** Everything that leaves an actor is looked at, which takes its time. */
  readonly isClose: boolean;
}

export function createWorld({ provider, machine, effects, notice, serve, startAt, isClose }: Circumstances) {
  const time = { wall: startAt, steady: startAt };
  const clock = { wall: () => time.wall, steady: () => time.steady };
  const vendor = createVendor(provider, clock);
  const ledger = createLedger();
  const disks = new Map<string, Disk>();
  const sights = new Map<string, Sight | null>();
  const processes: Process[] = [];
  const systems = new WeakMap<object, Process>();
  let creating: { readonly process: Process; readonly effects: string[] } | null = null;
  let tasks: Task[] = [];
  let alarms: Alarm[] = [];
  let ids = 0;
  let acting = "nobody";
  let turn = Promise.withResolvers<void>();
  const listeners: { onTask: (task: Task) => void; onTaken: (name: string) => void } = {
    onTask: nothing,
    onTaken: nothing,
  };
  /** Why another process ended a sign-in, by attempt. */
  const reasons = new Map<string, string>();
  const requests = new Map<string, number>();

  /** Everybody goes on, the oldest first. @returns how many steps that took */
  const goOn = (most = 400): number => {
    let steps = 0;
    while (steps < most) {
      const task = world.tasks().find((one) => one.isReady());
      if (task === undefined) break;
      task.step();
      steps += 1;
    }
    return steps;
  };
  const numbers = { attempts: 0, lineages: 0 };
  const carried = new Map<Task, Login>();
  const perAccount = new Map<string, number>();

  const touch = (account: string): void => {
    perAccount.set(account, (perAccount.get(account) ?? 0) + 1);
    const before = turn;
    turn = Promise.withResolvers();
    before.resolve();
  };

  const changed = (account: string, part: Part): void => {
    const disk = disks.get(account);
    if (disk === undefined) return;
    touch(account);
    if (part === "tokens") {
      const before = sights.get(account) ?? null;
      const after = seen(disk);
      sights.set(account, after);
      ledger.note({ kind: "seen", account, by: acting, before, after });
    }
    for (const process of processes)
      if (process.name.account === account && part !== "turns") tellOf(process, disk, part);
  };

  /** Somebody will look; who has not looked yet, looks once. */
  const tellOf = (process: Process, disk: Disk, what: Part | "wake"): void => {
    if (process.isDead || process.watchers.size === 0) return;
    const waiting = process.notices.get(what);
    if (waiting !== undefined && !waiting.isOver()) return;
    const task = start(`notice ${what}`, process.name.account, function* (self) {
      yield { at: what };
      yield* notice({ world, process, disk, task: self, isStopped: () => process.watchers.size === 0 }, what);
    });
    process.notices.set(what, task);
    owners.set(task, process);
  };

  const owners = new Map<Task, Process>();

  const start = <Result>(
    name: string,
    account: string,
    work: (task: Task) => Work<Result>,
    ends: TaskEnds<Result> = { ends: () => undefined, breaks: thrown },
  ): Task => {
    const task = createTask({ id: (ids += 1), name, account }, work, {
      ends: (result) => {
        touch(account);
        ends.ends(result);
      },
      breaks: (error) => {
        touch(account);
        ends.breaks(error);
      },
    });
    const timed: Task = {
      ...task,
      step: () => {
        as(`${name}: ${task.at()}`, task.step);
      },
      breaks: (error) => {
        as(`${name} breaks`, () => {
          task.breaks(error);
        });
      },
      kill: () => {
        world.loses(task);
        task.kill();
        touch(account);
      },
    };
    tasks.push(timed);
    listeners.onTask(timed);
    return timed;
  };

  const as = (who: string, act: () => void): void => {
    traced.on?.(`  ${who}`);
    const before = acting;
    acting = who;
    try {
      act();
    } finally {
      acting = before;
    }
  };

  const disk = (account: string): Disk => {
    const there = disks.get(account);
    if (there !== undefined) return there;
    const made = createDisk({ provider: provider.name, account }, provider, clock, (part) => {
      changed(account, part);
    });
    disks.set(account, made);
    return made;
  };

  const began = (system: object, started: Started): void => {
    const process = systems.get(system) ?? creating?.process;
    if (process === undefined) throw new TypeError("an effect of nobody's");
    systems.set(system, process);
    creating?.effects.push(started.effect);
    const { account } =
      (started.input as { readonly account?: string }).account === undefined
        ? process.name
        : (started.input as AccountName);
    switch (started.effect) {
      case "alarm":
        alarm(process, started);
        return;
      case "storeWatch":
        process.watchers.add(started);
        started.onStop(() => process.watchers.delete(started));
        return;
      case "serving":
        serve(world, process, started);
        return;
      default: {
        const effect = effects[started.effect];
        if (effect === undefined) throw new TypeError(`there is no ${started.effect}`);
        const task: Task = start(
          started.effect,
          account,
          (self) =>
            effect(
              { world, process, disk: disk(account), task: self, isStopped: started.isStopped },
              started.input as never,
            ),
          {
            ends: (result) => {
              if (isClose)
                ledger.note({ kind: "told", where: `the output of ${started.effect}`, text: JSON.stringify(result) });
              if (!started.isStopped()) started.ends(result);
            },
            breaks: (error) => {
              if (!started.isStopped()) started.breaks(error);
            },
          },
        );
        owners.set(task, process);
      }
    }
  };

  const alarm = (process: Process, started: Started): void => {
    const input = started.input as AlarmInput;
    if (input.at === null) return;
    const isSignIn = input.sends === "deadline.passed" || input.sends === "poll.due";
    alarms.push({ at: input.at, clock: isSignIn ? "steady" : "wall", input, started, process });
  };

  const liveAlarms = (): readonly Alarm[] => {
    alarms = alarms.filter(({ started, process }) => !process.isDead && !started.isStopped());
    return alarms;
  };

  const ring = (one: Alarm): void => {
    alarms = alarms.filter((other) => other !== one);
    as(`alarm ${one.input.sends}`, () => {
      one.started.tells({ type: one.input.sends });
    });
  };

  const leftUntil = ({ at, clock: which }: Alarm): number => at - time[which];

  const world = {
    provider,
    clock,
    vendor,
    ledger,
    disk,
    accounts: () => [...disks.keys()],
    processes,
    reasons,
    /** Who serves an attempt. */
    turns: new Map<string, Process>(),
    /** When the next poll of an attempt is due, by the letter. */
    polls: new Map<string, { readonly dueAt: number }>(),
    attempts: () => (numbers.attempts += 1),
    lineages: () => (numbers.lineages += 1),
    /** Only in this task is the reply that keeps this login alive; null: it is safe. */
    carries(task: Task, login: Login | null) {
      if (login === null) carried.delete(task);
      else carried.set(task, login);
    },
    /** It is given up with what it carries. */
    loses(task: Task) {
      const login = carried.get(task);
      if (login !== undefined) login.excused = true;
      carried.delete(task);
    },
    /** A machine that runs without an actor has taken a transition. */
    takes: (name: string) => {
      listeners.onTaken(name);
    },
    whenTaken: (told: (name: string) => void) => {
      listeners.onTaken = told;
    },
    endpoints: {
      authorization: provider.authorizationEndpoint,
      token: provider.tokenEndpoint,
      device: provider.deviceAuthorizationEndpoint,
      revocation: provider.revocationEndpoint,
      userinfo: null,
      issuer: null,
      issSent: false,
    } satisfies Endpoints,
    client: { id: provider.clientId ?? "client", secret: null } satisfies Client,
    by: { issuer: "id.acme.example", clientId: provider.clientId ?? "client" },
    began,
    start,
    touch,
    as,
    isClose,
    owners,
    acting: () => acting,
    /** Something changes. */
    turn: () => turn.promise,
    whenTask: (told: (task: Task) => void) => {
      listeners.onTask = told;
    },
    /** Everything that is not over, the oldest first. */
    tasks(): readonly Task[] {
      tasks = tasks.filter((task) => !task.isOver());
      return tasks;
    },
    /** How often anything of this account has changed. */
    changes: (account: string): number => perAccount.get(account) ?? 0,

    /** A process begins, with what the last one has saved. */
    begin(name: AccountName, jitter = 0.5): Process {
      const process: Process = {
        id: (ids += 1),
        name,
        running: null,
        isDead: false,
        vault: createVault(),
        waiting: null,
        storing: 0,
        learned: null,
        underWay: null,
        watchers: new Set(),
        serving: new Map(),
        notices: new Map(),
        missed: null,
      };
      processes.push(process);
      const its = disk(name.account);
      const saved = its.read();
      const isRestored =
        saved.kind === "stored" && restorable(saved.credential.snapshot, { ...name, ahead: true, jitter }) !== null;
      const begun: string[] = [];
      creating = { process, effects: begun };
      const journal = {
        trace: (record: unknown) => {
          if (isClose) ledger.note({ kind: "told", where: "a frame of the inspector", text: JSON.stringify(record) });
        },
      };
      const store = {
        read: () => its.read(),
        advise: (_: AccountName, change: Parameters<Disk["write"]>[0]): boolean => {
          if (!its.lock.isFree("account")) return false;
          its.write(change);
          return true;
        },
      };
      as("a machine that saves its state", () => {
        process.running = run(machine, { ...name, ahead: process.id % 2 === 1, jitter }, {
          store,
          journal,
          host: { now: clock.wall },
        } as never);
      });
      creating = null;
      const { actor } = process.running as unknown as Running;
      actor.subscribe({
        next: ({ value }) => {
          touch(name.account);
          traced.on?.(`    process ${process.id} ${name.account}: ${JSON.stringify(value)}`);
        },
        error: () => undefined,
      });
      ledger.note({ kind: "started", isRestored, effects: begun });
      return process;
    },
    /** It stops in an orderly way; what is under way goes on without it. */
    leave(process: Process): void {
      process.running?.stop();
      process.running = null;
    },
    /** Nothing of it goes on, and the kernel takes its locks away. */
    kill(process: Process): void {
      process.isDead = true;
      for (const task of world.tasks()) if (owners.get(task) === process) task.kill();
      world.leave(process);
      changed(process.name.account, "turns");
    },
    snapshotOf: (process: Process): string =>
      JSON.stringify(envelope(process.running?.actor.getPersistedSnapshot() ?? null, time.wall)),

    alarms: liveAlarms,
    /** Time passes: everything rings at its moment. `asleep`: the machine slept meanwhile, and everything rings at the end. */
    advance(ms: number, asleep = false): number {
      const until = time.steady + ms;
      let rung = 0;
      const move = (by: number): void => {
        time.wall += by;
        time.steady += by;
      };
      if (asleep) move(ms);
      for (;;) {
        const left = until - time.steady;
        const [next] = liveAlarms()
          .filter((one) => leftUntil(one) <= left)
          .toSorted((a, b) => leftUntil(a) - leftUntil(b));
        if (next === undefined || rung > 1_000) break;
        move(Math.max(0, leftUntil(next)));
        ring(next);
        rung += 1;
      }
      move(Math.max(0, until - time.steady));
      for (const { name } of processes) touch(name.account);
      if (asleep) world.wakes();
      return rung;
    },
    /** Somebody sets the clock, some times in a row, and everybody goes on each time. */
    swings(by: readonly number[]): void {
      const before = new Map(requests);
      let steps = 0;
      for (const ms of by) {
        time.wall += ms;
        world.wakes();
        world.advance(0);
        if (by.length > 1) steps += goOn();
      }
      const made = new Map([...requests].map(([account, count]) => [account, count - (before.get(account) ?? 0)]));
      ledger.note({ kind: "swung", steps, requests: made, isOftenAllowed: vendor.mood.lifetimeS < 600 });
    },
    /** A refresh was asked for at the server. */
    requests(account: string): void {
      requests.set(account, (requests.get(account) ?? 0) + 1);
    },
    goOn,
    /** The person agrees to the sign-in that began last, in the browser that this process has opened. */
    answers(account: string): void {
      const record = disk(account)
        .pending.list()
        .find(({ kind }) => kind === "loopback");
      const holder = record === undefined ? undefined : world.turns.get(record.attempt);
      if (record === undefined || holder === undefined) return;
      const code = new URL(vendor.agrees(record.url, account)).searchParams.get("code") ?? "";
      const handle = holder.vault.put({
        kind: "code",
        code: new Secret("authorization_code", code),
        verifier: null,
      });
      holder.serving.get(record.attempt)?.tells({ type: "callback.arrived", handle });
    },
    /** What is in a pasted text: its state, and its code if it has one. */
    pasted: new Map<string, { readonly state: string; readonly code: string | null }>(),
    wakes(): void {
      for (const process of processes) tellOf(process, disk(process.name.account), "wake");
    },
    /** When the next alarm rings (ms from now); null: none will. */
    nextAlarmIn(): number | null {
      const all = liveAlarms().map(leftUntil);
      return all.length === 0 ? null : Math.max(0, Math.min(...all));
    },
    live: (): readonly Process[] => processes.filter(({ running }) => running !== null),
    stop(): void {
      for (const process of processes) world.leave(process);
    },
  };
  return world;
}

/** What a reader of this disk sees. */
function seen(disk: Disk): Sight | null {
  const stored = disk.read();
  if (stored.kind !== "stored") return null;
  const credential = disk.latest(stored.credential);
  const isRenewable = credential.refreshToken !== null && credential.refused?.generation !== credential.generation;
  return { lineage: credential.lineage, generation: credential.generation, isRenewable, credential };
}

const nothing = (): void => undefined;

/** For whoever wants to see a run step by step. */
export const traced: { on: ((line: string) => void) | null } = { on: null };

function thrown(error: unknown): never {
  throw error;
}

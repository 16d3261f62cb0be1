// Everything that can happen in a world, as values: what a person, a program, another process, the server, the clock and
// fate do. One list for the layer of commands and for that of interleavings. A deed that makes no sense just now does
// nothing, so that a sequence stays a sequence when others are taken out of it.
import * as fc from "fast-check";
import type { CredentialEvent } from "../../machines/life.ts";
import { Secret } from "../../runtime/secret.ts";
import { signedIn } from "../../runtime/store/credential.ts";
import { judgeCallback } from "../../runtime/wire/callback.ts";
import { tokenReply } from "../../runtime/wire/response.ts";
import type { Attempt } from "../../runtime/store/pending.ts";
import { startRefresher } from "./renewing.ts";
import type { Scene } from "./scene.ts";
import { type Mood, moods } from "./vendor.ts";
import type { Process, World } from "./world.ts";

export interface Deed {
  readonly says: string;
  /** The account that it is about; null: everybody's. */
  readonly account: (scene: Scene) => string | null;
  readonly run: (scene: Scene) => void;
}

const minute = 60_000;
const hour = 60 * minute;

/** A process, by its number in the cast. */
const at = (scene: Scene, index: number): Process => {
  const all = scene.processes();
  return all[index % all.length] as Process;
};

function by(index: number, says: string, act: (scene: Scene, process: Process) => void): Deed {
  return {
    says: `process ${index}: ${says}`,
    account: (scene) => at(scene, index).name.account,
    run: (scene) => {
      act(scene, at(scene, index));
    },
  };
}

function about(account: string, says: string, act: (scene: Scene) => void): Deed {
  return { says: `${account}: ${says}`, account: () => account, run: act };
}

function everywhere(says: string, act: (scene: Scene) => void): Deed {
  return { says, account: () => null, run: act };
}

type Send = (scene: Scene, process: Process) => CredentialEvent | { readonly type: string };

export function sends(index: number, says: string, made: Send): Deed {
  return by(index, says, (scene, process) => {
    process.running?.actor.send(made(scene, process) as CredentialEvent);
  });
}

const generationOf = ({ world }: Scene, { name }: Process): number =>
  world.disk(name.account).login().own?.generation ?? 0;

/** The sign-in of this account that began last. */
const newest = (world: World, account: string): Attempt | null => world.disk(account).pending.list()[0] ?? null;

const events: Readonly<Record<string, Send>> = {
  "account.enabled": () => ({ type: "account.enabled" }),
  "account.disabled": () => ({ type: "account.disabled" }),
  "account.reset": () => ({ type: "account.reset" }),
  "login.cancelled": () => ({ type: "login.cancelled" }),
  "login.left": () => ({ type: "login.left" }),
  "login.ended": () => ({ type: "login.ended", code: "consent_denied" }),
  "logout.requested": () => ({ type: "logout.requested", revoke: true }),
  "logout.requested, quietly": () => ({ type: "logout.requested", revoke: false }),
  "token.demanded": ({ world }) => ({ type: "token.demanded", minTtlMs: 30_000, now: world.clock.wall() }),
  "token.demanded, for long": ({ world }) => ({ type: "token.demanded", minTtlMs: 2 * hour, now: world.clock.wall() }),
  "token.rejected": (scene, process) => ({ type: "token.rejected", generation: generationOf(scene, process) }),
  "token.rejected, an old one": () => ({ type: "token.rejected", generation: 0 }),
  "refresh.requested": ({ world }) => ({ type: "refresh.requested", force: false, now: world.clock.wall() }),
  "refresh.requested, by force": ({ world }) => ({ type: "refresh.requested", force: true, now: world.clock.wall() }),
  "renewal.due": () => ({ type: "renewal.due" }),
  "retry.due": () => ({ type: "retry.due" }),
  "store.changed": () => ({ type: "store.changed", lineage: "elsewhere", generation: 1 }),
  "store.changed, to nothing": () => ({ type: "store.changed", lineage: null, generation: null }),
  "system.resumed": () => ({ type: "system.resumed" }),
  "login.pasted, of nothing": () => ({ type: "login.pasted", handle: "nothing" }),
  "callback.arrived, of nothing": () => ({ type: "callback.arrived", handle: "nothing" }),
  "callback.denied": () => ({ type: "callback.denied", code: "consent_denied" }),
};

export const eventNames = Object.keys(events);

export function event(index: number, name: string): Deed {
  return sends(index, name, events[name] as Send);
}

export function login(
  index: number,
  grant: "loopback" | "paste" | "device" | null,
  timeoutMs: number | null = null,
): Deed {
  return sends(
    index,
    `signs in by ${grant ?? "any way"}${timeoutMs === null ? "" : ` within ${timeoutMs} ms`}`,
    () => ({
      type: "login.requested",
      grant,
      port: null,
      timeoutMs,
      attempt: null,
    }),
  );
}

/** Takes part in the sign-in that is under way. */
export function joins(index: number): Deed {
  return by(index, "joins the sign-in", ({ world }, { running, name }) => {
    const record = newest(world, name.account);
    if (record === null) return;
    const { kind: grant, attempt } = record;
    running?.actor.send({ type: "login.requested", grant, port: null, timeoutMs: null, attempt });
  });
}

export const cancels = (index: number): Deed =>
  by(index, "cancels the sign-in", ({ world }, { name, running }) => {
    world.disk(name.account).pending.removeAll();
    running?.actor.send({ type: "login.cancelled" });
  });

/** One task goes on by some steps. */
export function does(which: number, steps: number): Deed {
  const pick = ({ world }: Scene) => {
    const ready = world.tasks().filter((task) => task.isReady());
    return ready[which % Math.max(1, ready.length)];
  };
  return {
    says: `task ${which} does ${steps} steps`,
    account: (scene) => pick(scene)?.account ?? null,
    run: (scene) => {
      const task = pick(scene);
      for (let step = 0; step < steps && task?.isReady() === true; step += 1) task.step();
    },
  };
}

/** A process hears of what has changed, before anything else goes on. */
export const hears = (index: number): Deed =>
  by(index, "hears of what has changed", (_, { notices }) => {
    for (const notice of notices.values()) if (notice.isReady()) notice.step();
  });

export function breaks(which: number): Deed {
  const pick = ({ world }: Scene) => {
    // A refresher does not break: it is killed, or it ends.
    const all = world.tasks().filter(({ name }) => name in breakable);
    return all[which % Math.max(1, all.length)];
  };
  return {
    says: `effect ${which} breaks`,
    account: (scene) => pick(scene)?.account ?? null,
    run: (scene) => {
      pick(scene)?.breaks(new Error("broken"));
    },
  };
}

const breakable = { survey: 1, ensureFresh: 1, logOut: 1, begin: 1, exchange: 1, poll: 1 };

/** An effect that never ends breaks where it is: a listener, an alarm, the watch of the files. */
export const breaksServing = (index: number): Deed =>
  by(index, "its listener breaks", (_, process) => {
    for (const started of process.serving.values()) if (!started.isStopped()) started.breaks(new Error("broken"));
  });

export const breaksAlarm = (which: number): Deed => ({
  says: `alarm ${which} breaks`,
  account: ({ world }) => world.alarms()[which % Math.max(1, world.alarms().length)]?.process.name.account ?? null,
  run: ({ world }) => {
    world.alarms()[which % Math.max(1, world.alarms().length)]?.started.breaks(new Error("broken"));
  },
});

export const breaksWatch = (index: number): Deed =>
  by(index, "its watch of the files breaks", (_, process) => {
    for (const started of process.watchers) if (!started.isStopped()) started.breaks(new Error("broken"));
    process.watchers.clear();
  });

export const goesOn: Deed = everywhere("everybody goes on", ({ world }) => void world.goOn());

export const passes = (ms: number): Deed => everywhere(`${ms} ms pass`, ({ world }) => void world.advance(ms));
export const sleeps = (ms: number): Deed =>
  everywhere(`the machine sleeps for ${ms} ms`, ({ world }) => void world.advance(ms, true));

/** Somebody sets the clock, and everybody gets to know. */
export function setsClock(ms: number): Deed {
  return everywhere(`the clock is set by ${ms} ms`, ({ world }) => {
    world.swings([ms]);
  });
}

/** A clock that jumps to and fro, while hardly any time passes. */
export const swings = (ms: number): Deed =>
  everywhere(`the clock swings by ${ms} ms`, ({ world }) => {
    world.goOn();
    world.swings([ms, -ms, ms, -ms, ms, -ms]);
  });

export const feels = (mood: Mood): Deed =>
  everywhere(`the server: ${mood}`, ({ world }) => void (world.vendor.mood.is = mood));
export const lifetime = (seconds: number): Deed =>
  everywhere(`tokens live for ${seconds} s`, ({ world }) => void (world.vendor.mood.lifetimeS = seconds));
export const omits = (isSo: boolean): Deed =>
  everywhere(
    `replies ${isSo ? "omit" : "have"} the refresh token`,
    ({ world }) => void (world.vendor.mood.omitsRefresh = isSo),
  );
export const slows = (isSo: boolean): Deed =>
  everywhere(`polls are ${isSo ? "too fast" : "welcome"}`, ({ world }) => void (world.vendor.mood.slowsDown = isSo));
export const fills = (isFull: boolean): Deed =>
  everywhere(`the disk is ${isFull ? "full" : "not full"}`, ({ world, processes }) => {
    for (const { name } of processes()) world.disk(name.account).state.isFull = isFull;
  });

export const others = {
  "another process signs in": ({ world }: Scene, account: string) => {
    const disk = world.disk(account);
    if (!disk.lock.isFree("account") || disk.state.isFull || disk.read().kind === "unreadable") return;
    const reply = world.vendor.opens(account);
    const outcome = tokenReply(world.provider, reply, { purpose: "code", clientId: world.client.id });
    if (outcome.kind !== "issued") throw new TypeError("the server gives what it gives");
    const lineage = `lineage-${world.lineages()}`;
    disk.write((current) => ({
      ...signedIn(null, outcome.issued, world.by, lineage, world.clock.wall()),
      snapshot: current?.snapshot ?? null,
    }));
    disk.clean(null);
    disk.pending.removeAll();
  },
  "an older program signs in": ({ world }: Scene, account: string) => {
    // It knows neither locks nor lineages, and writes what it likes.
    const disk = world.disk(account);
    if (disk.state.isFull) return;
    disk.scribble(world.vendor.opens(account).body);
  },
  "another process renews": ({ world }: Scene, account: string) => {
    const disk = world.disk(account);
    if (!disk.lock.isFree("account")) return;
    const { task } = startRefresher(world, disk, { minTtlMs: 2 * hour, force: true, generation: null });
    for (let step = 0; step < 60 && task.isReady(); step += 1) task.step();
  },
  "another process begins to renew": ({ world }: Scene, account: string) => {
    startRefresher(world, world.disk(account), { minTtlMs: 2 * hour, force: false, generation: null });
  },
  "another process logs out": ({ world }: Scene, account: string) => {
    const disk = world.disk(account);
    disk.pending.removeAll();
    if (disk.read().kind === "unreadable") return;
    disk.remove();
    if (!disk.lock.isFree("account")) return;
    disk.clean(null);
    disk.granted.clear();
  },
  "somebody removes the file": ({ world }: Scene, account: string) => {
    world.disk(account).remove();
  },
  "somebody spoils the file": ({ world }: Scene, account: string) => {
    world.disk(account).scribble("{ not json");
  },
  "another process cancels the sign-in": ({ world }: Scene, account: string) => {
    world.disk(account).pending.removeAll();
  },
  "another process turns it off": ({ world }: Scene, account: string) => {
    world.disk(account).enable(false);
    world.disk(account).pending.removeAll();
  },
  "another process turns it on": ({ world }: Scene, account: string) => {
    world.disk(account).enable(true);
  },
} as const;

export function other(account: string, what: keyof typeof others): Deed {
  return about(account, what, (scene) => {
    scene.world.as(what, () => {
      others[what](scene, account);
    });
  });
}

export const kills = (index: number): Deed =>
  by(index, "is killed, and another takes its place", (scene, process) => {
    scene.world.kill(process);
    scene.replace(process);
  });

export const leaves = (index: number): Deed =>
  by(index, "ends, what it began goes on, and another takes its place", (scene, process) => {
    scene.world.leave(process);
    scene.replace(process);
  });

export const killsRefresher = (account: string): Deed =>
  about(account, "the refresher is killed", ({ world }) => {
    for (const task of world.tasks()) if (task.name === "refresher" && task.account === account) task.kill();
  });

/** What a browser brings back: the answer to the address that was issued last. */
export type Brought = "agrees" | "denies" | "forges" | "shows an old answer";

function answerTo(world: World, { url, account }: Attempt, brought: Brought): string {
  const back = new URL(world.vendor.agrees(url, account));
  if (brought === "forges") back.searchParams.set("state", "somebody-else");
  if (brought === "shows an old answer") back.searchParams.set("code", "old");
  if (brought === "denies") {
    back.searchParams.delete("code");
    back.searchParams.set("error", "access_denied");
  }
  return back.href;
}

export function browser(account: string, brought: Brought): Deed {
  return about(account, `the browser ${brought}`, ({ world }) => {
    const record = world
      .disk(account)
      .pending.list()
      .find(({ kind }) => kind === "loopback");
    if (record === undefined) return;
    const holder = world.turns.get(record.attempt);
    const started = holder?.isDead === false ? holder.serving.get(record.attempt) : undefined;
    if (holder === undefined || started === undefined || record.state === null) return;
    const { pathname, search, host } = new URL(answerTo(world, record, brought));
    const request = { method: "GET", url: pathname + search, host, headers: {} };
    const expected = { redirectUri: record.redirectUri ?? "", state: record.state, issuer: null, issSent: false };
    const judged = judgeCallback(request, expected);
    if (judged.kind === "code")
      started.tells({ type: "callback.arrived", handle: holder.vault.put({ ...judged, verifier: null }) });
    else if (judged.kind === "denied") started.tells({ type: "callback.denied", code: judged.code } as never);
  });
}

const manglings: Readonly<Record<string, (text: string) => string>> = {
  "as it is": (text) => text,
  "wrapped at 40": (text) => text.replaceAll(/(.{40})/g, "$1\n"),
  "wrapped at 7, indented": (text) => text.replaceAll(/(.{7})/g, "$1\n  "),
  quoted: (text) => `"${text}"`,
  "in a bracketed paste": (text) => `\u001b[200~${text}\u001b[201~`,
  "with spaces around": (text) => `  ${text} \r\n`,
  "as a query": (text) => text.slice(text.indexOf("?")),
};

export const manglingNames = Object.keys(manglings);

export function pastes(index: number, brought: Brought, mangling: string): Deed {
  return by(index, `somebody pastes what the browser shows (${brought}, ${mangling})`, ({ world }, process) => {
    const record = world
      .disk(process.name.account)
      .pending.list()
      .find(({ kind }) => kind !== "device");
    if (record === undefined) return;
    const answer = answerTo(world, record, brought);
    const text = (manglings[mangling] as (text: string) => string)(answer);
    const { searchParams: said } = new URL(answer);
    world.pasted.set(text, { state: said.get("state") ?? "", code: said.get("code") });
    const handle = process.vault.put({ kind: "pasted", text: new Secret("pasted_text", text) });
    process.running?.actor.send({ type: "login.pasted", handle });
  });
}

export function person(account: string, word: "approved" | "denied"): Deed {
  return about(account, `the person at the device: ${word}`, ({ world }) => {
    for (const { userCode } of world.disk(account).pending.list())
      if (userCode !== null) world.vendor.decides(userCode, word);
  });
}

const isRenewing = ({ name }: { readonly name: string }): boolean => name === "refresher" || name === "ensureFresh";

/** The refresher goes on until it is about to do this. */
export const reaches = (whose: string, what: string): Deed =>
  about(whose, `the refresher comes to: ${what}`, ({ world }) => {
    for (let steps = 0; steps < 30; steps += 1) {
      const tasks = world.tasks().filter((task) => task.account === whose && isRenewing(task) && task.isReady());
      if (tasks.length === 0 || tasks.some((task) => task.at() === what)) return;
      tasks.at(-1)?.step();
    }
  });

/** The effects of that name do some steps. */
const carriesOn = (name: string, steps: number): Deed =>
  everywhere(`${name} does ${steps} steps`, ({ world }) => {
    for (const task of world.tasks().filter((one) => one.name === name))
      for (let step = 0; step < steps && task.isReady(); step += 1) task.step();
  });

const withLogin = [goesOn, other("default", "another process signs in"), goesOn];

const renewing = [...withLogin, event(0, "token.demanded, for long")];

/** Where a run begins: chance alone would seldom come so far. */
export const openings = {
  "with nothing": [],
  "signed in": withLogin,
  "signed in, both accounts": [...withLogin, other("work", "another process signs in"), goesOn],
  "signing in by loopback": [goesOn, login(0, "loopback"), goesOn],
  "signing in by paste": [goesOn, login(0, "paste"), goesOn],
  "signing in by device": [goesOn, login(0, "device"), goesOn],
  "told to slow down": [goesOn, login(0, "device"), goesOn, slows(true), passes(5_000), goesOn, passes(5_000)],
  "agreed at the device": [goesOn, login(0, "device"), goesOn, person("default", "approved"), passes(5_000)],
  "two signing in by paste": [goesOn, login(0, "paste"), goesOn, joins(1), goesOn],
  "two signing in by loopback": [goesOn, login(0, "loopback", 15 * minute), goesOn, joins(1), goesOn],
  "two signing in by device": [goesOn, login(0, "device"), goesOn, joins(1), goesOn],
  "about to poll": [goesOn, login(0, "device"), goesOn, passes(5_000)],
  "wanting a new token": renewing,
  "renewing, half-way": [...renewing, reaches("default", "the reply arrives")],
  "killed before it heard": [...renewing, reaches("default", "the reply arrives"), killsRefresher("default")],
  "killed twice before it heard": [
    ...renewing,
    reaches("default", "the reply arrives"),
    killsRefresher("default"),
    goesOn,
    passes(2 * hour),
    event(0, "refresh.requested, by force"),
    reaches("default", "the reply arrives"),
    killsRefresher("default"),
    passes(2 * hour),
  ],
  "killed with a seal": [...renewing, reaches("default", "sealed"), killsRefresher("default")],
  "killed with an empty seal": [
    ...renewing,
    feels("empty (processed)"),
    reaches("default", "sealed"),
    killsRefresher("default"),
  ],
  "killed with a refusal as a seal": [
    ...renewing,
    feels("refusing in a success (ends the login)"),
    reaches("default", "sealed"),
    killsRefresher("default"),
  ],
  "killed with a page as a seal": [
    ...renewing,
    feels("page (processed)"),
    reaches("default", "sealed"),
    killsRefresher("default"),
  ],
  "backing off": [...withLogin, feels("busy"), event(0, "token.demanded, for long"), goesOn, feels("well")],
  "in doubt": [...withLogin, feels("lost (processed)"), event(0, "token.demanded, for long"), goesOn, feels("well")],
  refused: [
    ...withLogin,
    feels("refusing (ends the login)"),
    event(0, "refresh.requested, by force"),
    goesOn,
    feels("well"),
  ],
  "logging out": [...withLogin, event(0, "logout.requested")],
  "logging out, and the file is spoiled": [
    ...withLogin,
    event(0, "logout.requested"),
    carriesOn("logOut", 2),
    other("default", "somebody spoils the file"),
    carriesOn("logOut", 8),
  ],
  "logging out, and another signs in": [
    ...withLogin,
    event(0, "logout.requested"),
    carriesOn("logOut", 1),
    other("default", "another process signs in"),
    carriesOn("logOut", 8),
  ],
  "salvaging, and the file is removed": [
    ...renewing,
    reaches("default", "sealed"),
    killsRefresher("default"),
    other("default", "another process begins to renew"),
    reaches("default", "salvaging"),
    other("default", "somebody removes the file"),
  ],
  "logging out without a login": [goesOn, event(0, "logout.requested")],
  "a disk that is full before the permit": [...renewing, reaches("default", "prepared"), fills(true)],
  "a disk that is full before the seal": [...renewing, reaches("default", "replied"), fills(true)],
  "a disk that is full, and an empty reply": [
    ...renewing,
    feels("empty (processed)"),
    reaches("default", "replied"),
    fills(true),
  ],
  "a disk that is full, and a refusal": [
    ...renewing,
    feels("refusing in a success (ends the login)"),
    reaches("default", "replied"),
    fills(true),
  ],
  "a disk that is full, and a page": [
    ...renewing,
    feels("page (processed)"),
    reaches("default", "replied"),
    fills(true),
  ],
} as const satisfies Readonly<Record<string, readonly Deed[]>>;

const index = fc.constantFrom(0, 0, 0, 1, 1, 2);
const account = fc.constantFrom("default", "default", "work");
const spans = [1_000, 5_000, 31_000, 61_000, 5 * minute, 16 * minute, hour, 2 * hour, 40 * 24 * hour] as const;
const span = fc.constantFrom(...spans);
const brought = fc.constantFrom<Brought>("agrees", "agrees", "agrees", "denies", "forges", "shows an old answer");

/** Deeds between which everything else may happen, each as likely as it is useful. */
export const anyDeed: readonly fc.Arbitrary<Deed>[] = [
  fc.tuple(index, fc.constantFrom(...eventNames)).map(([who, name]) => event(who, name)),
  fc
    .tuple(index, fc.constantFrom("loopback", "paste", "device", null), fc.constantFrom(null, null, 15 * minute))
    .map(([who, grant, timeoutMs]) => login(who, grant, timeoutMs)),
  index.map(joins),
  index.map(cancels),
  fc.nat(5).map(breaks),
  fc.oneof(index.map(breaksServing), fc.nat(5).map(breaksAlarm), index.map(breaksWatch)),
  span.map(passes),
  span.map(passes),
  fc.oneof(
    span.map(sleeps),
    fc.tuple(span, fc.boolean()).map(([ms, back]) => setsClock(back ? -ms : ms)),
  ),
  fc.constantFrom(...moods).map(feels),
  fc.constant(feels("well")),
  fc.oneof(
    fc.constantFrom(20, 60, 600, 3600, 31_536_000).map(lifetime),
    fc.boolean().map(omits),
    fc.boolean().map(slows),
    fc.boolean().map(fills),
  ),
  fc
    .tuple(account, fc.constantFrom(...(Object.keys(others) as (keyof typeof others)[])))
    .map(([whose, what]) => other(whose, what)),
  account.map((whose) => other(whose, "another process signs in")),
  fc.oneof(index.map(kills), index.map(leaves), account.map(killsRefresher)),
  fc.tuple(account, brought).map(([whose, what]) => browser(whose, what)),
  fc.tuple(index, brought, fc.constantFrom(...manglingNames)).map(([who, what, how]) => pastes(who, what, how)),
  fc.tuple(account, fc.constantFrom("approved", "approved", "denied")).map(([whose, word]) => person(whose, word)),
];

/** How far what is under way goes, where nobody else decides that. */
export const anyProgress: readonly fc.Arbitrary<Deed>[] = [
  fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 4 })).map(([which, steps]) => does(which, steps)),
  fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 12 })).map(([which, steps]) => does(which, steps)),
  fc.constant(goesOn),
  fc.constant(goesOn),
  span.map(swings),
  index.map(hears),
];

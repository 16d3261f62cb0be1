// What has to hold whatever happens: the twelve properties, each by its number, its sentence and what it is checked by in
// each layer. A layer that cannot see a property says why, and where it is seen instead.
//
// In the layers of commands and interleavings a property is a watch over a world: it is told what has happened after every
// deed, and once more when everything has come to rest.
import type { Explored } from "./explore.ts";
import { deadlines, device, escapes, settling, wayBack } from "./path-checks.ts";
import type { Fact } from "./ledger.ts";
import { canary } from "./vendor.ts";
import type { Process, World } from "./world.ts";

/** One deed, and what came of it. */
export interface Moment {
  readonly says: string;
  /** The account that it was about; null: everybody's. */
  readonly account: string | null;
  readonly news: readonly Fact[];
  /** How often anything of an account had changed before. */
  readonly changesBefore: ReadonlyMap<string, number>;
}

/** Null: it holds. Otherwise what does not, in a few words. */
export type Finding = string | null;

export interface Watch {
  readonly after: (moment: Moment) => Finding;
  /** Everything is well, nothing is under way, and time may have passed. */
  readonly atRest?: () => Finding;
}

export interface Unseen {
  readonly unseen: string;
}

export type PathCheck = (found: Explored) => readonly string[];
export type WorldCheck = (world: World) => Watch;

export interface Invariant {
  readonly id: number;
  readonly name: string;
  readonly says: string;
  readonly paths: PathCheck | Unseen;
  readonly commands: WorldCheck | Unseen;
  readonly interleavings: WorldCheck | Unseen;
}

const only = (after: Watch["after"]): Watch => ({ after });
const handles = { unseen: "machines know a credential by its facts only; what is stored is seen by the other layers" };

function first<Kind extends Fact["kind"]>(
  kind: Kind,
  judge: (fact: Extract<Fact, { kind: Kind }>) => Finding,
): Watch["after"] {
  return ({ news }) => {
    for (const fact of news) {
      const found = fact.kind === kind ? judge(fact as Extract<Fact, { kind: Kind }>) : null;
      if (found !== null) return found;
    }
    return null;
  };
}

/** What may take a refresh token away: a person's own decision, here or elsewhere, by hand or by command. */
const removing = /^(logOut: |survey: the facts are read|another process logs out|somebody removes|somebody spoils)/;
/** What may put another login in its place. */
const signingIn = /^(exchange|poll|another process signs in|an older program signs in|refresher: (rereading|refused))/;

const keepsLogin: WorldCheck = (world) => ({
  after: first("seen", ({ by, before, after, account }) => {
    if (before === null || removing.test(by)) return null;
    if (after === null) return `${account}: ${by} took the login away`;
    if (after.lineage !== before.lineage)
      return signingIn.test(by) ? null : `${account}: ${by} put another login in its place`;
    if (before.credential.refreshToken !== null && after.credential.refreshToken === null)
      return `${account}: ${by} took the refresh token away`;
    const { refused } = after.credential;
    if (!before.isRenewable || after.isRenewable || refused === null) return null;
    // Written down as the last word: the server has said it, or what died has been repeated in vain.
    const login = world.vendor.loginOfToken(after.credential.refreshToken?.reveal() ?? "");
    return login?.ended === null && !login.excused ? `${account}: ${by} calls a good login dead` : null;
  }),
  atRest: () => {
    for (const account of world.accounts()) {
      const stored = world.disk(account).read();
      if (stored.kind !== "stored") continue;
      const credential = world.disk(account).latest(stored.credential);
      const token = credential.refreshToken?.reveal() ?? "";
      const login = world.vendor.loginOfToken(token);
      if (login === null || login.excused) continue;
      if (login.ended !== null) return `${account}: the server ended the login (${login.ended})`;
      if (world.vendor.worth(token) !== "current") return `${account}: what is stored is spent`;
    }
    return null;
  },
});

const once: WorldCheck = () =>
  only(
    first("presented", ({ attempt, awaited, isSpent, account }) => {
      if (awaited > 0) return `${account}: presented while another process waits for the reply`;
      return isSpent ? `${account}: presented though its successor is known (attempt ${attempt})` : null;
    }),
  );

const waitsEnd: WorldCheck = (world) => ({
  after: () => {
    for (const process of world.live()) {
      const found = trapped(world, process);
      if (found !== null) return found;
    }
    return null;
  },
});

function trapped(world: World, process: Process): Finding {
  const snapshot = process.running?.actor.getSnapshot();
  if (snapshot === undefined) return null;
  if (snapshot.status !== "active") return `process ${process.id}: the machine is ${snapshot.status}`;
  const { login } = snapshot.children;
  if (login === undefined) return null;
  if (!snapshot.can({ type: "login.cancelled" })) return `process ${process.id}: waits and cannot be cancelled`;
  const { context, value, status } = login.getSnapshot();
  if (status !== "active" || context.deadlineAt === null) return null;
  if (!/awaiting/.test(typeof value === "string" ? value : Object.keys(value).join(""))) return null;
  const isSet = world
    .alarms()
    .some(
      ({ input, process: whose }) =>
        whose === process && input.sends === "deadline.passed" && input.at === context.deadlineAt,
    );
  return isSet ? null : `process ${process.id}: the deadline of what it waits for does not ring`;
}

const repeatsNothing: WorldCheck = (world) => ({
  after: first("started", ({ isRestored, effects }) => {
    const begun = isRestored ? effects.filter((name) => name !== "storeWatch" && name !== "survey") : [];
    return begun.length === 0 ? null : `restoring begins ${begun.join()}`;
  }),
  atRest: () => {
    for (const { running, name } of world.live()) {
      const login = running?.actor.getSnapshot().children.login?.getSnapshot();
      const record =
        login?.context.attempt == null ? null : world.disk(name.account).pending.get(login.context.attempt);
      if (record?.expiresAt != null && login?.context.deadlineAt === null) return "a deadline was lost";
    }
    return null;
  },
});

/** Steps of processes that write: wherever one of them is killed, the next reader sees what stands there then. */
const writing = /^(refresher|ensureFresh|exchange|poll|begin|notice|a machine): /;

const neverNeither: WorldCheck = () =>
  only(
    first("seen", ({ by, before, after, account }) => {
      if (before === null || !writing.test(by)) return null;
      if (after === null) return `${account}: after ${by} there is neither the old nor the new`;
      const isNext = after.lineage === before.lineage && after.generation - before.generation <= 1;
      return isNext || after.generation === 1 ? null : `${account}: after ${by} there is neither the old nor the new`;
    }),
  );

const apart: WorldCheck = (world) =>
  only(({ account, changesBefore, says }) => {
    if (account === null) return null;
    for (const [other, before] of changesBefore)
      if (other !== account && world.changes(other) !== before) return `${says} changed ${other}`;
    return null;
  });

const pastesRead: WorldCheck = () =>
  only(
    first("pasted", ({ wanted, sent }) =>
      wanted === sent
        ? null
        : `${sent === null ? "nothing" : "something"} was sent of a paste with ${wanted ?? "no code"}`,
    ),
  );

const pollsRest: WorldCheck = () =>
  only(
    first("polled", ({ at, dueAt, attempt }) =>
      at >= dueAt ? null : `${attempt} was polled ${dueAt - at} ms before its time`,
    ),
  );

const mostSteps = 350;

const clocksHarmless: WorldCheck = (world) => ({
  after: first("swung", ({ steps, requests, isOftenAllowed }) => {
    if (steps >= 6 * mostSteps) return "a clock that swings keeps everybody busy";
    for (const [account, count] of requests) {
      const processes = world.live().filter(({ name }) => name.account === account).length;
      // What the server forgives is repeated: at most three times (`machines/doubt.ts`).
      const repeats = world.provider.reuseGraceMs > 0 ? 3 : 0;
      if (!isOftenAllowed && count > processes + 1 + repeats)
        return `${account}: ${count} requests for new tokens by a clock that swings`;
    }
    return null;
  }),
});

const noSecrets: WorldCheck = (world) => ({
  after: first("told", ({ where, text }) => (text.includes(canary) ? `a secret is in ${where}` : null)),
  atRest: () => {
    for (const process of world.isClose ? world.live() : [])
      if (world.snapshotOf(process).includes(canary)) return `a secret is in the snapshot of process ${process.id}`;
    return null;
  },
});

const neverLower: WorldCheck = () => {
  const gone = new Map<string, boolean>();
  const lowered = first("seen", ({ account, by, before, after }) => {
    if (after === null) {
      gone.set(account, true);
      return null;
    }
    const wasGone = before === null && gone.get(account) !== false;
    gone.set(account, false);
    if (wasGone && !signingIn.test(by)) return `${account}: ${by} brought a login back`;
    // An older program knows no generations; whatever it writes is another login.
    const isOurs = after.lineage !== null;
    if (isOurs && before?.lineage === after.lineage && after.generation < before.generation)
      return `${account}: ${by} lowered the generation from ${before.generation} to ${after.generation}`;
    return null;
  });
  const revived = first("stored", ({ account, attempt, isWanted }) =>
    isWanted ? null : `${account}: ${attempt} became a login though it was over`,
  );
  const kept = first("loggedOut", ({ account, isGone }) =>
    isGone ? null : `${account}: the login is there after the logout`,
  );
  return only((moment) => lowered(moment) ?? revived(moment) ?? kept(moment));
};

const both = (check: WorldCheck) => ({ commands: check, interleavings: check });

export const invariants: readonly Invariant[] = [
  {
    id: 1,
    name: "a login is kept",
    says: "Only logout or a confirmed definitive rejection removes a refresh token.",
    paths: handles,
    ...both(keepsLogin),
  },
  {
    id: 2,
    name: "a token is spent once",
    says: "There is at most one token request per generation across all processes.",
    paths: handles,
    ...both(once),
  },
  {
    id: 3,
    name: "every wait has an end",
    says: "No reachable waiting state lacks cancel and timeout; none lacks a path to `authenticated`.",
    paths: (found) => [...escapes(found), ...deadlines(found), ...wayBack(found)],
    ...both(waitsEnd),
  },
  {
    id: 4,
    name: "restoring repeats nothing",
    says: "Restoring what was persisted performs no network effect and loses no deadline.",
    paths: settling,
    ...both(repeatsNothing),
  },
  {
    id: 5,
    name: "old or new",
    says: "A crash at any write leaves the old record or the new one, never neither.",
    paths: handles,
    ...both(neverNeither),
  },
  {
    id: 6,
    name: "accounts are apart",
    says: "Events for one account never change another.",
    paths: { unseen: "a machine is explored alone; two of them live in one world in the other layers" },
    commands: apart,
    interleavings: { unseen: "steps of all accounts are mixed there on purpose, so no change has one cause" },
  },
  {
    id: 7,
    name: "a paste is read",
    says: "The paste parser inverts every mangling.",
    paths: { unseen: "machines know what was pasted by a handle; test/runtime/wire/pasted.test.ts reads the text" },
    ...both(pastesRead),
  },
  {
    id: 8,
    name: "polls keep their distance",
    says: "The poll gap is never under the current interval.",
    paths: device,
    ...both(pollsRest),
  },
  {
    id: 9,
    name: "clocks do no harm",
    says: "Clock jumps cause neither logout nor a busy loop.",
    paths: { unseen: "no time passes while a chart is explored" },
    ...both(clocksHarmless),
  },
  {
    id: 10,
    name: "secrets stay in",
    says: "No canary secret is found outside the token file.",
    paths: { unseen: "what is explored has no secrets in it; test/machines/secrets.test.ts puts some in" },
    ...both(noSecrets),
  },
  {
    id: 11,
    name: "a generation never falls",
    says: "A losing writer never lowers the generation; logout during a refresh stays logged out.",
    paths: handles,
    ...both(neverLower),
  },
  {
    id: 12,
    name: "precedence is told as it is",
    says: "Resolving precedence is pure, and `why` agrees with what is sent.",
    ...(() => {
      const unseen = {
        unseen: "no machine knows of keys; test/runtime/credentials.test.ts and test/runtime/ask/fetch.test.ts do",
      };
      return { paths: unseen, commands: unseen, interleavings: unseen };
    })(),
  },
];

export const isSeen = <Check>(check: Check | Unseen): check is Check =>
  !(typeof check === "object" && check !== null && "unseen" in check);

/** All properties that a layer sees, watching one world. */
export function watching(world: World, layer: "commands" | "interleavings") {
  const watches = invariants.flatMap(({ id, name, [layer]: check }) =>
    isSeen(check) ? [{ title: `${id} ${name}`, watch: check(world) }] : [],
  );
  const judge = (find: (watch: Watch) => Finding): void => {
    const found = watches.flatMap(({ title, watch }) => {
      const finding = find(watch);
      return finding === null ? [] : [`${title}: ${finding}`];
    });
    if (found.length > 0) throw new Broken(found.join("; "));
  };
  return {
    after: (moment: Moment) => {
      judge(({ after }) => after(moment));
    },
    atRest: () => {
      judge(({ atRest }) => atRest?.() ?? null);
    },
  };
}

/** A property does not hold. */
export class Broken extends Error {}

// What happened to a login lately, in sentences: from the lines of the journal and from how things stand now.
//
// One pure function and one voice, whoever asks. It says what the lines say: a cause that they do not show is told as a
// possibility, and what they do not tell is told as not known. It ends with at most one command.
import { describe } from "../../machines/describe.ts";
import { AuthError } from "../../machines/errors.ts";
import type { Survey } from "../../machines/facts.ts";
import type { Presence } from "../refresh/holder.ts";
import type { AccountName } from "../store/names.ts";
import { type Happening, happeningsIn, setBack } from "./happenings.ts";
import { knownOf } from "./known.ts";
import { moment, span, when } from "./moments.ts";
import { borrowing, filled, living, standings, tells, ways } from "./phrases.ts";
import type { JournalRecord, Step } from "./record.ts";

/** How things stand. */
export interface Scene {
  readonly survey: Survey;
  /** Who was last allowed to send the refresh token that is stored, and whether he is there; null: nobody. */
  readonly permit: {
    readonly pid: number | null;
    readonly presence: Presence;
    /** He has noted that he will get no reply. */
    readonly ended: boolean;
  } | null;
  /** The tool whose login is read; null: it is one of our own. */
  readonly lender: string | null;
  /** A key outranks the login. */
  readonly isOutranked: boolean;
}

export interface Story {
  /** All of the account's lines, but for what the statecharts did. */
  readonly records: readonly JournalRecord[];
  readonly sentences: readonly string[];
  /** The one command that helps; null: none is needed. */
  readonly next: string | null;
}

/** For so many things there is room; who wants more reads the records. */
const most = 20;

/** @param all lines of the journal about this account, the oldest first */
export function storyOf(name: AccountName, all: Iterable<JournalRecord>, scene: Scene): Story {
  const records = [...all].filter(({ step }) => step !== "moved");
  const happenings = happeningsIn(records);
  const told = happenings.slice(-most);
  const { now } = scene.survey;
  const sentences = [
    ...beginningOf(records, scene),
    ...(told.length < happenings.length ? [`What was before ${momentOf(told[0], now)} is left out here.`] : []),
    ...told.flatMap((one) => clockAt(one).concat(sentenceOf(one, name, records, scene))),
    ...laterThan(now, records),
    ...standingOf(name, scene, happenings.at(-1)),
  ];
  return { records, sentences, next: nextOf(name, happenings, scene) };
}

const momentOf = (one: Happening | undefined, now: number): string =>
  moment(Date.parse((one?.run[0] ?? one?.record)?.at ?? ""), now);

function sentenceOf(one: Happening, name: AccountName, records: readonly JournalRecord[], scene: Scene): string {
  const { step } = one.record;
  return step === "moved" ? "" : filled(tells[step], knownOf(one, name, records, scene));
}

/** With these a login begins. */
const isBeginning: ReadonlySet<Step> = new Set(["signedIn", "takenOver"]);

/** What the journal cannot tell of the login that is stored. */
function beginningOf(records: readonly JournalRecord[], { survey: { facts, now }, lender }: Scene): string[] {
  const first = records[0];
  const isMissing =
    facts !== null && !records.some(({ step, lineage }) => isBeginning.has(step) && lineage === facts.lineage);
  // How that stands is all that is known of it.
  if (lender !== null) return [];
  if (first === undefined && facts === null) return ["The journal has nothing about this login."];
  if (facts?.lineage === null) return ["The login was put there by another program, which keeps no journal."];
  if (first === undefined)
    return ["The journal has nothing about this login: what was written about it is rotated away."];
  return isMissing
    ? [`What was before ${moment(Date.parse(first.at), now)}, the sign-in among it, is rotated away from the journal.`]
    : [];
}

function clockAt({ setBackMs }: Happening): string[] {
  return setBackMs === 0
    ? []
    : [
        `Here the clock of this machine was set back by about ${span(setBackMs)}: what came later may bear an earlier time.`,
      ];
}

function laterThan(now: number, records: readonly JournalRecord[]): string[] {
  const last = records.at(-1);
  const ms = last === undefined ? 0 : setBack(last, { at: new Date(now).toISOString() });
  if (ms === 0) return [];
  return [`Since then the clock of this machine was set back by about ${span(ms)}: the last line is later than now.`];
}

/** What the last line says by itself is not said again. */
const saysItself: ReadonlySet<Step> = new Set(["loggedOut", "revocation", "disabled", "unreadable", "permitted"]);

function standingOf(name: AccountName, { survey, permit, lender }: Scene, last: Happening | undefined): string[] {
  const { facts, pending, now } = survey;
  const { state } = describe(name, survey, { kind: "none" });
  const isSaid = last !== undefined && saysItself.has(last.record.step);
  if (isSaid && ["idle", "disabled", "blocked", "refreshing"].includes(state)) return [];
  const isWaiting = ["pendingAuth", "awaitingCode", "awaitingPoll"].includes(state);
  if (isWaiting && last?.record.step === "signInBegun" && last.record.signIn === pending?.attempt) return [];
  const at = (ms: number | null | undefined): string | null => (ms == null ? null : moment(ms, now));
  const isAlive = facts !== null && facts.expiresAt > now;
  const isBorrowed = lender !== null && ["idle", "expired", "authenticated"].includes(state);
  const lent = borrowing[facts === null ? "gone" : isAlive ? "alive" : "dead"];
  const own = state === "authenticated" && isAlive && facts.refused !== null ? living : standings[state];
  const template = isBorrowed ? lent : own;
  const known = {
    way: pending === null ? null : ways[pending.kind],
    deadline: at(pending?.expiresAt),
    alive: isAlive ? at(facts.expiresAt) : null,
    dead: facts === null || isAlive ? null : when(facts.expiresAt, now),
    tool: lender,
    retry: at(facts?.retry?.at),
    sender: permit?.pid == null ? null : String(permit.pid),
  };
  return [filled(template, known)];
}

/** After these nothing that failed before stands in the way any more. */
const heals: ReadonlySet<Step> = new Set([
  "checkpointed",
  "salvaged",
  "signedIn",
  "imported",
  "takenOver",
  "loggedOut",
  "revocation",
  "reset",
  "disabled",
]);

/** What the facts call for; else what the last failure calls for, if nothing has healed it. */
function nextOf(name: AccountName, happenings: readonly Happening[], { survey, isOutranked }: Scene): string | null {
  if (isOutranked) return null;
  const { nextCommand } = describe(name, survey, { kind: "oauth" });
  if (nextCommand !== null) return nextCommand;
  const last = happenings.findLast(({ record: { step, code } }) => heals.has(step) || code != null)?.record;
  return last?.code == null || heals.has(last.step) ? null : new AuthError(last.code, name).next;
}

// What lines of the journal fill into a sentence: times, processes, reasons. Pure; the sentences are in `phrases.ts`.
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import type { AccountName } from "../store/names.ts";
import type { Happening } from "./happenings.ts";
import { moment, when } from "./moments.ts";
import { causes, fates, hints, revocations, ways } from "./phrases.ts";
import type { JournalRecord } from "./record.ts";
import type { Scene } from "./story.ts";

/** By name; null: nothing is known. @param records all lines about the account */
export function knownOf(
  happening: Happening,
  name: AccountName,
  records: readonly JournalRecord[],
  scene: Scene,
): Readonly<Record<string, string | null>> {
  const { record, parts, run } = happening;
  const { now } = scene.survey;
  const { code, word, grant, holder, retryAt, deadlineAt, revocation } = record;
  const why = (of: ErrorCode | null | undefined): string | null => (of == null ? null : reasonOf(of, name));
  const begun = parts.find(({ step }) => step === "signInBegun");
  const lost = records.find((one) => one.step === "unanswered" && isSameToken(one, record));
  const by = writers(run);
  const whenever = run.length > 1 ? times(run, now) : when(Date.parse(record.at), now);
  return {
    when: whenever,
    When: whenever,
    moment: moment(Date.parse(record.at), now),
    by,
    By: by,
    why: why(code),
    reason: why(code) ?? "nobody noted why",
    word: word ?? null,
    way: grant === undefined ? null : ways[grant],
    begun: begun === undefined ? null : when(Date.parse(begun.at), now),
    deadline: deadlineAt == null ? null : moment(deadlineAt, now),
    retry: retryAt == null ? null : moment(retryAt, now),
    Holder: holder === undefined ? "a process that left no name" : `process ${holder.pid}`,
    sentAt: holder === undefined ? null : when(holder.at, now),
    lost: why(lost?.code) ?? "it ended before the reply was on the disk",
    verdict: verdictOf(record, parts),
    hint: code == null || code === "refresh_refused" ? hints[word ?? "none"] : why(code),
    users: usersOf(record, parts, records),
    revocation: revocation === undefined ? null : revocations[revocation],
    fate: fateOf(record, scene),
    ending: endingOf(record, scene),
  };
}

/** The catalogue's sentence, as it goes on after a colon. */
function reasonOf(code: ErrorCode, name: AccountName): string {
  const cause = causes[code];
  if (cause !== undefined) return cause;
  const { message } = new AuthError(code, name);
  // A name that begins a sentence is a name still.
  return message.toLowerCase().startsWith(name.provider)
    ? `${name.provider}${message.slice(name.provider.length)}`
    : message.charAt(0).toLowerCase() + message.slice(1);
}

function times(run: readonly JournalRecord[], now: number): string {
  const [first, last] = [run[0], run.at(-1)].map((one) => moment(Date.parse(one?.at ?? ""), now));
  return first === last ? `${run.length} times at ${last}` : `${run.length} times between ${first} and ${last}`;
}

function writers(run: readonly JournalRecord[]): string {
  const pids = [...new Set(run.map(({ pid }) => pid))];
  return pids.length === 1 ? `process ${pids[0]}` : `${pids.length} processes`;
}

function isSameToken(one: JournalRecord, other: JournalRecord): boolean {
  return one.lineage === other.lineage && one.generation === other.generation;
}

/** Who else on this machine sent the refresh token that the server refused. */
function usersOf(record: JournalRecord, parts: readonly JournalRecord[], records: readonly JournalRecord[]): string {
  const others = records.filter((one) => one.step === "permitted" && isSameToken(one, record) && !parts.includes(one));
  const pids = [...new Set(others.map(({ pid }) => pid))];
  if (pids.length === 0) return "no other process here had used it";
  return `process ${pids.join(", ")} here had sent it as well`;
}

function verdictOf({ word }: JournalRecord, parts: readonly JournalRecord[]): string {
  if (!parts.some(({ step }) => step === "repeated")) return "it had been repeated as often as makes sense";
  return `the server refused the one repeat${word == null ? "" : ` (${word})`}`;
}

/** What became of somebody who sent the refresh token and told no end. */
function fateOf(record: JournalRecord, { survey: { facts }, permit }: Scene): string {
  const isCurrent = facts !== null && facts.lineage === record.lineage && facts.generation === record.generation;
  if (!isCurrent || permit === null || permit.pid !== record.pid) return fates.over;
  return fates[permit.ended ? "ended" : permit.presence];
}

function endingOf({ signIn, deadlineAt }: JournalRecord, { survey: { pending, now } }: Scene): string {
  if (pending !== null && pending.attempt === signIn)
    return deadlineAt == null ? "is waiting without limit" : `is waiting until ${moment(deadlineAt, now)}`;
  return "the journal has no end of it: its time ran out, or another one took its place";
}

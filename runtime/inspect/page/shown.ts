// What of an account's status the page is told: an allow-list, member by member, as the journal has one. Pure.
//
// `status` knows the address and the code of a sign-in under way, and who the account belongs to. None of it is taken from
// there: what is not a word of a list of ours, a time, a handle or a name is left out.
import { catalogue } from "../../../machines/catalogue.ts";
import type { AccountState } from "../../../machines/describe.ts";
import type { Grant } from "../../../providers/provider.ts";
import { sourceName } from "../../credentials.ts";
import type { Status } from "../../status.ts";
import { checkProviderName } from "../../store/names.ts";
import { grants } from "../move.ts";
import {
  account,
  handleOf,
  listOf,
  moment,
  nameBy,
  orNull,
  processId,
  shapeOf,
  shownAccount,
  type Take,
  taken,
  truth,
  whole,
  wordOf,
} from "../takes.ts";
import type { SceneAccount, SceneLock } from "./scene.ts";

const states = {
  disabled: true,
  idle: true,
  pendingAuth: true,
  awaitingCode: true,
  awaitingPoll: true,
  authenticated: true,
  refreshing: true,
  backingOff: true,
  expired: true,
  loggingOut: true,
  blocked: true,
} as const satisfies Record<AccountState, true>;

const locks = {
  lock: true,
  door: true,
  entrance: true,
  exchange: true,
  background: true,
  turn: true,
} as const satisfies Record<SceneLock["lock"], true>;

const presences = { here: true, stopped: true, gone: true, unknown: true } as const satisfies Record<
  SceneLock["presence"],
  true
>;

/** A command of ours: words, names and flags. A text of somebody else's is longer, or has other signs in it. */
const command: Take = (value) =>
  typeof value === "string" && value.length <= 120 && /^llxprt-auth(?: [a-z0-9@._<>-]+)+$/i.test(value)
    ? value
    : undefined;

/** `oauth`, `key flag`, `env NAME`, `profile name`. */
const source: Take = (value) =>
  typeof value === "string" && /^[a-z]+(?: (?:[A-Z][A-Z0-9_]{0,63}|[\w.@-]{1,32}))?$/.test(value) ? value : undefined;

const most = 100;
const members = {
  provider: nameBy(checkProviderName),
  account,
  grants: listOf(wordOf(grants), most),
  state: wordOf(states),
  usable: wordOf({ yes: true, no: true, unknown: true }),
  enabled: truth,
  source,
  expiresAt: orNull(moment),
  nextTimerAt: orNull(moment),
  lastError: orNull(wordOf(catalogue)),
  nextCommand: orNull(command),
  pending: orNull(
    shapeOf({ attempt: handleOf(20), kind: wordOf(grants), expiresAt: orNull(moment) }, [
      "attempt",
      "kind",
      "expiresAt",
    ]),
  ),
  locks: listOf(
    shapeOf({ lock: wordOf(locks), pid: orNull(processId), since: orNull(moment), presence: wordOf(presences) }, [
      "lock",
      "pid",
      "since",
      "presence",
    ]),
    most,
  ),
} as const satisfies Record<keyof SceneAccount, Take>;

/** What stands for a member that did not pass. Without the others the account is nobody's. */
const otherwise = {
  source: "none",
  expiresAt: null,
  nextTimerAt: null,
  lastError: null,
  nextCommand: null,
  pending: null,
  locks: [],
};

/** Null: it is none that could be shown. */
export function sceneAccount(
  { row, nextTimerAt }: Pick<Status, "row" | "nextTimerAt">,
  ways: readonly Grant[],
  held: readonly SceneLock[],
): SceneAccount | null {
  const { pending } = row;
  const found = taken(
    {
      ...row,
      grants: ways,
      source: sourceName(row.source),
      expiresAt: epoch(row.expiresAt),
      nextTimerAt,
      // Its command names the account, which is shown by its digest.
      nextCommand: shownAccount(row.account) === row.account ? row.nextCommand : null,
      pending:
        pending === null ? null : { attempt: pending.attempt, kind: pending.kind, expiresAt: epoch(pending.expiresAt) },
      locks: held,
    },
    members,
  );
  return (whole({ ...otherwise, ...found }, Object.keys(members)) ?? null) as SceneAccount | null;
}

function epoch(iso: string | null): number | null {
  return iso === null ? null : Date.parse(iso);
}

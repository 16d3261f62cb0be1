// What other processes do, told to the machine of an account: to the tokens, to the settings, to the sign-in that waits
// here, and to the clock.
//
// Everything that is told is only a reason to look: the facts decide. After sleep, as after a change of the clock, many
// processes notice at the same moment, so each of them waits for a moment of its own before it does anything.
import { AuthError, type ErrorCode } from "../machines/errors.ts";
import type { AccountReference, CredentialEvent, Seen } from "../machines/life.ts";
import type { Provider } from "../providers/provider.ts";
import type { Desk } from "./login/desk.ts";
import { endOf } from "./login/ended.ts";
import { settleLeftSignIns } from "./login/settle.ts";
import { type Paths, stemOf } from "./store/names.ts";
import { type Grounds, look } from "./survey.ts";

type Told = Extract<CredentialEvent, { type: "store.changed" | "login.cancelled" | "login.ended" | "system.resumed" }>;

const longestJitterMs = 2_000;
/** Less than the time from one look at the records to the next. */
const longestHoldMs = 300;

/** @returns how to stop */
export function follow(
  desk: Desk,
  provider: Provider,
  name: AccountReference,
  tell: (event: Told) => void,
): () => void {
  const { paths } = desk.store;
  let heldSince: number | null = null;
  /** The sign-in that does it has not ended yet, and tells of its end itself. */
  const isOurDoing = (): boolean => desk.storing.has(stemOf(name));
  const lookAtTokens = (): void => {
    if (isOurDoing()) {
      // Not all that changes meanwhile need be its doing.
      heldSince ??= desk.host.monotonic();
      return;
    }
    heldSince = null;
    const seen = seenIn(desk, provider, name);
    if (seen !== null) tell({ type: "store.changed", ...seen });
  };
  /** Another process stores the tokens of a sign-in a moment before its record goes: whoever waits for it hears of both. */
  const lookUnlessWaiting = (): void => {
    const attempt = desk.waiting.get(stemOf(name));
    if (attempt === undefined || !desk.pending.has(name, attempt)) lookAtTokens();
    else heldSince ??= desk.host.monotonic();
  };
  // Whether OAuth is on, and what outranks it, stands in the settings.
  const decideAgain = (): void => {
    tell({ type: "system.resumed" });
  };
  let missed: string | null = null;
  const lookAtRecord = (): void => {
    if (isOurDoing()) return;
    if (heldSince !== null && desk.host.monotonic() - heldSince >= longestHoldMs) lookAtTokens();
    const attempt = desk.waiting.get(stemOf(name)) ?? null;
    if (attempt !== null) settleLeftSignIns(desk, name);
    const missing = attempt === null || desk.pending.has(name, attempt) ? null : attempt;
    if (missing !== null && missing !== missed) {
      // The tokens first: a sign-in that another process finished is no cancelled one.
      lookAtTokens();
      const code = reasonOf(paths, missing);
      tell(code === null ? { type: "login.cancelled" } : { type: "login.ended", code });
    }
    missed = missing;
  };
  let waking: NodeJS.Timeout | undefined;
  const resume = (): void => {
    // Nobody looks for the reason of what was never there.
    const { provider: of, account } = name;
    if (desk.store.read(name).kind !== "absent") desk.journal.note({ step: "resumed", provider: of, account });
    decideAgain();
  };
  const wake = (): void => {
    clearTimeout(waking);
    waking = setTimeout(resume, jitterMs(desk.host.randomBytes)).unref();
  };
  const stops = [
    desk.watch.file(paths.tokenFile(name), lookUnlessWaiting),
    desk.watch.file(paths.settings, decideAgain),
    desk.watch.folder(paths.pending, lookAtRecord),
    desk.watch.wakes(wake),
    () => {
      clearTimeout(waking);
    },
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Why another process ended a sign-in without tokens. Null: a person gave it up, or nobody knows any more. */
function reasonOf(paths: Paths, attempt: string): ErrorCode | null {
  const end = endOf(paths, attempt);
  return end?.step === "signInFailed" ? (end.code ?? null) : null;
}

function jitterMs(randomBytes: (size: number) => Uint8Array): number {
  const [high = 0, low = 0] = randomBytes(2);
  return ((high * 256 + low) / 65_536) * longestJitterMs;
}

function seenIn(grounds: Grounds, provider: Provider, { account }: AccountReference): Seen | null {
  try {
    const { facts } = look(grounds, provider, account).survey;
    return { lineage: facts?.lineage ?? null, generation: facts?.generation ?? null };
  } catch (error) {
    // Settings that somebody is writing at this moment: whoever needs them next will say so.
    if (error instanceof AuthError) return null;
    throw error;
  }
}

// The stored logins: what can be read, what has ended, what was put aside, and who holds a lock.
//
// Nobody is asked. A lock is tried for a moment and given back, since only that tells whether it is held; nothing is
// written, and no lock is made where there is none.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isKey } from "../../machines/describe.ts";
import { accountOption, type AuthError } from "../../machines/errors.ts";
import type { Auth } from "../auth.ts";
import type { Host } from "../host.ts";
import { isShared, presenceOf } from "../refresh/holder.ts";
import { tryLock } from "../refresh/lock.ts";
import type { StatusRow } from "../status.ts";
import { holderIn } from "../refresh/locks.ts";
import { listFolder } from "../store/folders.ts";
import { type AccountName, defaultAccount, type Paths } from "../store/names.ts";
import { createStore } from "../store/store.ts";
import { count, type Finding, fine, notice, problem } from "./finding.ts";
import { slackMs } from "./machine.ts";

/** @param auth null: the settings cannot be read, so that it is not known who wins */
export function logins(paths: Paths, host: Pick<Host, "now">, auth: Auth | null): Finding[] {
  const store = createStore(paths, host.now);
  const names = store.list();
  const findings = names.flatMap((name): Finding[] => {
    const found = store.read(name);
    if (found.kind === "absent") return [];
    if (found.kind === "unreadable") return [unreadable(paths, name, found.error)];
    const about = paths.tokenFile(name);
    const told = auth === null ? [] : standing(auth, name, about);
    const { lineage, obtainedAt } = found.credential;
    if (lineage === null)
      told.push(notice("login_plain", about, `The login of ${called(name)} was stored by an older program; it works`));
    if (obtainedAt > host.now() + slackMs)
      told.push(notice("clock_behind", about, `The login of ${called(name)} comes from the future: look at the clock`));
    return told;
  });
  if (names.length === 0) findings.push(fine("logins_none", paths.oauth, "No login is stored"));
  return [...findings, ...copies(paths), ...names.flatMap((name) => locked(paths, name, host.now()))];
}

export const called = ({ provider, account }: AccountName): string =>
  account === defaultAccount ? provider : `${provider} (${account})`;

export const commandFor = ({ provider, account }: AccountName, verb: string): string =>
  `${provider} ${verb}${accountOption(account)}`;

function unreadable(paths: Paths, name: AccountName, error: AuthError): Finding {
  const next = error.code === "store_corrupt" ? commandFor(name, "reset") : null;
  return problem(error.code, paths.tokenFile(name), error.message, next);
}

function standing(auth: Auth, name: AccountName, about: string): Finding[] {
  if (!auth.providers.has(name.provider))
    return [notice("provider_unknown", about, `There is no provider ${name.provider}, and its tokens are not used`)];
  const account = auth.account(name.provider, name.account);
  const { row } = account.status();
  const who = `The login of ${called(name)}`;
  const outranked = row.enabled ? outrankedBy(row, who) : [];
  const { lastError } = row;
  if (!row.enabled)
    return [notice("login_disabled", about, `${who} is not used: OAuth is off`, commandFor(name, "enable"))];
  // A refresh token that was refused is still there.
  if (row.usable === "no" && !row.unexpired && (!row.refreshable || row.state === "expired"))
    return [...outranked, problem("login_ended", about, `${who} has ended`, commandFor(name, "login"))];
  if (lastError !== null) {
    const said = `${who} could not be renewed (${lastError})`;
    return [...outranked, notice("login_failing", about, said, commandFor(name, "explain"))];
  }
  const until = row.expiresAt === null ? "" : ` until ${row.expiresAt}`;
  const life = row.unexpired ? `is good${until}` : "can be renewed";
  return [...outranked, fine("login_stored", about, `${who} ${life}`)];
}

/** @param who the login, in words */
export function outrankedBy({ source, provider, account }: StatusRow, who: string): Finding[] {
  if (!isKey(source)) return [];
  const [about, what] = "name" in source ? [source.name, source.name] : [null, `a key of the ${source.kind}`];
  const says = `${who} is not used: ${what} outranks it`;
  return [notice("login_outranked", about ?? null, says, commandFor({ provider, account }, "why"))];
}

function copies(paths: Paths): Finding[] {
  const kept = listFolder(paths.oauth).filter((name) => /\.json\.(?:aside|newer)-/.test(name));
  if (kept.length === 0) return [];
  const what = `${count(kept.length, "copy", "copies")} of token files`;
  return [
    notice("copies_kept", paths.oauth, `${what} ${kept.length === 1 ? "was" : "were"} put aside: ${kept.join(", ")}`),
  ];
}

function locked(paths: Paths, name: AccountName, now: number): Finding[] {
  const folder = paths.spend(name);
  const path = join(folder, "lock");
  if (!existsSync(path)) return [];
  const lock = tryLock(path, name);
  lock?.release();
  if (lock !== null) return [];
  const holder = holderIn(folder);
  if (holder === null) return [notice("lock_held", path, `Another process is changing the login of ${called(name)}`)];
  const seconds = Math.max(0, Math.round((now - holder.at) / 1000));
  const who = `Process ${holder.pid} has been changing the login of ${called(name)} for ${seconds} s`;
  return presenceOf(holder) === "stopped"
    ? [problem("lock_stopped", path, `${who} and is stopped: continue it (kill -CONT ${holder.pid}) or end it`)]
    : [notice("lock_held", path, who)];
}

/** What it means that a disk is somebody else's, too. */
export function disk(paths: Paths): Finding[] {
  if (!existsSync(paths.home) || !isShared(paths.home)) return [];
  const says = `${paths.home} is on a disk that other machines may share: use one login, or one home folder, on each machine`;
  return [notice("disk_shared", paths.home, says)];
}

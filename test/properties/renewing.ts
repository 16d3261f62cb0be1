// Waiting for a fresh token, and the process of its own that spends a refresh token once: the chart of the protocol decides
// what comes next, every state's step is done here, and between two steps the process may be killed. What dies with it is
// what is not on the disk.
import { weigh } from "../../machines/doubt.ts";
import { AuthError, type ErrorCode } from "../../machines/errors.ts";
import { isFresh } from "../../machines/freshness.ts";
import type { RefreshDemand, Renewed } from "../../machines/life.ts";
import { type RefreshEvent, refreshProtocol, type RefreshState, type RefreshVerdict } from "../../machines/refresh.ts";
import { initialTransition, transition } from "xstate";
import { learnedFrom, recalled } from "../../runtime/pace.ts";
import { type FreshDemand, isSame, withoutRequest } from "../../runtime/refresh/answers.ts";
import { lastWord } from "../../runtime/refresh/endings.ts";
import { successorOf } from "../../runtime/refresh/successor.ts";
import { beginning, spending, type Way } from "../../runtime/refresh/way.ts";
import type { StoredCredential } from "../../runtime/store/codec.ts";
import { credible, putOff, refusedToRenew, waitingUntil } from "../../runtime/store/credential.ts";
import { spentBy } from "../../runtime/store/spend.ts";
import { refreshRequest } from "../../runtime/wire/request.ts";
import { retryAfterMs, tokenReply } from "../../runtime/wire/response.ts";
import type { Disk, Permit } from "./disk.ts";
import { settle } from "./settling.ts";
import { discard } from "./signing-in.ts";
import type { Task, Work } from "./task.ts";
import type { Site, World } from "./world.ts";

type Asked = RefreshDemand & { readonly generation: number | null };

/** What the files say already; null: a refresh is needed. */
function seen(disk: Disk, demand: FreshDemand, now: number): RefreshVerdict | null {
  const { own, fault } = disk.login();
  if (fault !== null) return { kind: "unavailable", code: fault.code };
  return own === null ? { kind: "signedOut", code: null } : withoutRequest(own, demand, now);
}

export function* ensureFresh(site: Site, input: Asked): Work<Renewed> {
  const { process, disk, world } = site;
  yield { at: "the file is looked at" };
  const { learned } = process;
  const known = learned === null ? null : recalled(learned, disk.look(), world.clock.steady(), input);
  if (known !== null) return known;
  // Within a process everybody waits together.
  const shared = process.underWay;
  let verdict: RefreshVerdict;
  if (shared !== null && !shared.isOver()) {
    yield { at: "another waits already", isReady: () => shared.isOver() };
    verdict = seen(disk, input, world.clock.wall()) ??
      lastTry(disk).verdict ?? { kind: "unavailable", code: "internal" };
  } else {
    process.underWay = site.task;
    try {
      verdict = yield* renewed(site, input);
    } finally {
      process.underWay = null;
    }
  }
  const result: Renewed = { ...verdict, survey: disk.look() };
  yield { at: "the verdict is told" };
  process.learned = learnedFrom(learned, result, world.clock.steady()) ?? process.learned;
  return result;
}

interface Refresher {
  readonly task: Task;
  verdict: RefreshVerdict | null;
}

const refreshers = new WeakMap<Disk, Refresher>();
const mostDeaths = 3;

function* renewed({ world, disk }: Site, demand: Asked): Work<RefreshVerdict> {
  const now = world.clock.wall;
  const before = lastTry(disk).mark;
  for (let deaths = 0; deaths < mostDeaths;) {
    const verdict = seen(disk, demand, now());
    if (verdict !== null) return verdict;
    const last = lastTry(disk);
    if (last.mark !== before && last.verdict !== null) return last.verdict;
    const others = refreshers.get(disk);
    if (others !== undefined && !others.task.isOver()) {
      yield { at: "somebody renews it", isReady: () => others.task.isOver() || seen(disk, demand, now()) !== null };
      continue;
    }
    const own = startRefresher(world, disk, demand);
    yield { at: "it is renewed", isReady: () => own.task.isOver() || seen(disk, demand, now()) !== null };
    const found = seen(disk, demand, now());
    // The file tells of what the refresher has done before it says so itself.
    if (found !== null) return found.kind === "adopted" ? { kind: "refreshed", code: null } : found;
    if (own.verdict !== null) return own.verdict;
    // It died without a word.
    deaths += 1;
  }
  return { kind: "unavailable", code: "lock_busy" };
}

/** What the file says about this generation's last try, and a mark by which one knows that it says something new. */
function lastTry(disk: Disk): { readonly mark: string; readonly verdict: RefreshVerdict | null } {
  const { own } = disk.login();
  const { refused = null, retry = null, generation = 0 } = own ?? {};
  const mark = JSON.stringify([refused, retry]);
  if (refused?.generation === generation) return { mark, verdict: { kind: "rejected", code: refused.code } };
  return { mark, verdict: retry === null ? null : { kind: "unavailable", code: retry.code } };
}

/** A process that nobody's stop reaches. Nobody waits for it: its traces on the disk say what it has done. */
export function startRefresher(world: World, disk: Disk, demand: FreshDemand): Refresher {
  const refresher: { task: Task; verdict: RefreshVerdict | null } = { task: null as never, verdict: null };
  refresher.task = world.start("refresher", disk.name.account, (task) => protocol(world, disk, task, demand), {
    ends: (verdict) => {
      refresher.verdict = verdict;
    },
    breaks: (error) => {
      if (!(error instanceof AuthError)) throw error;
      refresher.verdict = { kind: "unavailable", code: error.code };
    },
  });
  refreshers.set(disk, refresher);
  return refresher;
}

function* protocol(world: World, disk: Disk, task: Task, demand: FreshDemand): Work<RefreshVerdict> {
  let [snapshot] = initialTransition(refreshProtocol);
  const steps = stepsOf(world, disk, task, demand);
  while (snapshot.status === "active") {
    const state = snapshot.value as RefreshState;
    if (state === "locking") yield { at: state, isReady: () => disk.lock.isFree("account") || steps.isSpared() };
    else yield { at: state };
    const event = yield* steps.of[state]();
    if (!snapshot.can(event)) throw new TypeError(`${event.type} is no answer in ${state}`);
    world.takes(`refresh.${state} ${event.type}`);
    [snapshot] = transition(refreshProtocol, snapshot, event);
  }
  return snapshot.context.verdict;
}

type Stepping = () => Work<RefreshEvent>;

/** A step that is done at once. */
const atOnce = (act: () => RefreshEvent): Stepping =>
  // oxlint-disable-next-line require-yield
  function* () {
    return act();
  };

function stepsOf(
  world: World,
  disk: Disk,
  task: Task,
  demand: FreshDemand,
): { readonly isSpared: () => boolean; readonly of: Readonly<Record<RefreshState, Stepping>> } {
  const { provider, clock, vendor, ledger } = world;
  const way: Way & { permit?: Permit | null } = beginning(demand);
  const now = clock.wall;
  const current = () => spending(way);
  let doubted: Permit | null = null;
  let tries = 0;

  const noted = (change: (before: StoredCredential) => StoredCredential): StoredCredential | null => {
    const { credential } = current();
    try {
      return disk.write((found) => (found !== null && isSame(found, credential) ? change(found) : found));
    } catch (error) {
      if (error instanceof AuthError) return credential;
      throw error;
    }
  };
  const paused = (code: ErrorCode, change: (before: StoredCredential) => StoredCredential): RefreshVerdict =>
    noted(change) === null ? { kind: "signedOut", code: null } : { kind: "unavailable", code };

  const judged = (permit: Permit, isUnusable: boolean) => {
    const { spent } = current();
    const ageMs = clock.steady() - permit.at;
    const first = disk.permits(spent).at(-1) ?? permit;
    return weigh(
      {
        interrupted: permit.interrupted + (permit.ended ? 0 : 1),
        attempt: permit.attempt,
        ageMs,
        sinceFirstMs: Math.max(ageMs, clock.steady() - first.at),
        isOver: permit.ended || permit.holder.isOver(),
        isOtherBoot: false,
        isShared: false,
        isUnusable,
      },
      provider,
    );
  };

  const weighed = (permit: Permit) => {
    const { credential } = current();
    return judged(permit, demand.force || !isFresh(credential.expiresAt, now(), 1));
  };

  const checkpoint = (): RefreshEvent => {
    const { credential } = current();
    const { sealed } = way;
    if (sealed === null) throw new TypeError("nothing is sealed");
    const result = successorOf(provider, credential, sealed);
    if (result.kind === "refused") {
      way.presented = { kind: "refused", code: result.code, oauthError: null };
      return { type: "reply.refused", verdict: { kind: "rejected", code: result.code } };
    }
    if (result.kind === "noise") {
      way.presented = { kind: "lost", code: result.code, retryAfterMs: null };
      return { type: "reply.lost", verdict: { kind: "unavailable", code: result.code } };
    }
    if (result.kind === "unusable")
      return { type: "reply.unusable", verdict: { kind: "rejected", code: "reply_unusable" } };
    try {
      let ours: StoredCredential | null = null;
      disk.write((found) => {
        const next = isSame(found, credential) ? successorOf(provider, found, sealed) : null;
        ours = next?.kind === "successor" ? next.credential : null;
        return ours ?? found;
      });
      const found = disk.read();
      if (found.kind === "absent") return { type: "file.gone", verdict: { kind: "signedOut", code: null } };
      if (ours === null) {
        const isOurs = found.kind === "stored" && found.credential.lineage === credential.lineage;
        return { type: isOurs ? "file.written" : "file.gone", verdict: { kind: "adopted", code: null } };
      }
      return { type: "file.written", verdict: { kind: "refreshed", code: null } };
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return { type: "file.postponed", verdict: { kind: "unavailable", code: error.code } };
    }
  };

  const failed = () =>
    way.presented?.kind === "unprocessed" || way.presented?.kind === "lost"
      ? way.presented
      : { kind: "lost" as const, code: "reply_malformed" as const, retryAfterMs: null };

  const present: Stepping = function* () {
    const { credential, spent } = current();
    const { refreshToken, scope } = credential;
    if (refreshToken === null) throw new TypeError("nothing to present");
    const token = refreshToken.reveal();
    const awaited = disk
      .permits(spent)
      .filter(({ holder, ended, attempt }) => attempt !== way.attempt && !ended && !holder.isOver()).length;
    const { endpoints, client } = world;
    const account = disk.name.account;
    ledger.note({ kind: "request", account, purpose: "refresh" });
    world.requests(account);
    const login = vendor.loginOfToken(token);
    const isSpent = login?.excused === false && vendor.worth(token) === "reused";
    const answer = vendor.receives(refreshRequest(provider, { endpoints, client, refreshToken, scope }), account);
    const outcome =
      answer.kind === "none" ? null : tokenReply(provider, answer.reply, { purpose: "refresh", clientId: client.id });
    const isRefused = outcome?.kind === "refused";
    if (answer.kind === "none" ? answer.sent !== "no" : true)
      ledger.note({ kind: "presented", account, token, attempt: way.attempt, awaited, isSpent });
    world.carries(task, login);
    yield { at: "the reply arrives" };
    if (answer.kind === "none") {
      const kind = answer.sent === "no" ? "unprocessed" : "lost";
      way.presented = { kind, code: "network_timeout", retryAfterMs: null };
      return { type: `reply.${kind}`, verdict: { kind: "unavailable", code: "network_timeout" } };
    }
    const { status, headers, body, receivedAt } = answer.reply;
    if (status >= 200 && status < 300) {
      const contentType = headers["content-type"] ?? null;
      way.sealed = { attempt: way.attempt, of: spent.of, status, contentType, receivedAt, ...world.by, body };
      way.presented = { kind: "arrived", sealed: way.sealed };
      return { type: "reply.arrived" };
    }
    if (outcome === null || outcome.kind === "issued") throw new TypeError("only a success issues anything");
    const { code } = outcome;
    if (isRefused) {
      way.presented = { kind: "refused", code, oauthError: null };
      return { type: "reply.refused", verdict: { kind: "rejected", code: wordOf(code) } };
    }
    const rest = retryAfterMs(headers, receivedAt);
    const kind = status < 500 || (status === 503 && rest !== null) ? "unprocessed" : "lost";
    way.presented = { kind, code, retryAfterMs: rest };
    return { type: `reply.${kind}`, verdict: { kind: "unavailable", code } };
  };

  const wordOf = (code: ErrorCode): ErrorCode => lastWord({ ...way, doubted: doubted as never }, code);
  const isSpared = () => seen(disk, demand, now()) !== null;

  return {
    isSpared,
    of: {
      locking: atOnce(() => {
        const verdict = seen(disk, demand, now());
        if (verdict !== null) return { type: "lock.spared", verdict };
        disk.lock.take("account", task);
        return { type: "lock.taken" };
      }),
      rereading: atOnce(() => {
        settle(disk, ledger);
        const found = disk.read();
        if (found.kind === "unreadable")
          return { type: "file.answers", verdict: { kind: "unavailable", code: found.error.code } };
        if (found.kind === "absent") return { type: "file.answers", verdict: { kind: "signedOut", code: null } };
        way.credential = credible(found.credential, now());
        const spent = spentBy(way.credential);
        way.sealed = spent === null ? null : disk.sealed(spent);
        if (way.sealed !== null) {
          way.attempt = way.sealed.attempt;
          return { type: "seal.found" };
        }
        const verdict = withoutRequest(way.credential, demand, now());
        if (verdict !== null) return { type: "file.answers", verdict };
        if (spent === null) throw new TypeError("without a refresh token there is an answer");
        doubted = disk.permits(spent)[0] ?? null;
        way.attempt = (doubted?.attempt ?? -1) + 1;
        return { type: doubted === null ? "file.spendable" : "permit.found" };
      }),
      weighing: atOnce(() => {
        if (doubted === null) throw new TypeError("there is no doubt without a permit");
        const may = weighed(doubted);
        if (may.kind === "repeat") return { type: "repeat.allowed" };
        if (may.kind === "over")
          return { type: "repeat.over", verdict: { kind: "rejected", code: "refresh_interrupted" } };
        const at = may.inMs === null ? Math.max(current().credential.expiresAt, now()) : now() + may.inMs;
        const verdict = paused("refresh_uncertain", (before) => waitingUntil(before, "refresh_uncertain", at));
        return { type: "repeat.postponed", verdict };
      }),
      preparing: atOnce(() => {
        if (!disk.state.isFull) return { type: "room.made" };
        return { type: "room.refused", verdict: { kind: "unavailable", code: "store_failed" } };
      }),
      prepared: atOnce(() => {
        const { spent, credential } = current();
        if (disk.state.isFull)
          return { type: "permit.refused", verdict: { kind: "unavailable", code: "store_failed" } };
        if (disk.permits(spent).some(({ attempt }) => attempt === way.attempt)) return { type: "permit.taken" };
        const interrupted = doubted === null ? 0 : doubted.interrupted + (doubted.ended ? 0 : 1);
        disk.allow(spent, { attempt: way.attempt, holder: task, ended: false, interrupted, at: clock.steady() });
        const found = disk.read();
        const isSpendable =
          found.kind === "stored" &&
          isSame(found.credential, credential) &&
          (demand.force || found.credential.refused?.generation !== credential.generation);
        if (!isSpendable || (doubted !== null && weighed(doubted).kind !== "repeat")) {
          disk.withdraw(spent);
          return { type: "permit.taken" };
        }
        return { type: "permit.written" };
      }),
      permitted: present,
      replied: atOnce(() => {
        if (way.sealed === null) throw new TypeError("nothing arrived");
        try {
          disk.seal(current().spent, way.sealed);
          world.carries(task, null);
          return { type: "seal.written" };
        } catch (error) {
          if (!(error instanceof AuthError)) throw error;
          return { type: "seal.failed" };
        }
      }),
      unsealed: atOnce(() => {
        const event = checkpoint();
        if (event.type !== "file.postponed") {
          world.carries(task, null);
          return event;
        }
        tries += 1;
        if (tries <= 5) return event;
        world.loses(task);
        return { type: "step.done", verdict: { kind: "unavailable", code: "store_failed" } };
      }),
      sealed: atOnce(() => {
        const event = checkpoint();
        return event.type === "file.postponed" ? { ...event, verdict: { kind: "refreshed", code: null } } : event;
      }),
      salvaging: atOnce(checkpoint),
      checkpointed: atOnce(() => {
        const found = disk.read();
        if (found.kind === "stored") disk.clean(spentBy(found.credential));
        return { type: "step.done" };
      }),
      refused: atOnce(() => {
        settle(disk, ledger);
        const { credential, spent } = current();
        const code = wordOf(way.presented?.kind === "refused" ? way.presented.code : "refresh_refused");
        const found = noted((before) => refusedToRenew(before, code));
        if (isSame(found, credential) && found.refused?.generation === found.generation) disk.withdraw(spent);
        if (found === null) return { type: "step.done", verdict: { kind: "signedOut", code: null } };
        if (!isSame(found, credential)) return { type: "step.done", verdict: { kind: "adopted", code: null } };
        return { type: "step.done", verdict: { kind: "rejected", code } };
      }),
      interrupted: atOnce(() => {
        noted((before) => refusedToRenew(before, "refresh_interrupted"));
        return { type: "step.done" };
      }),
      blocked: atOnce(() => {
        noted((before) => refusedToRenew(before, "reply_unusable"));
        return { type: "step.done" };
      }),
      unprocessed: atOnce(() => {
        const { code, retryAfterMs: rest } = failed();
        disk.withdraw(current().spent);
        return { type: "step.done", verdict: paused(code, (before) => putOff(before, code, now(), rest)) };
      }),
      unanswered: atOnce(() => {
        const { credential, spent } = current();
        const { code, retryAfterMs: rest } = failed();
        if (provider.rotation === "never") disk.withdraw(spent);
        else {
          if (way.sealed !== null) disk.unseal(spent);
          disk.end(spent);
        }
        const [permit] = provider.rotation === "never" ? [] : disk.permits(spent);
        if (rest === null && permit !== undefined && judged(permit, false).kind === "repeat")
          return { type: "step.done", verdict: { kind: "unavailable", code } };
        const notBefore = provider.rotation === "never" || demand.force ? 0 : credential.expiresAt;
        const verdict = paused(code, (before) => {
          const next = putOff(before, code, now(), rest);
          return waitingUntil(next, code, Math.max(next.retry?.at ?? 0, notBefore));
        });
        return { type: "step.done", verdict };
      }),
      discarding: function* () {
        const { credential } = current();
        const lost = way.sealed === null ? null : successorOf(provider, credential, way.sealed);
        const found = disk.read();
        disk.clean(found.kind === "stored" ? spentBy(found.credential) : null);
        world.carries(task, null);
        if (lost?.kind === "successor" && lost.credential.refreshToken !== null) {
          const site = { world, disk, task } as unknown as Site;
          yield* discard(site, lost.credential.refreshToken);
        }
        return { type: "step.done" };
      },
      releasing: atOnce(() => {
        disk.lock.give("account", task);
        return { type: "step.done" };
      }),
    },
  };
}

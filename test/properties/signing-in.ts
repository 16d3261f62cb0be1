// What the effects of a sign-in do in this world: the contract of `machines/login/login.ts`, step by step, with the real
// requests and the real judgement of what comes back. A sign-in that was left goes on to its end, and may be too late.
import { AuthError } from "../../machines/errors.ts";
import { slowDownMs } from "../../machines/login/device.ts";
import type {
  Begun,
  BeginInput,
  Exchanged,
  ExchangeInput,
  Interim,
  Polled,
  PollInput,
} from "../../machines/login/login.ts";
import { timesOf } from "../../runtime/login/times.ts";
import { Secret } from "../../runtime/secret.ts";
import { signedIn } from "../../runtime/store/credential.ts";
import type { Attempt } from "../../runtime/store/pending.ts";
import { judgePasted, pastedState } from "../../runtime/wire/pasted.ts";
import {
  authorizeUrl,
  codeRequest,
  deviceRequest,
  newState,
  newVerifier,
  pollRequest,
  revokeRequest,
  type WireRequest,
} from "../../runtime/wire/request.ts";
import { deviceReply, type Issued, pollReply, retryAfterMs, tokenReply } from "../../runtime/wire/response.ts";
import { settle } from "./settling.ts";
import type { Work } from "./task.ts";
import type { Answer } from "./vendor.ts";
import type { Process, Site, Started, World } from "./world.ts";

let drawn = 0;
/** As good as chance here, and the same in every run. */
const bytes = (size: number): Uint8Array => {
  const made = new Uint8Array(size);
  new DataView(made.buffer).setUint32(0, (drawn += 1));
  return made;
};

export function restart(): void {
  drawn = 0;
}

const turnOf = (attempt: string): string => `turn ${attempt}`;

function failedBy(error: unknown): { readonly kind: "failed"; readonly code: AuthError["code"] } {
  if (error instanceof AuthError) return { kind: "failed", code: error.code };
  throw error;
}

/** A request goes out, is served, and its reply comes back; in between anything may happen. */
function* asked(
  { world, disk }: Site,
  purpose: "code" | "poll" | "device" | "revocation",
  request: WireRequest,
): Work<Answer> {
  yield { at: `${purpose} request arrives` };
  if (purpose !== "revocation") world.ledger.note({ kind: "request", account: disk.name.account, purpose });
  const answer = world.vendor.receives(request, disk.name.account);
  yield { at: `${purpose} reply arrives` };
  return answer;
}

export function* begin(site: Site, input: BeginInput): Work<Begun> {
  const { world, process, disk, isStopped } = site;
  process.waiting = null;
  try {
    const record = input.attempt === null ? yield* newAttempt(site, input) : yield* takenUp(site, input.attempt);
    if (isStopped()) {
      if (input.attempt === null) disk.pending.remove(record.attempt);
      giveTurn(site, record.attempt);
      return { kind: "failed", code: "sign_in_cancelled" };
    }
    process.waiting = record.attempt;
    const serves = turnHolders(world).get(record.attempt) === process;
    return { kind: "ready", attempt: record.attempt, serves, ...times(world, record) };
  } catch (error) {
    return failedBy(error);
  }
}

function* newAttempt(site: Site, { grant, timeoutMs }: BeginInput): Work<Attempt> {
  const { world, disk } = site;
  const { provider, endpoints, client } = world;
  disk.checkRoom();
  const attempt = `attempt-${world.attempts()}`;
  const now = world.clock.wall();
  const expiresAt = timeoutMs === null ? null : now + timeoutMs;
  const common = { attempt, ...disk.name, ...world.by, kind: grant, createdAt: now, expiresAt, restsUntil: null };
  const rest = { iss: null, issSent: false, nonce: null, urlComplete: null };
  const verifier = newVerifier(bytes);
  let record: Attempt;
  if (grant === "device") {
    const request = deviceRequest(provider, { endpoints, client, verifier, requestId: "request" });
    const answer = yield* asked(site, "device", request);
    if (answer.kind === "none") throw new AuthError("network_refused", disk.name);
    const outcome = deviceReply(provider, answer.reply);
    if (outcome.kind !== "started") throw new AuthError(outcome.code, disk.name);
    record = {
      ...common,
      ...rest,
      expiresAt: Math.min(outcome.expiresAt, expiresAt ?? Infinity),
      url: outcome.verificationUri,
      userCode: outcome.userCode,
      redirectUri: provider.device?.redirectUri ?? null,
      intervalMs: outcome.intervalMs,
      state: null,
      verifier,
      deviceCode: outcome.deviceCode,
    };
  } else {
    yield { at: "the address is made" };
    const state = newState(bytes);
    const redirectUri = grant === "paste" ? "https://id.acme.example/code" : "http://127.0.0.1:7/callback";
    record = {
      ...common,
      ...rest,
      url: authorizeUrl(provider, { endpoints, client, redirectUri, state, verifier, nonce: null }),
      userCode: null,
      redirectUri,
      intervalMs: 0,
      state,
      verifier,
      deviceCode: null,
    };
  }
  takeTurn(site.world, site.process, attempt);
  try {
    disk.pending.put(record);
  } catch (error) {
    giveTurn(site, attempt);
    throw error;
  }
  yield { at: "the record is told" };
  return record;
}

function* takenUp({ world, process, disk }: Site, attempt: string): Work<Attempt> {
  yield { at: "the record is looked for" };
  if (disk.pending.has(attempt)) takeTurn(world, process, attempt);
  const record = disk.pending.get(attempt);
  if (record === null) throw new AuthError("no_pending_sign_in", disk.name);
  return record;
}

/** Whose turn it is to serve an attempt: the kernel gives it back when that process is gone. */
function turnHolders(world: World): Map<string, Process> {
  for (const [attempt, process] of world.turns) if (process.isDead) world.turns.delete(attempt);
  return world.turns;
}

function takeTurn(world: World, process: Process, attempt: string): boolean {
  const holders = turnHolders(world);
  const holder = holders.get(attempt);
  if (holder !== undefined) return holder === process;
  holders.set(attempt, process);
  return true;
}

function giveTurn({ world, process }: Pick<Site, "world" | "process">, attempt: string): void {
  if (world.turns.get(attempt) === process) world.turns.delete(attempt);
  world.touch(process.name.account);
}

function times(world: World, record: Attempt) {
  return timesOf({ host: { now: world.clock.wall } as never, steady: world.clock.steady }, record);
}

/** Serves the attempt, or waits for its turn to. */
export function serve(world: World, process: Process, started: Started): void {
  const { attempt } = started.input as PollInput;
  const disk = world.disk(process.name.account);
  process.serving.set(attempt, started);
  started.onStop(() => {
    if (process.serving.get(attempt) === started) process.serving.delete(attempt);
    giveTurn({ world, process }, attempt);
  });
  if (turnHolders(world).get(attempt) === process) return;
  const isFree = () => !turnHolders(world).has(attempt) || started.isStopped() || !disk.pending.has(attempt);
  const task = world.start("serving", process.name.account, function* () {
    while (!started.isStopped()) {
      yield { at: turnOf(attempt), isReady: isFree };
      const record = disk.pending.get(attempt);
      if (record === null || started.isStopped()) return;
      if (!takeTurn(world, process, attempt)) continue;
      started.tells({ type: "serving.begun", ...times(world, record) });
      return;
    }
  });
  world.owners.set(task, process);
}

export function* exchange(site: Site, input: ExchangeInput): Work<Exchanged> {
  const { world, process, disk, task, isStopped } = site;
  yield { at: "the code is looked at" };
  const held = process.vault.take(input.handle);
  const own = disk.pending.get(input.attempt);
  if (held === null || own === null)
    return { kind: "failed", code: held === null ? "sign_in_interrupted" : "no_pending_sign_in" };
  let attempt = own;
  let code: Secret<"authorization_code">;
  let verifier = own.verifier;
  if (held.kind === "code") {
    code = held.code;
    verifier = held.verifier ?? verifier;
  } else {
    const state = pastedState(held.text);
    attempt = disk.pending.list().find((other) => state !== null && other.state?.matches(state) === true) ?? own;
    if (attempt.redirectUri === null || attempt.state === null) return { kind: "again", code: "pasted_unreadable" };
    const { redirectUri, state: expected } = attempt;
    const judged = judgePasted(held.text, {
      redirectUri,
      state: expected,
      bareCode: false,
      issuer: null,
      issSent: false,
    });
    notePasted(site, attempt, held.text.reveal(), judged.kind === "code" ? judged.code.reveal() : null);
    if (judged.kind !== "code") return { kind: judged.kind === "denied" ? "failed" : "again", code: judged.code };
    code = judged.code;
    verifier = attempt.verifier;
  }
  const lock = `exchange ${attempt.attempt}`;
  yield {
    at: "the only one",
    isReady: () => isStopped() || !disk.pending.has(attempt.attempt) || disk.lock.isFree(lock),
  };
  if (isStopped()) return { kind: "failed", code: "sign_in_cancelled" };
  if (!disk.pending.has(attempt.attempt)) return { kind: "failed", code: "no_pending_sign_in" };
  disk.lock.take(lock, task);
  try {
    return yield* redeemed(site, attempt, code, verifier);
  } catch (error) {
    return failedBy(error);
  } finally {
    disk.lock.give(lock, task);
    world.touch(disk.name.account);
  }
}

/** What went out for a pasted text, beside what is in it. */
function notePasted({ world }: Site, attempt: Attempt, text: string, sent: string | null): void {
  const known = world.pasted.get(text);
  if (known === undefined) return;
  const isWaited = attempt.state?.matches(known.state) === true;
  world.ledger.note({ kind: "pasted", wanted: isWaited ? known.code : null, sent });
}

function* redeemed(
  site: Site,
  attempt: Attempt,
  code: Secret<"authorization_code">,
  verifier: Secret<"code_verifier"> | null,
): Work<Exchanged> {
  const { provider, endpoints, client } = site.world;
  const { redirectUri, state } = attempt;
  if (redirectUri === null || verifier === null) return { kind: "failed", code: "sign_in_interrupted" };
  const answer = yield* asked(
    site,
    "code",
    codeRequest(provider, { endpoints, client, code, redirectUri, verifier, state }),
  );
  if (answer.kind === "none") {
    const wasSent = answer.sent !== "no";
    return { kind: wasSent ? "failed" : "again", code: wasSent ? "network_timeout" : "network_refused" };
  }
  const outcome = tokenReply(provider, answer.reply, { purpose: "code", clientId: client.id });
  if (outcome.kind !== "issued") return { kind: "failed", code: outcome.code };
  yield* keep(site, attempt, outcome.issued);
  return { kind: "granted" };
}

/** Stores what was issued if the sign-in is still wanted; what is not stored is given back. */
function* keep(site: Site, attempt: Attempt, issued: Issued): Work<void> {
  const { world, process, disk, task, isStopped } = site;
  process.storing += 1;
  try {
    const lineage = `lineage-${world.lineages()}`;
    const login = world.vendor.loginOfToken(issued.accessToken.reveal());
    try {
      disk.checkRoom();
      disk.granted.set(attempt.attempt, signedIn(null, issued, world.by, lineage, world.clock.wall()));
      yield { at: "the new login waits for the lock", isReady: () => disk.lock.isFree("account") };
      disk.lock.take("account", task);
      try {
        if (isStopped()) disk.granted.delete(attempt.attempt);
        else settle(disk, world.ledger);
      } finally {
        disk.granted.delete(attempt.attempt);
        disk.lock.give("account", task);
      }
      const found = disk.read();
      if (found.kind === "unreadable") throw found.error;
      if (found.kind !== "stored" || found.credential.lineage !== lineage)
        throw new AuthError("sign_in_cancelled", disk.name);
    } catch (error) {
      if (login !== null) login.excused = true;
      yield* discard(site, issued.refreshToken ?? issued.accessToken);
      throw error;
    }
    yield { at: "the name is asked for" };
  } finally {
    process.storing -= 1;
  }
}

/** Tokens are given back that nobody wants. */
export function* discard(site: Site, token: Secret<"refresh_token" | "access_token">): Work<void> {
  const { provider, endpoints, client } = site.world;
  if (provider.rotation === "never" && site.disk.read().kind !== "absent") return;
  if (endpoints.revocation !== null)
    yield* asked(site, "revocation", revokeRequest(provider, { endpoints, client, token }));
}

export function* poll(site: Site, input: PollInput): Work<Polled> {
  const { world, disk } = site;
  const { provider, endpoints, client, clock, ledger } = world;
  const attempt = disk.pending.get(input.attempt);
  if (attempt?.deviceCode == null) {
    yield { at: "nothing to poll for" };
    return { kind: "failed", code: "no_pending_sign_in" };
  }
  // It is on its way from here on.
  const told = world.polls.get(attempt.attempt);
  ledger.note({ kind: "polled", attempt: attempt.attempt, at: clock.steady(), dueAt: told?.dueAt ?? 0 });
  const { deviceCode, userCode, verifier } = attempt;
  try {
    const answer = yield* asked(
      site,
      "poll",
      pollRequest(provider, { endpoints, client, deviceCode, userCode: userCode ?? "", verifier }),
    );
    const endedAt = clock.steady();
    if (answer.kind === "none") {
      heard(world, attempt, { endedAt, retryAfterMs: null }, 0);
      return { kind: "unavailable", endedAt, retryAfterMs: null, code: "network_timeout" };
    }
    const interim = { endedAt, retryAfterMs: retryAfterMs(answer.reply.headers, answer.reply.receivedAt) };
    const outcome = pollReply(provider, answer.reply, { clientId: client.id });
    switch (outcome.kind) {
      case "pending":
        wish(site, attempt, 0, interim);
        return { kind: "pending", ...interim };
      case "slow_down":
        wish(site, attempt, slowDownMs, interim);
        return { kind: "slowDown", ...interim };
      case "unavailable":
        wish(site, attempt, 0, interim);
        return { kind: "unavailable", ...interim, code: outcome.code };
      case "code":
        return { kind: "code", handle: site.process.vault.put(outcome) };
      case "issued":
        yield* keep(site, attempt, outcome.issued);
        return { kind: "granted" };
      default:
        return { kind: "failed", code: outcome.code };
    }
  } catch (error) {
    return failedBy(error);
  }
}

/** What the server wants of the next poll outlives this process. */
function wish(site: Site, attempt: Attempt, slowerMs: number, interim: Interim): void {
  const { world, disk } = site;
  heard(world, attempt, interim, slowerMs);
  const { retryAfterMs: rest } = interim;
  if (slowerMs === 0 && rest === null) return;
  const restsUntil = rest === null ? attempt.restsUntil : world.clock.wall() + rest;
  try {
    disk.pending.revise({ ...attempt, intervalMs: attempt.intervalMs + slowerMs, restsUntil });
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    // Who takes the sign-in up cannot know.
    world.polls.delete(attempt.attempt);
  }
}

/** When the next poll is due, by the letter (RFC 8628 3.5), for the invariant. */
function heard(
  world: World,
  { attempt, intervalMs }: Attempt,
  { endedAt, retryAfterMs: rest }: Interim,
  slowerMs: number,
) {
  const slower = intervalMs + slowerMs;
  world.polls.set(attempt, { dueAt: endedAt + Math.max(slower, rest ?? 0) });
}

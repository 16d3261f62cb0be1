// Targets: what processes leave on the disk for each other. Only we write these files, and a power failure, a copy or an edit
// by hand may have been there since.
import assert from "node:assert/strict";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { AuthError } from "../../machines/errors.ts";
import { providers } from "../../providers/index.ts";
import { createJournal } from "../../runtime/inspect/journal.ts";
import { readJournal } from "../../runtime/inspect/reading.ts";
import { type JournalRecord, lineOf, recordOf, steps } from "../../runtime/inspect/record.ts";
import { fits, portOf } from "../../runtime/login/entrance.ts";
import { quickStatus } from "../../runtime/quick-status.ts";
import { ageOf, presenceOf } from "../../runtime/refresh/holder.ts";
import { factsOf } from "../../runtime/store/codec.ts";
import { decodeHolder, encodePermit, encodeSeal } from "../../runtime/store/evidence.ts";
import { granted } from "../../runtime/store/granted.ts";
import { type AccountName, checkAccountName, checkProviderName, nameOfFile } from "../../runtime/store/names.ts";
import { type Attempt, attemptFactsOf, createPendingStore } from "../../runtime/store/pending.ts";
import { createSpendStore, type Spent } from "../../runtime/store/spend.ts";
import { createStore } from "../../runtime/store/store.ts";
import { pendingRow } from "../../runtime/status.ts";
import { look } from "../../runtime/survey.ts";
import { Secret } from "../../runtime/secret.ts";
import { type HostileObject, mutantsOf, objectsLike, strangeTexts, type Template } from "./hostile.ts";
import { secretOf } from "./marks.ts";
import seeds from "./seeds.json" with { type: "json" };
import { target, type Target } from "./target.ts";

const now = Date.UTC(2026, 10, 23);
const name: AccountName = { provider: "codex", account: "default" };
const refreshToken = secretOf("refresh");
const spent: Spent = {
  lineage: "AAAAAAAAAAAAAAAAAAAAAA",
  generation: 3,
  of: new Secret("refresh_token", refreshToken).fingerprint(),
};

const tokens = JSON.stringify({
  access_token: secretOf("access"),
  refresh_token: refreshToken,
  expiry: now / 1000 + 10,
  token_type: "Bearer",
  llxprt_auth: {
    schema: 1,
    lineage: spent.lineage,
    generation: spent.generation,
    issuer: "auth.openai.com",
    client_id: "client-1",
  },
});

interface Trace {
  readonly bytes: Buffer;
  readonly isIntact: boolean;
}

const asTrace = ({ text, isIntact }: HostileObject): Trace => ({ bytes: Buffer.from(text), isIntact });
const asMutant = (bytes: Buffer): Trace => ({ bytes, isIntact: false });
const sizeOf = ({ bytes }: Trace): number => bytes.length;

const holder = { pid: 4_194_303, startTicks: "1", pidNamespace: "pid:[1]", bootId: "b", uptimeMs: 5, at: now };
const permitTemplate: Template = {
  open: { v: 1, lineage: spent.lineage, generation: 3, attempt: 0, holder, of: spent.of, ended: false, interrupted: 0 },
  hidden: { later: secretOf("later") },
};

const permits: fc.Arbitrary<Trace> = fc
  .tuple(objectsLike(permitTemplate), fc.option(objectsLike({ open: holder, hidden: {} }), { nil: null }))
  .map(([permit, inner]) => ({
    bytes: Buffer.from(
      inner === null || !permit.text.endsWith("}")
        ? permit.text
        : `${permit.text.slice(0, -1)},"holder":${inner.text}}`,
    ),
    isIntact: permit.isIntact && inner === null,
  }));

/** A permit in the folder of a refresh: read by everybody who reads the token, and by who would present it again. */
const permit = target<Trace>({
  name: "permit",
  share: 7,
  inputs: {
    structured: permits,
    bytes: mutantsOf([
      encodePermit(spent, { attempt: 0, holder, of: spent.of, ended: false, interrupted: 0 }),
      ...seeds.permits,
    ]).map(asMutant),
  },
  sizeOf,
  bounds: { opened: 14, readBytes: [8, 8_000], changed: 3, answer: [4, 3_000] },
  make: ({ bytes }, ground) => {
    const store = createStore(ground.paths, () => now);
    const spend = createSpendStore(ground.paths);
    ground.plant(ground.paths.tokenFile(name), tokens);
    ground.plant(`${ground.paths.spend(name)}/${spent.lineage}.3.0.next`, Buffer.alloc(64));
    const path = spend.permitPath(name, spent, 0);
    ground.plant(path, bytes);
    const found = spend.permits(name, spent);
    const other = decodeHolder(bytes.toString("latin1"));
    const shown = [...found.map((one) => one.holder), other].flatMap((one) =>
      one === null ? [] : [presenceOf(one), ageOf(one, path, ground.paths.spend(name)), new Date(one.at).toISOString()],
    );
    const { survey } = look(
      {
        host: { now: () => now, userHome: ground.userHome, environment: {} },
        store,
        pending: createPendingStore(ground.paths),
        spend,
      },
      providers.codex,
      "default",
      { enabled: {}, providers: {} },
    );
    return {
      outcome: { kind: found.length === 0 ? "about another" : "permit", found, other, shown, survey },
      open: [found, other],
    };
  },
  check: ({ bytes, isIntact }, made, ground) => {
    assert.ok(!(made instanceof AuthError), `a permit is there or not, and never an error: ${inspect(made)}`);
    const { kind, survey } = made.outcome as { kind: string; survey: { facts: unknown; renewing: boolean } };
    if (isIntact) assert.equal(kind, "permit");
    assert.notEqual(survey.facts, null, "no permit costs a login");
    assert.ok(ground.content(createSpendStore(ground.paths).permitPath(name, spent, 0))?.equals(bytes) === true);
  },
});

interface Seal extends Trace {
  /** It was sealed as a whole: what follows is the server's doing. */
  readonly isSealed: boolean;
}

const good = JSON.stringify({
  access_token: secretOf("next"),
  refresh_token: secretOf("nextRefresh"),
  token_type: "Bearer",
  expires_in: 3600,
});
const sealed = (body: string) =>
  encodeSeal(spent, {
    attempt: 0,
    of: spent.of,
    status: 200,
    contentType: "application/json",
    receivedAt: now,
    issuer: "auth.openai.com",
    clientId: "client-1",
    body,
  });

const whole = [good, ...seeds.sealed].map((body) => Buffer.from(sealed(body)));

const sealedReplies: fc.Arbitrary<Seal> = objectsLike({
  open: { token_type: "Bearer", expires_in: 3600, scope: "a" },
  hidden: { access_token: secretOf("next"), refresh_token: secretOf("nextRefresh"), id_token: null },
}).map(({ text, isIntact }) => ({ bytes: Buffer.from(sealed(text.toWellFormed())), isIntact, isSealed: true }));

/** A sealed reply, read by everybody who reads the token. */
const seal = target<Seal>({
  name: "sealed reply",
  share: 7,
  inputs: {
    structured: sealedReplies,
    bytes: mutantsOf([sealed(good), ...seeds.sealed.map(sealed)]).map((bytes) => ({
      bytes,
      isIntact: false,
      isSealed: false,
    })),
  },
  sizeOf,
  bounds: { opened: 10, readBytes: [8, 8_000], changed: 0, answer: [4, 3_000] },
  make: ({ bytes }, ground) => {
    const store = createStore(ground.paths, () => now);
    const spend = createSpendStore(ground.paths);
    ground.plant(ground.paths.tokenFile(name), tokens);
    ground.plant(
      spend.permitPath(name, spent, 0),
      encodePermit(spent, { attempt: 0, holder, of: spent.of, ended: false, interrupted: 0 }),
    );
    ground.plant(`${ground.paths.spend(name)}/${spent.lineage}.3.0.next`, bytes);
    const found = spend.sealed(name, spent);
    const { survey, credential } = look(
      {
        host: { now: () => now, userHome: ground.userHome, environment: {} },
        store,
        pending: createPendingStore(ground.paths),
        spend,
      },
      providers.codex,
      "default",
      { enabled: {}, providers: {} },
    );
    const facts = credential === null ? null : factsOf(credential);
    return {
      outcome: { kind: found === null ? "none" : facts?.generation === 4 ? "adopted" : "not adopted", survey, facts },
      open: [survey, facts],
    };
  },
  check: ({ bytes, isIntact, isSealed }, made, ground) => {
    assert.ok(!(made instanceof AuthError), `a seal is one or none, and never an error: ${inspect(made)}`);
    const { kind, facts } = made.outcome as { kind: string; facts: unknown };
    // What was changed anywhere before its end is none.
    if (!isSealed && kind !== "none") assert.ok(whole.some((one) => bytes.subarray(0, one.length).equals(one)));
    if (isSealed) assert.notEqual(kind, "none", "what was sealed is found");
    if (isIntact) assert.equal(kind, "adopted", "a sealed reply by the book is the next generation");
    assert.notEqual(facts, null, "no seal costs a login");
    assert.ok(ground.content(`${ground.paths.spend(name)}/${spent.lineage}.3.0.next`)?.equals(bytes) === true);
  },
});

const recordTemplate: Template = {
  open: {
    schema: 1,
    provider: "codex",
    account: "default",
    attempt: "a1",
    kind: "loopback",
    url: "https://auth.openai.com/oauth/authorize?x=1",
    urlComplete: null,
    userCode: null,
    redirectUri: "http://localhost:1455/auth/callback",
    createdAt: now - 1000,
    expiresAt: now + 600_000,
    intervalMs: 5000,
    restsUntil: null,
    issuer: "auth.openai.com",
    clientId: "client-1",
    iss: null,
    issSent: false,
  },
  hidden: { state: secretOf("state"), verifier: secretOf("verifier"), nonce: secretOf("nonce"), deviceCode: null },
};

/** The record of a sign-in under way: listed, shown, joined, revised, and swept away when its time is over. */
const record = target<Trace>({
  name: "pending record",
  share: 8,
  inputs: {
    structured: objectsLike(recordTemplate).map(asTrace),
    bytes: mutantsOf([JSON.stringify({ ...recordTemplate.open, ...recordTemplate.hidden }), ...seeds.pending]).map(
      asMutant,
    ),
  },
  sizeOf,
  bounds: { opened: 14, readBytes: [12, 3_000], changed: 24, answer: [6, 3_000] },
  make: ({ bytes }, ground) => {
    const path = `${ground.paths.pending}/codex~a1.json`;
    ground.plant(path, bytes);
    ground.plant(ground.paths.tokenFile(name), tokens);
    const pending = createPendingStore(ground.paths);
    const listed = pending.list(name, now);
    const got = pending.get(name, "a1");
    const attempts: readonly Attempt[] = got === null ? listed : [...listed, got];
    const shown = attempts.map((attempt) => [
      attemptFactsOf(attempt),
      pendingRow(attempt),
      portOf(attempt),
      fits(attempt, providers.codex, {}, now),
    ]);
    const status = quickStatus(ground.paths.home, {});
    for (const attempt of listed) pending.revise({ ...attempt, intervalMs: attempt.intervalMs + 5000 });
    const after = pending.list(name, now);
    pending.sweep(now);
    return {
      outcome: { kind: got === null ? "none" : "record", attempts, shown, after, rows: status?.statuses.length },
      open: [shown, attempts.map(({ issuer, clientId, iss, redirectUri }) => [issuer, clientId, iss, redirectUri])],
    };
  },
  check: ({ bytes, isIntact }, made, ground) => {
    assert.ok(!(made instanceof AuthError), `a record is one or none, and never an error: ${inspect(made)}`);
    const { kind, attempts, after } = made.outcome as {
      kind: string;
      attempts: readonly Attempt[];
      after: readonly Attempt[];
    };
    if (isIntact) assert.equal(attempts.length, 2, "a record by the book is listed and found");
    if (kind === "none")
      assert.ok(
        ground.content(`${ground.paths.pending}/codex~a1.json`)?.equals(bytes) === true,
        "what is no record of ours is left alone",
      );
    for (const attempt of [...attempts, ...after])
      assert.deepEqual([attempt.provider, attempt.account, attempt.attempt], ["codex", "default", "a1"]);
    for (const [index, attempt] of after.entries())
      assert.equal(attempt.state?.reveal(), attempts[index]?.state?.reveal());
    assert.ok(
      ground.content(ground.paths.tokenFile(name))?.toString() === tokens,
      "the tokens beside it are not touched",
    );
  },
});

/** Tokens that wait for the account's lock. */
const waiting = target<Trace>({
  name: "granted tokens",
  share: 3,
  inputs: {
    structured: objectsLike({ open: { expiry: 1_895_000_000 }, hidden: { access_token: secretOf("access") } }).map(
      asTrace,
    ),
    bytes: mutantsOf(seeds.tokenFiles).map(asMutant),
  },
  sizeOf,
  bounds: { opened: 2, readBytes: [2, 100], answer: [4, 2_000] },
  make: ({ bytes }, ground) => {
    ground.plant(`${ground.paths.spend(name)}/a1.granted`, bytes);
    const [found] = granted(ground.paths, name);
    return {
      outcome: {
        kind: found?.credential == null ? "nothing" : "credential",
        attempt: found?.attempt,
        facts: found?.credential == null ? null : factsOf(found.credential),
      },
      open: [found?.credential?.identity],
    };
  },
  check: ({ isIntact }, made) => {
    assert.ok(!(made instanceof AuthError), `it is one or none, and never an error: ${inspect(made)}`);
    if (isIntact) assert.equal((made.outcome as { kind: string }).kind, "credential");
  },
});

const entry = {
  step: "signedIn",
  provider: "codex",
  account: "default",
  lineage: "AAAAAAAAAAAAAAAAAAAAAA",
  generation: 1,
  signIn: "A".repeat(27),
  grant: "device",
  expiresAt: now,
} as const;
const lines = objectsLike({
  open: {
    v: 1,
    at: new Date(now).toISOString(),
    pid: 7,
    ...entry,
    code: "server_error",
    holder: { pid: 1, at: now },
    revocation: "revoked",
  },
  hidden: { token: secretOf("token") },
});

/** Lines of our own kind, of others, torn ones, and several on one line. */
const journals: fc.Arbitrary<Trace> = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 6, arbitrary: lines.map(({ text }) => text) }, { weight: 1, arbitrary: strangeTexts }),
      fc.constantFrom("\n", "\n", "\n", "", "\r\n", "\u0000"),
    ),
    { maxLength: 6 },
  )
  .map((parts) => ({ bytes: Buffer.from(parts.map((part) => part.join("")).join("")), isIntact: false }));

/** Read while it is anything, and gone on with behind whatever is there. */
const journal = target<Trace>({
  name: "journal",
  share: 7,
  inputs: {
    structured: journals,
    bytes: mutantsOf(seeds.journals.map((text) => text.split("\n").slice(-5).join("\n"))).map(asMutant),
  },
  sizeOf,
  bounds: { opened: 6, readBytes: [4, 2_000], changed: 6, answer: [6, 2_000] },
  make: ({ bytes }, ground) => {
    ground.plant(ground.paths.journal, bytes);
    const before = [...readJournal(ground.paths)];
    createJournal(ground.paths.journal, () => now).note(entry);
    const after = [...readJournal(ground.paths)];
    return { outcome: { kind: before.length > 0 ? "records" : "none", before, after }, open: [before] };
  },
  check: ({ bytes }, made, ground) => {
    assert.ok(!(made instanceof AuthError), "a journal is read, never an error");
    const { before, after } = made.outcome as { before: readonly JournalRecord[]; after: readonly JournalRecord[] };
    for (const one of before) {
      const again = lineOf(one, Date.parse(one.at), one.pid);
      assert.ok(again !== null && !/[\n\r\u2028]/.test(again), "a record is one line");
      assert.equal(JSON.stringify(recordOf(again)), JSON.stringify(one));
      assert.ok(one.step in steps);
    }
    const { at: _at, pid: _pid, v: _v, ...last } = after.at(-1) ?? {};
    assert.deepEqual(last, entry, "what is noted behind it is read");
    assert.ok(
      ground.content(ground.paths.journal)?.subarray(0, bytes.length).equals(bytes) === true,
      "what was there stays",
    );
  },
});

interface Names {
  readonly names: readonly string[];
}

/** A name that a disk takes. */
const nameOf = (text: string): string => text.replaceAll("/", "_").replaceAll("\u0000", "_");
const isName = (text: string): boolean => !["", ".", ".."].includes(text);

const fileNames = fc.oneof(
  strangeTexts.map(nameOf).filter(isName),
  fc.constantFrom(
    "codex.json",
    "codex-work.json",
    "codex-con.json",
    "codex-..json",
    "codex-.json",
    "CODEX.json",
    "codex-a-b.json",
    "nul.json",
    "codex-default.json",
    "__proto__.json",
    "constructor.json",
    "codex-__proto__.json",
    "codex~x.json",
    "journal.jsonl",
    ".json",
  ),
  fc
    .tuple(
      fc.constantFrom("codex-", "qwen-", "x-", ""),
      fc.string({ unit: fc.constantFrom(..."aZ0._@- ~".split("")), maxLength: 70 }),
    )
    .map(([provider, rest]) => `${provider}${rest}.json`),
);

/** Files of any name among the token files and the records: every account that is told has a name that one can use. */
const folder = target<Names>({
  name: "file names",
  share: 3,
  inputs: {
    structured: fc.record({ names: fc.array(fileNames, { maxLength: 4 }) }),
    bytes: mutantsOf(["codex-work.json", "codex~a1.json", "qwen-me@example.com.json"]).map((bytes) => ({
      names: [nameOf(bytes.toString("latin1")).slice(0, 80)].filter(isName),
    })),
  },
  sizeOf: ({ names }) => names.join("").length,
  bounds: { opened: 60, readBytes: [0, 40_000], answer: [60, 12_000] },
  make: ({ names }, ground) => {
    ground.clear();
    for (const one of names) {
      ground.plant(`${ground.paths.oauth}/${one}`, tokens);
      ground.plant(`${ground.paths.pending}/${one}`, "{}");
    }
    const told = [...createStore(ground.paths, () => now).list(), ...createPendingStore(ground.paths).names()];
    return {
      outcome: {
        kind: told.length > 0 ? "names" : "none",
        told,
        rows: quickStatus(ground.paths.home, {})?.statuses.map(({ row }) => row.account),
      },
    };
  },
  check: (_, made) => {
    assert.ok(!(made instanceof AuthError), `files of any name are no error: ${inspect(made)}`);
    for (const { provider, account } of (made.outcome as { told: readonly AccountName[] }).told) {
      assert.equal(checkProviderName(provider), provider);
      assert.equal(checkAccountName(account), account);
      assert.deepEqual(nameOfFile(account === "default" ? `${provider}.json` : `${provider}-${account}.json`), {
        provider,
        account,
      });
    }
  },
});

export const traces: readonly Target[] = [permit, seal, record, waiting, journal, folder];

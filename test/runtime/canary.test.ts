// No token, code, verifier or key gets anywhere but to the server and into its own file: a day in the life of all providers,
// with everything that could be printed, logged or saved searched for every secret in every disguise (T35, T37, T38).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import type { ProviderName } from "../../providers/index.ts";
import type { Auth } from "../../runtime/auth.ts";
import { loginOf } from "../../runtime/actor.ts";
import { readJournal } from "../../runtime/inspect/reading.ts";
import { openInspector } from "../../runtime/inspect/page/inspector.ts";
import { journalText, rerun } from "../../runtime/inspect/rerun.ts";
import { createFeed } from "../../runtime/inspect/stately/feed.ts";
import { canaries, everythingOf, formsOf } from "../support/canary.ts";
import { answer, beginLogin, signIn, type Stage, stage } from "../support/stage.ts";
import { enter, standInPage } from "../support/visitor.ts";

const everybody = ["gemini", "anthropic", "codex", "qwen"] as const;

/** What is seen by people, logs, snapshots and inspectors. */
class Record {
  readonly texts = new Map<string, string>();
  readonly #watched = new WeakSet();
  readonly #known = new Set<string>();

  note(where: string, value: unknown): void {
    const text = everythingOf(value);
    if (this.#known.has(text)) return;
    this.#known.add(text);
    this.texts.set(`${this.texts.size} ${where}`, text);
  }

  async failing(where: string, work: Promise<unknown>): Promise<void> {
    this.note(
      `error of ${where}`,
      await work.then(
        () => assert.fail(`${where} did not fail`),
        (error: unknown) => error,
      ),
    );
  }

  /** Every snapshot of a machine, of the sign-in inside it, and what of them would be saved. */
  watch(auth: Auth, provider: string): void {
    const { actor } = auth.account(provider);
    if (this.#watched.has(actor)) return;
    this.#watched.add(actor);
    actor.subscribe((snapshot) => {
      this.note(`machine of ${provider}`, { value: snapshot.value, context: snapshot.context });
      this.note(`saved machine of ${provider}`, JSON.stringify(actor.getPersistedSnapshot()));
      const login = loginOf(snapshot);
      if (login !== null) this.note(`sign-in of ${provider}`, { value: login.value, context: login.context });
    });
  }
}

/** Verifiers, states, nonces and device codes of the sign-ins that are open now. */
function pendingSecrets({ home }: Stage): string[] {
  return home.pending().flatMap((path) => {
    const { verifier, state, nonce, deviceCode } = home.read(path);
    return [verifier, state, nonce, deviceCode].filter((secret): secret is string => typeof secret === "string");
  });
}

it("finds what it looks for: a search that finds nothing anywhere would prove nothing", () => {
  const secret = "a-secret/that+is=long-0123456789";
  for (const disguise of [
    secret,
    Buffer.from(secret).toString("base64"),
    Buffer.from(`x${secret}y`).toString("base64"),
    Buffer.from(`xx${secret}`).toString("base64url"),
    Buffer.from(secret).toString("hex"),
    encodeURIComponent(secret),
    secret.split("").toReversed().join(""),
    `ending ${secret.slice(-12)}`,
  ])
    assert.equal(canaries([secret], new Map([["here", `before ${disguise} after`]])).length > 0, true, disguise);
  assert.deepEqual(canaries([secret], new Map([["here", "nothing"]])), []);
  assert.ok(formsOf(secret).length > 5);
  const hidden = new Error("outer", {
    cause: Object.defineProperty({}, "hidden", { value: secret, enumerable: false }),
  });
  assert.ok(everythingOf(hidden).includes(secret));
});

it("no secret is where it does not belong", { timeout: 60_000 }, async () => {
  await using s = await stage({ providers: { gemini: { "auth-key": "none" } } });
  const record = new Record();
  const own: string[] = ["key-in-the-environment-0123456789", "key-of-a-flag-0123456789"];
  const environment = { OPENAI_API_KEY: own[0] };
  const pages: string[] = [];

  const open = (): Auth => {
    const auth = s.auth({ host: { environment: {} } });
    for (const provider of everybody) record.watch(auth, provider);
    return auth;
  };
  const tell = (auth: Auth, provider: ProviderName): void => {
    const account = auth.account(provider);
    const { pending: _, ...row } = account.status().row;
    record.note(`status of ${provider}`, row);
    record.note(`why of ${provider}`, account.why());
    record.note(`story of ${provider}`, account.explain());
  };

  const auth = open();
  const look = { host: s.home.host(), paths: s.home.paths, reserved: new Set<string>(), keys: null, profile: null };
  const inspector = await openInspector({ ...look, folder: standInPage(s.home.userHome) });
  const visitor = await enter(inspector.url);
  // A page that is open all the time, and one that is opened at a moment.
  using watching = await visitor.news();
  const inspected = async (moment: string): Promise<void> => {
    using page = await visitor.news();
    await page.heard(1);
    record.texts.set(`page of inspect, ${moment} ${record.texts.size}`, page.text());
  };
  for (const [provider, grant] of [
    ["gemini", "loopback"],
    ["anthropic", "paste"],
    ["codex", "device"],
    ["qwen", "device"],
    ["codex", "loopback"],
  ] as const) {
    await signIn(s, auth, provider, {
      grant,
      onPending: () => {
        own.push(...pendingSecrets(s));
        tell(auth, provider);
      },
    });
    tell(auth, provider);
    record.note(`credential of ${provider}`, await auth.account(provider).token());
    await auth.account(provider).refresh({ force: true });
  }

  // Everything that goes wrong, with servers that repeat what they were told.
  for (const [provider, grant] of [
    ["gemini", "loopback"],
    ["anthropic", "loopback"],
    ["codex", "loopback"],
  ] as const) {
    const denied = await beginLogin(auth, provider, grant);
    own.push(...pendingSecrets(s));
    await inspected(`while somebody signs in to ${provider}`);
    pages.push((await s.emulator.deny(denied.pending.url)).body);
    await record.failing(`denied ${provider}`, denied.ended);
    const { access_token: access, refresh_token: refresh } = s.home.tokens(provider);
    const echo = JSON.stringify({ error: "invalid_grant", error_description: `${access} ${refresh}`, hint: refresh });
    const refused = await beginLogin(auth, provider, grant);
    own.push(...pendingSecrets(s));
    s.emulator.fault(provider, "token", { kind: "reply", status: 400, body: echo });
    pages.push((await s.emulator.approve(refused.pending.url)).body);
    await record.failing(`refused ${provider}`, refused.ended);
    for (const fault of [
      { kind: "reply", status: 500, body: echo, contentType: "text/plain" },
      { kind: "reply", status: 200, body: `{"access_token":"${access}` },
      { kind: "redirect", status: 307, to: `https://evil.example/?token=${access}` },
      { kind: "drop-reply" },
    ] as const) {
      s.emulator.fault(provider, "refresh", fault);
      await record.failing(`refresh of ${provider}`, auth.account(provider).refresh({ force: true }));
      tell(auth, provider);
    }
  }
  const paste = await beginLogin(auth, "anthropic", "paste");
  own.push(...pendingSecrets(s));
  await inspected("while a paste is awaited");
  const shown = (await answer(s.emulator, paste.pending)) ?? "";
  own.push(shown);
  for (const text of [
    `${shown}x`,
    shown.slice(0, -5),
    `https://evil.example/?code=${shown}`,
    shown.split("#")[1] ?? "",
  ])
    await record.failing("pasted", paste.account.complete(text));
  await paste.account.cancel();
  await record.failing("cancelled", paste.ended);

  const keyed = s.auth({ keys: { provider: "codex", flags: { key: own[1] } }, host: { environment } });
  const key = await keyed.account("codex").token();
  record.note("key", key);
  record.note("why with keys", keyed.account("codex").why().winner?.origin);
  await record.failing("rejected key", keyed.account("codex").rejected(key));

  s.home.plant("qwen", JSON.stringify(s.home.tokens("qwen")).slice(0, -20));
  await record.failing("damaged file", open().account("qwen").token());
  await inspected("with a damaged file");
  for (const provider of everybody) record.note(`story of ${provider}`, auth.account(provider).explain());
  record.note(
    "journal played again",
    rerun(journalText(s.home.paths.journal), () => null),
  );
  const messages = [...readJournal(s.home.paths)].flatMap(createFeed(() => ["loopback", "paste", "device"]));
  assert.ok(messages.length > 100, `${messages.length} messages`);
  record.note("told to the hosted inspector", messages);
  for (const provider of ["gemini", "anthropic", "codex"] as const)
    record.note("logout", (await auth.account(provider).logout()).revocation);
  await inspected("at the end");
  record.texts.set("page of inspect, all the time", watching.text());
  for (const path of ["/", "/view.js", "/look.css", "/pictures.json"])
    record.texts.set(`file of inspect ${path}`, (await visitor.ask(path)).body);
  const told = watching.news().flatMap(({ scene }) => scene?.accounts ?? []);
  assert.ok(told.some(({ pending }) => pending !== null) && told.some(({ lastError }) => lastError !== null));
  own.push(...new URL(inspector.url).searchParams.values(), visitor.cookie.split("=")[1] ?? "");
  await inspector.close();
  record.note("notices", s.notices);
  // The whole runtime with everything in it, private members of ours excepted.
  record.note("runtime", auth);
  for (const [index, page] of pages.entries()) record.texts.set(`page ${index}`, page);
  for (const path of s.home.files()) {
    record.texts.set(`name of ${path}`, path);
    const isPlace = /\/oauth\/(\.pending\/.*|[a-z]+\.json)$/.test(path);
    if (!isPlace) record.texts.set(path, readFileSync(path, "utf8"));
  }

  const secrets = [...new Set([...s.emulator.secrets(), ...own])].filter((secret) => secret.length >= 16);
  assert.ok(secrets.length > 40, `${secrets.length} secrets`);
  assert.ok(record.texts.size > 200, `${record.texts.size} texts`);
  const found = canaries(secrets, record.texts);
  assert.deepEqual(found.slice(0, 3), [], `${found.length} findings`);
});

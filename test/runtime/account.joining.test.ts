// One sign-in for however many want one: whoever comes second takes part in what is under way, in this process or another,
// and whoever serves it may go at any time, for another one goes on (R29, D1; RFC 8628 3.5).
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import type { ProviderName } from "../../providers/index.ts";
import { readJournal } from "../../runtime/inspect/reading.ts";
import type { PendingRow } from "../../runtime/status.ts";
import { createLocks } from "../../runtime/refresh/locks.ts";
import { keepGranted } from "../../runtime/store/granted.ts";
import { createSpendStore } from "../../runtime/store/spend.ts";
import { isOpen, visit } from "../support/browser.ts";
import { modeOf } from "../support/home.ts";
import { sampleCredential } from "../support/sample.ts";
import { answer, beginLogin, codeOf, signIn, type Stage, stage, until } from "../support/stage.ts";

const redirectIn = (url: string): string => new URL(url).searchParams.get("redirect_uri") ?? "";
const portOf = (url: string): number => Number(new URL(redirectIn(url)).port);

/** The redirect that the provider would make, taken before it reaches anybody. */
async function redirectOf({ emulator }: Stage, url: string): Promise<string> {
  const ticket = /name="ticket" value="([^"]+)"/.exec(await (await fetch(url)).text())?.[1] ?? "";
  const body = new URLSearchParams({ ticket, decision: "approve", account: emulator.accounts[0] ?? "" });
  const reply = await fetch(url, { method: "POST", body, redirect: "manual" });
  return reply.headers.get("location") ?? assert.fail();
}

/** Moments of the polls that came in, and whether one of them was too early for the server. */
const pollsOf = ({ emulator }: Stage, provider: ProviderName) =>
  emulator.requests
    .filter((one) => one.provider === provider && one.endpoint === "poll")
    .map(({ time, status }) => ({ at: Date.parse(time), status }));

const turns = ({ home }: Stage): string[] => home.files().filter((path) => path.endsWith(".turn"));

const grants = [
  ["gemini", "loopback"],
  ["anthropic", "paste"],
  ["qwen", "device"],
] as const;

describe("a second sign-in", { concurrency: 4 }, () => {
  for (const [provider, grant] of grants) {
    it(`by ${grant} joins the first, and both end with the one login`, async () => {
      await using s = await stage();
      const first = await beginLogin(s.auth(), provider, grant);
      const second = await beginLogin(s.auth(), provider);
      assert.deepEqual([first.joined, second.joined], [false, true]);
      assert.deepEqual(second.pending, first.pending);
      assert.equal(s.home.pending().length, 1);
      const shown = await answer(s.emulator, second.pending);
      if (shown !== null) await second.account.complete(shown);
      for (const { ended } of [first, second]) assert.equal((await ended).row.state, "authenticated");
      assert.equal(s.emulator.counters(provider).exchanges, 1);
      assert.equal(s.emulator.counters(provider).device, grant === "device" ? 1 : 0);
      assert.deepEqual([s.home.pending(), turns(s)], [[], []]);
    });

    it(`by ${grant} goes on in the place of the first when that is gone`, async () => {
      await using s = await stage();
      const auth = s.auth();
      const first = await beginLogin(auth, provider, grant);
      const second = await beginLogin(s.auth(), provider);
      await auth.close();
      assert.equal(await codeOf(first.ended), "interrupted");
      const adopted = () => [...readJournal(s.home.paths)].some(({ step }) => step === "signInAdopted");
      await until(adopted, "the second serves it");
      if (grant === "loopback") await until(() => s.home.pending().length === 1, "its record stays");
      const shown = await answer(s.emulator, first.pending);
      if (shown !== null) await second.account.complete(shown);
      assert.equal((await second.ended).row.state, "authenticated");
      assert.equal(s.emulator.counters(provider).exchanges, 1);
    });

    it(`by ${grant} presents nothing when the first died with the tokens on the disk, and is the login once the lock is free`, async () => {
      await using s = await stage();
      const auth = s.auth();
      const first = await beginLogin(auth, provider, grant);
      const second = await beginLogin(s.auth(), provider);
      const lock = createLocks(createSpendStore(s.home.paths), s.home.now).tryTake(second.account);
      const lineage = "a-lineage-of-its-own-1";
      keepGranted(s.home.paths, second.account, first.pending.attempt, sampleCredential({ lineage }));
      await auth.close();
      const adopted = () => [...readJournal(s.home.paths)].some(({ step }) => step === "signInAdopted");
      await until(adopted, "the second serves it");
      const answered = answer(s.emulator, first.pending).then((shown) =>
        shown === null ? undefined : second.account.complete(shown),
      );
      // Longer than the interval between two polls.
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      lock?.release();
      assert.equal((await second.ended).row.state, "authenticated");
      await answered;
      assert.equal(s.home.tokens(provider)["llxprt_auth"].lineage, lineage);
      assert.deepEqual([s.emulator.counters(provider).exchanges, s.home.pending()], [0, []]);
    });

    it(`by ${grant} takes up the first one that nobody serves any more, and shows it again`, async () => {
      await using s = await stage();
      const auth = s.auth();
      const first = await beginLogin(auth, provider, grant);
      await auth.close();
      const second = await beginLogin(s.auth(), provider);
      assert.deepEqual([second.joined, second.pending], [false, first.pending]);
      const shown = await answer(s.emulator, second.pending);
      if (shown !== null) await second.account.complete(shown);
      assert.equal((await second.ended).row.state, "authenticated");
      assert.equal(s.emulator.counters(provider).device, grant === "device" ? 1 : 0);
    });

    it(`by ${grant} in the same process is the first`, async () => {
      await using s = await stage();
      const auth = s.auth();
      const first = await beginLogin(auth, provider, grant);
      const second = await beginLogin(auth, provider);
      assert.deepEqual([second.joined, second.pending], [true, first.pending]);
      const shown = await answer(s.emulator, first.pending);
      if (shown !== null) await second.account.complete(shown);
      for (const { ended } of [first, second]) assert.equal((await ended).row.state, "authenticated");
    });
  }

  it("that asks for another way or port begins beside the first", async () => {
    await using s = await stage();
    const first = await beginLogin(s.auth(), "codex", "loopback");
    const other = await beginLogin(s.auth(), "codex", "device");
    const port = portOf(first.pending.url) === 28_431 ? 28_432 : 28_431;
    const third = await beginLogin(s.auth(), "codex", "loopback", { port });
    assert.deepEqual([other.joined, third.joined, portOf(third.pending.url)], [false, false, port]);
    const same = await beginLogin(s.auth(), "codex", "loopback", { port: portOf(first.pending.url) });
    assert.deepEqual([same.joined, same.pending.attempt], [true, first.pending.attempt]);
    await s.emulator.approve(first.pending.url);
    for (const { ended } of [first, other, third, same]) assert.equal((await ended).row.state, "authenticated");
    assert.deepEqual([s.home.pending(), turns(s)], [[], []]);
  });

  it("of another account is one of its own", async () => {
    await using s = await stage();
    const first = await beginLogin(s.auth(), "gemini");
    const second = await beginLogin(s.auth(), "gemini", undefined, { account: "work" });
    assert.equal(second.joined, false);
    assert.notEqual(second.pending.attempt, first.pending.attempt);
  });

  it("begins anew where the port of the first is another program's now", async () => {
    await using s = await stage();
    const auth = s.auth();
    const first = await beginLogin(auth, "gemini");
    await auth.close();
    const stranger = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => stranger.listen(portOf(first.pending.url), "127.0.0.1", () => resolve()));
    try {
      const second = await beginLogin(s.auth(), "gemini");
      assert.equal(second.joined, false);
      assert.notEqual(second.pending.attempt, first.pending.attempt);
      assert.notEqual(portOf(second.pending.url), portOf(first.pending.url));
      // The first can still be finished by pasting.
      assert.equal(s.home.pending().length, 2);
      await s.emulator.approve(second.pending.url);
      await second.ended;
    } finally {
      stranger.close();
    }
  });

  it("begins anew where the first was begun with another client, or ends in a moment", async () => {
    await using s = await stage({ deviceLifetimeS: 300 });
    const auth = s.auth();
    const first = await beginLogin(auth, "qwen");
    s.home.ahead = 230_000;
    assert.equal((await beginLogin(s.auth(), "qwen")).joined, true);
    s.home.ahead = 241_000;
    const second = await beginLogin(s.auth(), "qwen");
    assert.deepEqual([second.joined, second.pending.attempt === first.pending.attempt], [false, false]);
    s.point({ qwen: { clientId: "another-client" } });
    const third = await beginLogin(s.auth(), "qwen").catch(() => null);
    assert.notEqual(third?.joined, true);
  });

  it("that was given less time stops waiting then, and ends nothing", async () => {
    await using s = await stage();
    const first = await beginLogin(s.auth(), "gemini");
    const second = await beginLogin(s.auth(), "gemini", undefined, { timeoutMs: 150 });
    assert.equal(second.pending.expiresAt, null);
    assert.equal(await codeOf(second.ended), "sign_in_timeout");
    assert.equal(s.home.pending().length, 1);
    await s.emulator.approve(first.pending.url);
    assert.equal((await first.ended).row.state, "authenticated");
  });

  it("is told why the first ended without a login", async () => {
    await using s = await stage();
    const first = await beginLogin(s.auth(), "gemini");
    const second = await beginLogin(s.auth(), "gemini");
    await s.emulator.deny(first.pending.url);
    for (const { ended } of [first, second]) assert.equal(await codeOf(ended), "consent_denied");
    const cancelled = [await beginLogin(s.auth(), "gemini"), await beginLogin(s.auth(), "gemini")];
    await s.auth().account("gemini").cancel();
    for (const { ended } of cancelled) assert.equal(await codeOf(ended), "sign_in_cancelled");
  });

  it("whose person pastes what the first is exchanging presents no code twice", async () => {
    await using s = await stage();
    const first = await beginLogin(s.auth(), "gemini");
    const second = await beginLogin(s.auth(), "gemini");
    const redirect = await redirectOf(s, first.pending.url);
    s.emulator.fault("gemini", "token", { kind: "delay", ms: 500 });
    const page = visit(redirect);
    await until(() => s.emulator.counters("gemini").exchanges === 1, "the first exchanges it");
    assert.equal((await second.account.complete(redirect)).row.state, "authenticated");
    assert.match((await page).body, /Signed in/);
    for (const { ended } of [first, second]) assert.equal((await ended).row.state, "authenticated");
    assert.equal(s.emulator.counters("gemini").token, 1);
    assert.equal(s.emulator.counters("gemini").revokedFamilies, 0);
  });

  it("that finds the first just finished has what it wanted", async () => {
    await using s = await stage();
    const auth = s.auth();
    const before = await signIn(s, auth, "gemini");
    const again = await beginLogin(s.auth(), "gemini");
    assert.equal(again.joined, false, "who signs in again by name is asked again");
    await s.emulator.approve(again.pending.url);
    await again.ended;
    const after = await s.auth().account("gemini").login({ ifNeeded: true });
    assert.equal(after.row.identity, before.row.identity);
    assert.equal(s.emulator.counters("gemini").exchanges, 2);
  });
});

describe("many at once", { concurrency: 2 }, () => {
  it("begin one sign-in among them, and all end with it", async () => {
    await using s = await stage();
    const all = await Promise.all(Array.from({ length: 12 }, () => beginLogin(s.auth(), "gemini")));
    assert.equal(all.filter(({ joined }) => !joined).length, 1, "one of them opens a page");
    assert.equal(new Set(all.map(({ pending }) => pending.attempt)).size, 1);
    await s.emulator.approve(all[0]?.pending.url ?? "");
    for (const { ended } of all) assert.equal((await ended).row.state, "authenticated");
    assert.equal(s.emulator.counters("gemini").exchanges, 1);
    assert.deepEqual([s.home.pending(), turns(s)], [[], []]);
  });

  it("who need a token send one person to one page, and nobody after it is there", async () => {
    await using s = await stage();
    await s.auth().account("gemini").enable();
    const opened: PendingRow[] = [];
    const ask = async (): Promise<string> => {
      const auth = s.auth();
      await auth.access("gemini", {
        signIn: (account) =>
          account.login({
            onPending: (row, { joined }) => {
              if (joined) return;
              opened.push(row);
              void s.emulator.approve(row.url);
            },
          }),
      });
      return (await auth.account("gemini").token()).secret.reveal();
    };
    const tokens = await Promise.all(Array.from({ length: 12 }, ask));
    assert.equal(opened.length, 1);
    assert.deepEqual(new Set(tokens), new Set([s.home.tokens("gemini")["access_token"]]));
    assert.equal(s.emulator.counters("gemini").exchanges, 1);
  });
});

describe("polling", { concurrency: 4 }, () => {
  for (const provider of ["qwen", "codex"] as const)
    it(`for ${provider} is done by one process, and by the next one no sooner than the server allows`, async () => {
      await using s = await stage();
      const auth = s.auth();
      const first = await beginLogin(auth, provider, "device");
      const second = await beginLogin(s.auth(), provider, "device");
      await until(() => pollsOf(s, provider).length >= 2, "the first polls");
      await auth.close();
      await until(() => pollsOf(s, provider).length >= 4, "the second goes on", 8_000);
      await s.emulator.approveDevice(first.pending.userCode ?? "");
      await second.ended;
      const polls = pollsOf(s, provider);
      for (const [index, { at }] of polls.slice(1).entries()) assert.ok(at - (polls[index]?.at ?? 0) >= 950);
      assert.ok(!polls.some(({ status }) => status === 429), "nobody was told to slow down");
    });

  it("goes on as slowly as the process before was told to", async () => {
    await using s = await stage();
    const auth = s.auth();
    s.emulator.fault("qwen", "poll", { kind: "reply", status: 429, body: JSON.stringify({ error: "slow_down" }) });
    const { pending } = await beginLogin(auth, "qwen");
    await until(() => pollsOf(s, "qwen").length === 1, "it was told to slow down");
    const [path = ""] = s.home.pending();
    await until(() => s.home.read(path)["intervalMs"] === 6_000, "that is in the record");
    assert.equal(modeOf(path), "0600");
    await auth.close();
    const second = await beginLogin(s.auth(), "qwen");
    assert.deepEqual([second.joined, second.pending], [false, pending]);
    const told = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.equal(pollsOf(s, "qwen").length, 1, `it waits 6 s, and not 1 s: ${Date.now() - told} ms`);
  });
});

describe("the turn", () => {
  it("is a file of its owner's, beside no record, and is gone with the sign-in", async () => {
    await using s = await stage();
    const { account, pending } = await beginLogin(s.auth(), "codex", "loopback");
    assert.deepEqual(turns(s).map(modeOf), ["0600"]);
    assert.ok(turns(s)[0]?.endsWith(`/.spend/codex/${pending.attempt}.turn`));
    await account.cancel();
    await until(() => turns(s).length === 0, "it is gone");
  });

  it("of a process that was killed before it had a record is swept up later", async () => {
    await using s = await stage();
    await beginLogin(s.auth(), "gemini");
    const [path = ""] = turns(s);
    const { utimesSync, writeFileSync } = await import("node:fs");
    const [old, young] = ["old", "young"].map((name) => path.replace(/[^/]+$/, `${name}.turn`));
    for (const file of [old, young]) writeFileSync(file ?? "", "");
    utimesSync(old ?? "", new Date(0), new Date(0));
    await beginLogin(s.auth(), "gemini", "loopback", { port: 28_433 });
    assert.deepEqual([turns(s).includes(old ?? ""), turns(s).includes(young ?? "")], [false, true]);
    assert.ok(turns(s).includes(path), "what is being served stays");
  });

  it("given back frees the port for whoever waits, and for a stranger nothing is missed", async () => {
    await using s = await stage();
    const auth = s.auth();
    const first = await beginLogin(auth, "gemini");
    const second = await beginLogin(s.auth(), "gemini");
    const port = portOf(first.pending.url);
    await auth.close();
    let isBound = false;
    for (let tries = 0; tries < 200 && !isBound; tries += 1) {
      isBound = await isOpen(port);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(isBound, "the second listens there");
    assert.match((await s.emulator.approve(first.pending.url)).body, /Signed in/);
    await second.ended;
    assert.ok(!(await isOpen(port)));
  });
});

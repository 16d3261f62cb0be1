// A sign-in that is left to a process of its own: what that process is told, what becomes of its one line, and what is done
// where no process can be started. The real process is in test/cli/interrupted.test.ts.
import assert from "node:assert/strict";
import { relative } from "node:path";
import { describe, it } from "node:test";
import type { LoginRequest } from "../../runtime/account.ts";
import type { Host } from "../../runtime/host.ts";
import { codeOf, type Stage, stage } from "../support/stage.ts";

const row = {
  schema: 1,
  provider: "codex",
  account: "work",
  attempt: "a1",
  kind: "loopback",
  url: "http://127.0.0.1:1/authorize",
  urlComplete: null,
  userCode: null,
  expiresAt: null,
} as const;

/** Signs in where every process that is started says this. */
async function detached(s: Stage, says: () => Promise<string>, request: LoginRequest = {}) {
  const told: { readonly task: readonly string[]; readonly keep: readonly string[] }[] = [];
  const launch: Host["launch"] = async (task, keep) => {
    told.push({ task, keep });
    return { said: says() };
  };
  const shown: unknown[] = [];
  const account = s.auth({ host: { launch } }).account("codex", "work");
  const status = await account.login({ detach: true, onPending: (...begun) => shown.push(begun), ...request });
  return { told, shown, status };
}

const never = (): Promise<string> => new Promise(() => undefined);
const line = (word: object) => async (): Promise<string> => JSON.stringify(word);

describe("a sign-in in a process of its own", { concurrency: 4 }, () => {
  it("is told names and what was asked for, and is shown as it says", async () => {
    await using s = await stage();
    const { told, shown, status } = await detached(s, line({ pending: row, joined: true }), {
      grant: "loopback",
      port: 1457,
      timeoutMs: 60_000,
    });
    const words = ["--home", s.home.paths.home, "--timeout", "60000", "--grant", "loopback", "--port", "1457"];
    assert.deepEqual(told, [{ task: ["sign-in", ...words, "--", "codex", "work"], keep: [] }]);
    assert.deepEqual(shown, [[row, { joined: true }]]);
    assert.deepEqual(s.home.pending(), [], "nothing is begun here");
    assert.equal(status.row.enabled, true);
  });

  it("gets 15 minutes, the home in full, and the variables of its client", async () => {
    await using s = await stage();
    const told: (readonly string[])[] = [];
    const launch: Host["launch"] = async (task, keep) => {
      told.push(task, keep);
      return null;
    };
    const home = relative(process.cwd(), s.home.paths.home);
    const status = await s.auth({ home, host: { launch } }).account("gemini").login({ detach: true });
    const words = ["--home", s.home.paths.home, "--timeout", "900000"];
    assert.deepEqual(told, [
      ["sign-in", ...words, "--", "gemini", "default"],
      ["LLXPRT_GEMINI_CLIENT_ID", "LLXPRT_GEMINI_CLIENT_SECRET"],
    ]);
    assert.equal(status.row.pending?.kind, "loopback", "where there is no such process, it is begun here");
  });

  for (const [what, says] of [
    ["dies without a word", async () => ""],
    ["says what nobody understands", async () => "[]"],
    ["cannot be started", () => Promise.reject(new Error("EAGAIN"))],
  ] as const)
    it(`that ${what} leaves it to this one`, async () => {
      await using s = await stage();
      const { shown, status } = await detached(s, says);
      assert.equal(shown.length, 1);
      assert.equal(s.home.pending().length, 1);
      assert.equal(status.row.state, "awaitingCode");
    });

  it("that cannot begin ends with its reason", async () => {
    await using s = await stage();
    const busy = detached(s, line({ code: "port_busy", detail: "1455, 1457", status: null, oauthError: null }));
    await assert.rejects(busy, { code: "port_busy", message: /1455, 1457/, next: /codex login --account work/ });
    const failed = detached(s, line({ code: "server_error", detail: "HTTP 503", status: 503, oauthError: null }));
    await assert.rejects(failed, { code: "server_error", status: 503, retryable: true });
    assert.equal(await codeOf(detached(s, line({ code: "of another version" }))), "internal");
    assert.deepEqual(s.home.pending(), []);
  });

  it("is not waited for any more than the caller wants", async () => {
    await using s = await stage();
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(detached(s, never, { signal }), { message: "enough" });
    const later = new AbortController();
    const waiting = detached(s, never, { signal: later.signal });
    later.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
  });
});

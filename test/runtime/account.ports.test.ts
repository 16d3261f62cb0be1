// A vendor that registered its ports leaves no choice: the first that is free on both families is taken, never half of one,
// and when there is none the person is told which. The vendor's own two numbers would meet those of other programs on this
// machine, so two others stand for them.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { afterEach, before, describe, it } from "node:test";
import { isOpen } from "../support/browser.ts";
import type { Json } from "../support/home.ts";
import { beginLogin, signIn, type Stage, stage } from "../support/stage.ts";

let first = 0;
let second = 0;
const decoys: Server[] = [];

async function release(): Promise<void> {
  await Promise.all(decoys.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
}
afterEach(release);

/** Somebody else's program, which sees whatever is sent to it. */
async function decoy(host: string, port: number): Promise<{ connections: number }> {
  const seen = { connections: 0 };
  const server = createServer((socket) => {
    seen.connections += 1;
    socket.destroy();
  });
  decoys.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  return seen;
}

const portOf = (url: string): number => Number(new URL(new URL(url).searchParams.get("redirect_uri") ?? "").port);
const strict = (): Promise<Stage> => stage({ providers: { codex: { loopback: { ports: [first, second] } } } });

/** Free on both families, and outside the range from which systems give ports to those who want any. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const isTaken = await Promise.all([decoy("127.0.0.1", port), decoy("::1", port)]).then(
      () => false,
      () => true,
    );
    await release();
    if (!isTaken) return port;
  }
}

before(async () => {
  first = await freePort();
  second = await freePort();
});

describe("registered ports", () => {
  it("are used in their order, and accepted by the vendor", async () => {
    await using s = await strict();
    let port = 0;
    const { row } = await signIn(s, s.auth(), "codex", { onPending: ({ url }) => (port = portOf(url)) });
    assert.equal(row.state, "authenticated");
    assert.equal(port, first);
    for (const host of ["127.0.0.1", "::1"]) assert.ok(!(await isOpen(first, host)));
  });

  for (const family of ["127.0.0.1", "::1"]) {
    it(`held by a stranger on ${family} are left to him, and he is sent nothing`, async () => {
      await using s = await strict();
      const stranger = await decoy(family, first);
      let port = 0;
      await signIn(s, s.auth(), "codex", { onPending: ({ url }) => (port = portOf(url)) });
      assert.equal(port, second);
      assert.equal(stranger.connections, 0);
    });
  }

  it("all taken end it before a browser opens, with their numbers", async () => {
    await using s = await strict();
    await decoy("127.0.0.1", first);
    await decoy("::1", second);
    const error = (await s
      .auth()
      .account("codex")
      .login({ grant: "loopback" })
      .catch((reason: unknown) => reason)) as Json;
    assert.deepEqual([error["code"], error["exitCode"]], ["port_busy", 6]);
    assert.match(error["message"], new RegExp(`${first}.*${second}`));
    assert.deepEqual(s.home.pending(), []);
    assert.equal(s.emulator.requests.length, 0);
  });

  it("serve two sign-ins at once, and no third", async () => {
    await using s = await strict();
    const one = await beginLogin(s.auth(), "codex", "loopback", { account: "one" });
    const two = await beginLogin(s.auth(), "codex", "loopback", { account: "two" });
    assert.deepEqual([portOf(one.pending.url), portOf(two.pending.url)], [first, second]);
    const third = s.auth().account("codex").login({ grant: "loopback" });
    await assert.rejects(third, { code: "port_busy" });
    await s.emulator.approve(two.pending.url);
    await s.emulator.approve(one.pending.url);
    await Promise.all([one.ended, two.ended]);
  });

  it("are free again within a second, however the sign-in ended", async () => {
    await using s = await strict();
    for (const end of ["denied", "cancelled", "out of time", "closed"] as const) {
      const auth = s.auth();
      const { account, pending, ended } = await beginLogin(auth, "codex", "loopback", {
        timeoutMs: end === "out of time" ? 200 : null,
      });
      assert.equal(portOf(pending.url), first, end);
      if (end === "denied") await s.emulator.deny(pending.url);
      if (end === "cancelled") await account.cancel();
      if (end === "closed") await auth.close();
      await assert.rejects(ended);
      for (const host of ["127.0.0.1", "::1"]) assert.ok(!(await isOpen(first, host)), `${end}, ${host}`);
      if (end === "closed") await s.auth().account("codex").cancel();
    }
  });

  it("of a sign-in that another process takes up are bound by it", async () => {
    await using s = await strict();
    const auth = s.auth();
    const { pending } = await beginLogin(auth, "codex", "loopback");
    await auth.close();
    const account = s.auth().account("codex");
    const waited = account.wait();
    for (let tries = 0; tries < 100 && !(await isOpen(first)); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await s.emulator.approve(pending.url);
    assert.equal((await waited).row.state, "authenticated");
  });

  it("taken meanwhile leave pasting as the way", async () => {
    await using s = await strict();
    const auth = s.auth();
    const { pending } = await beginLogin(auth, "codex", "loopback");
    await auth.close();
    await decoy("127.0.0.1", first);
    const account = s.auth().account("codex");
    const state = new URL(pending.url).searchParams.get("state") ?? "";
    const redirect = new URL(pending.url).searchParams.get("redirect_uri") ?? "";
    await assert.rejects(account.complete(`${redirect}?code=nonsense&state=${state}`), { code: "code_refused" });
  });
});

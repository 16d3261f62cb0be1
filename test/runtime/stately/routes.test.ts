// The bridge's page among the others of `inspect`: the same one browser may see it and nobody else, it is not there unless it
// is asked for, and who opens it late is told the end of the story.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { createJournal } from "../../../runtime/inspect/journal.ts";
import { openInspector } from "../../../runtime/inspect/page/inspector.ts";
import { visit } from "../../support/browser.ts";
import { Home } from "../../support/home.ts";
import { enter, standInPage } from "../../support/visitor.ts";
import { checkedMessage, wordsOf } from "./message.ts";

const name = { provider: "codex", account: "default" };
const paths = ["/stately", "/stately.js", "/stately/news"];

async function open(home: Home, stately?: object) {
  const parts = { host: { ...home.host(), randomBytes }, paths: home.paths, reserved: new Set<string>() };
  const folder = standInPage(home.userHome);
  const inspector = await openInspector({ ...parts, keys: null, profile: null, folder, stately });
  return { ...inspector, [Symbol.asyncDispose]: inspector.close };
}

/** A chart that goes on and on. */
function go(home: Home, times: number): void {
  const journal = createJournal(home.paths.journal, home.now);
  journal.note({ step: "enabled", ...name });
  const move = { machine: "account", actor: 1, value: "idle", status: "active", taken: [], timers: [] } as const;
  for (let time = 0; time < times; time += 1)
    journal.note({ step: "moved", ...name, move: { ...move, event: { type: "system.resumed" } } });
}

describe("the bridge's addresses", () => {
  it("are not there unless they are asked for", async () => {
    using home = new Home();
    await using inspector = await open(home);
    const visitor = await enter(inspector.url);
    for (const path of paths) assert.equal((await visitor.ask(path)).status, 404, path);
  });

  it("are for the browser that was let in, which comes to the page first", async () => {
    using home = new Home();
    await using inspector = await open(home, {});
    const { origin } = new URL(inspector.url);
    for (const path of paths) assert.equal((await visit(origin + path)).status, 403, path);
    const { ask, cookie } = await enter(inspector.url, "/stately");
    const { status, headers } = await ask("/stately", { "sec-fetch-site": "none" });
    assert.equal(status, 200);
    assert.match(
      String(headers["content-security-policy"]),
      /; frame-src https:\/\/stately\.ai; frame-ancestors 'none';/,
    );
    assert.deepEqual(
      [headers["x-frame-options"], headers["referrer-policy"], headers["cross-origin-opener-policy"]],
      ["DENY", "no-referrer", "same-origin"],
    );
    for (const path of ["/", "/stately.js"])
      assert.doesNotMatch(String((await ask(path)).headers["content-security-policy"]), /frame-src/, path);
    for (const path of paths)
      for (const [header, value] of [
        ["sec-fetch-site", "cross-site"],
        ["origin", "https://stately.ai"],
        ["host", "localhost"],
        ["cookie", `${cookie}x`],
      ] as const)
        assert.equal((await ask(path, { [header]: value })).status, 403, `${path} ${header}`);
    for (const path of paths) assert.equal((await ask(path, {}, "POST")).status, 405);
  });
});

describe("the bridge's news", () => {
  it("begin with the end of the journal, and go on with what comes", async () => {
    using home = new Home();
    go(home, 600);
    await using inspector = await open(home, {});
    const visitor = await enter(inspector.url, "/stately");
    using page = await visitor.news({}, "/stately/news");
    const messages = () => page.news().map((message) => wordsOf(checkedMessage(message)).split(" ").slice(1).join(" "));
    await page.heard(1 + 2 * 500);
    assert.deepEqual(messages().slice(0, 3), ["actor idle", "event system.resumed", "snapshot idle"]);
    assert.equal(messages().length, 1 + 2 * 500);
    go(home, 1);
    await page.heard(1 + 2 * 501);
    assert.deepEqual(messages().slice(-2), ["event system.resumed", "snapshot idle"]);
    assert.ok(!page.text().includes("event: news"));
  });
});

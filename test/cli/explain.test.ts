// `explain` and `replay` as a person runs them: what stands on standard output, how it ends, and what is said of a file that
// is no journal.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startEmulator } from "../../providers/emulator/index.ts";
import { House, type Json } from "./program.ts";

const journal = (name: string): string => join(import.meta.dirname, "..", "journals", `${name}.jsonl`);

describe("explain", () => {
  it("tells what happened and what to do, as text and as JSON with the lines that it is from", async () => {
    await using emulator = await startEmulator({ lenient: ["unregistered-port"] });
    const { providers } = emulator.home("");
    using house = new House(emulator, { providers: { codex: { ...providers.codex, loopback: { ports: [] } } } });
    const begun = house.start(["codex", "login", "--no-browser"]);
    const [address] = await begun.said(/^https?:\/\/\S+$/m);
    await emulator.deny(address);
    const { stderr } = await begun.ended;
    assert.match(stderr, /denied/);
    const { code, stdout } = await house.run("codex explain");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /failed at \d\d:\d\d: the sign-in to codex was denied in the browser\.\n[^\n]+\nNext: llxprt-auth codex login\n$/,
    );
    const told = await house.json("codex explain");
    assert.deepEqual(Object.keys(told), ["schema", "provider", "account", "records", "sentences", "next"]);
    assert.deepEqual(
      (told["records"] as Json[]).map(({ step }) => step as string),
      ["enabled", "signInBegun", "signInFailed"],
    );
    assert.equal([...(told["sentences"] as string[]), `Next: ${told["next"]}`, ""].join("\n"), stdout);
    assert.match(
      (await house.run("codex explain --account work")).stdout,
      /^The journal has nothing about this login\.\n/,
    );
  });
});

describe("replay", () => {
  it("shows the run and ends with 0 when nothing differs, also from standard input", async () => {
    using house = new House();
    const { code, stdout, stderr } = await house.run(["replay", journal("killed-process")]);
    assert.deepEqual([code, stderr], [0, "18 lines. The statecharts of today decide the same.\n"]);
    assert.match(stdout, /^2026-11-23\n\d\d:\d\d:\d\d\.\d{3} +\d+  codex   account: xstate\.init: deciding\n/);
    assert.match(stdout, /account: login\.requested: idle → pendingAuth\.loopback\n/);
    const timed = await house.run(["replay", journal("clock-jump")]);
    assert.match(timed.stdout, /account: token\.demanded: authenticated → refreshing\n/);
    assert.match(timed.stdout, /\[renewalAlarm in \d+ h\]\n2026-11-24\n/);
    assert.match(stdout, /· interrupted refresh_interrupted refresh_token_reused\n$/);
    const piped = await house.run("replay -", { input: readFileSync(journal("killed-process"), "utf8") });
    assert.deepEqual([piped.code, piped.stdout], [0, stdout]);
  });

  it("marks where the charts of today decide otherwise, and ends with 1", async () => {
    using house = new House();
    const text = readFileSync(journal("busy-port"), "utf8");
    const other = text.replace('"value":"idle"', '"value":"expired"').replace(/\n.*"xstate\.init","port".*\n/, "\n");
    const file = join(house.folder, "other.jsonl");
    writeFileSync(file, `${other}torn line`);
    const { code, stdout, stderr } = await house.run(["replay", file]);
    assert.equal(code, 1);
    assert.match(stdout, /≠ account: xstate\.done\.actor\.survey: deciding → expired\n    ≠ today: idle\n/);
    assert.match(
      stderr,
      /1 of them differ today\.\nNot played.*: \d\.\nLines that are no records of this version: 1\.\n/,
    );
    const { lines, differing, unread } = await house.json(`replay ${file}`);
    assert.deepEqual([differing, unread], [1, 1]);
    const differs = (lines as Json[]).find((line) => line["differs"] === true);
    assert.deepEqual([differs?.["from"], differs?.["move"].value, differs?.["today"]], ["deciding", "expired", "idle"]);
  });

  it("says of what is no journal why not, and one command", async () => {
    using house = new House();
    for (const [words, why] of [
      ["replay", /needs a journal/],
      ["replay nowhere.jsonl", /No journal can be read from nowhere\.jsonl \(ENOENT\)/],
      [`replay ${house.folder}`, /\(EISDIR\)/],
      [`replay ${join(house.home, "settings.json")}`, /no line of a journal/],
    ] as const) {
      const { code, stdout, stderr } = await house.run(words);
      assert.deepEqual([code, stdout], [2, ""], words);
      assert.match(stderr, why);
      assert.match(stderr, /\nNext: llxprt-auth --help\n$/);
    }
  });
});

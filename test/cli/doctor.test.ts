// `doctor` at the command line: what is printed where, the exit codes, and that a wrong home does not end it.
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { moveIn } from "./houses.ts";
import { play } from "./played.ts";
import { House, type Json } from "./program.ts";

let house: House;
beforeEach(() => {
  house = moveIn(new House());
});
afterEach(() => house[Symbol.dispose]());

const environment = { PATH: "/nowhere" };
const run = (line: string) => play(line.split(" "), { environment });

describe("doctor", () => {
  it("prints a line for each finding, the command that helps below it, and ends with 6 where something is wrong", async () => {
    house.plant("codex", "{");
    const { code, stdout, stderr } = await run("doctor");
    assert.equal(code, 6);
    assert.match(stdout, /^✓ This is Node /);
    assert.match(stdout, /^✗ The token file of codex cannot be read .*\n {2}Next: llxprt-auth codex reset$/m);
    assert.match(stderr, /^1 problem, \d+ notices?\. Nobody was asked\.$/m);
  });

  it("ends with 0 where nothing is, and --fix makes it so", async () => {
    house.plant("codex", { access_token: "a-token-0123456789", expiry: Math.floor(Date.now() / 1000) + 3600 });
    chmodSync(join(house.home, "oauth/codex.json"), 0o644);
    assert.equal((await run("doctor")).code, 6);
    const fixed = await run("doctor --fix");
    assert.equal(fixed.code, 0, fixed.stdout);
    assert.match(fixed.stdout, /codex\.json had mode 0644 and has 0600 now\.$/m);
    assert.match((await run("doctor")).stderr, /^Nothing is wrong/);
  });

  it("prints one JSON object, with members that programs may rely on", async () => {
    const { code, stdout } = await run("doctor --json");
    assert.equal(code, 0);
    const { schema, findings } = JSON.parse(stdout) as Json;
    assert.equal(schema, 1);
    for (const finding of findings as Json[]) {
      assert.deepEqual(Object.keys(finding), ["level", "code", "message", "about", "next"]);
      assert.match(finding["level"], /^(?:ok|notice|problem)$/);
      assert.match(finding["code"], /^[a-z_]+$/);
      assert.match(finding["message"], /^[^a-z].*[^.]$/);
    }
  });

  it("works where nothing else does", async () => {
    house.settings("{");
    chmodSync(house.home, 0o777);
    const { code, stdout, stderr } = await run("doctor");
    assert.equal(code, 6);
    assert.match(stdout, /mode 0777: others can change it/);
    assert.match(stdout, /settings\.json: the file is not JSON/);
    assert.doesNotMatch(stderr, /Error/);
    const status = await run("status");
    assert.match(status.stderr, /Error/);
  });
});

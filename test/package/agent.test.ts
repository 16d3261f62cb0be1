// A sign-in that a script or an agent drives with the built command: no terminal, no browser, JSON alone. The objects of the
// guide are compared with what is printed; `…` in them stands for a value of that kind.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../runtime/index.ts";
import { House, type Json } from "../cli/program.ts";
import { blocks, quoted, read, rowsUnder } from "../docs/pages.ts";
import { entry } from "./built.ts";

const [, section = ""] = /^## For scripts and agents\n([^]*?)^## /m.exec(read("docs/guide.md")) ?? [];
const [begun = "", signedIn = "", failed = ""] = blocks(section, "json");
const exits = new Map(
  rowsUnder(section, "`code`").flatMap((row) => quoted(row["`code`"] ?? "").map((code) => [code, Number(row["exit"])])),
);

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator();
});
after(() => emulator.close());

interface Answer {
  readonly code: number | null;
  readonly json: Json;
}

/** @param waits called when it says that it waits */
async function asked(house: House, line: string, input?: string, waits?: () => Promise<unknown>): Promise<Answer> {
  const env = { CI: "1", BROWSER: house.forbidden };
  const circumstances = input === undefined ? { program: entry, env } : { program: entry, env, input };
  const started = house.start([...line.split(" "), "--json"], circumstances);
  if (waits !== undefined) await started.said(/Waiting/).then(waits);
  const { code, stdout } = await started.ended;
  assert.match(stdout, /^\{.*\}\n$/, `one object on one line: ${line}`);
  return { code, json: JSON.parse(stdout) as Json };
}

/** The same members in the same order; `…` is any text, and a time is any time. */
function isAs(documented: string, found: Json, leaving: readonly string[] = []): void {
  const expected = JSON.parse(documented) as Json;
  assert.deepEqual(Object.keys(found), Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    if (leaving.includes(name)) continue;
    if (typeof value !== "string" || !/…|^\d{4}-.*Z$/.test(value)) assert.deepEqual(found[name], value, name);
    else assert.equal(typeof found[name], "string", name);
  }
}

function isFailure({ code, json }: Answer, name: string): void {
  assert.equal(json["error"]?.code, name);
  assert.equal(code, exits.get(name), `${name} as in the guide`);
  assert.deepEqual(Object.keys(json["error"]), Object.keys((JSON.parse(failed) as Json)["error"]));
  assert.match(json["error"].next, /^llxprt-auth /);
}

describe("a sign-in by JSON alone", { concurrency: 13 }, () => {
  for (const { name: provider, loopback } of Object.values(providers)) {
    // Ports that the vendor has fixed may be held by another test at the same time.
    const hasFixed = (loopback?.ports ?? []).length > 0;
    const login = hasFixed ? `${provider} login --device` : `${provider} login`;
    it(`of ${provider} ends with its row`, async () => {
      using house = new House(emulator);
      const { code, json: pending } = await asked(house, `${login} --detach`);
      assert.equal(code, 0);
      isAs(begun, pending, ["provider", "kind", "urlComplete", "userCode"]);
      assert.equal(typeof pending["userCode"], pending["kind"] === "device" ? "string" : "object");

      let done: Promise<Answer>;
      if (pending["kind"] === "paste") {
        isFailure(await asked(house, `${provider} complete -`, "nonsense, certainly#"), "pasted_truncated");
        const { shown } = await emulator.approve(pending["url"]);
        done = asked(house, `${provider} complete -`, `${shown}\n`);
      } else {
        done = asked(house, `${provider} wait`, undefined, () =>
          pending["kind"] === "device" ? emulator.approveDevice(pending["userCode"]) : emulator.approve(pending["url"]),
        );
      }
      const { code: exit, json: row } = await done;
      assert.equal(exit, 0);
      isAs(signedIn, row, ["provider", "identity", "verifiedAt"]);
      assert.ok(!house.has("../browser-was-opened"));
      assert.deepEqual(house.pending(), []);
      // Whoever asks for the end too late is told it all the same.
      const late = await asked(house, `${provider} wait`);
      assert.equal(late.code, 0);
      isAs(signedIn, late.json, ["provider", "identity", "verifiedAt"]);
      await asked(house, `${provider} logout`);
      isFailure(await asked(house, `${provider} wait`), "no_pending_sign_in");
    });

    it(`of ${provider} that is not agreed to ends as the guide says`, async () => {
      using house = new House(emulator);
      await asked(house, `${login} --detach`);
      isFailure(await asked(house, `${provider} wait --timeout 1`), "wait_over");
      const cancelled = asked(house, `${provider} wait`, undefined, () => asked(house, `${provider} cancel`));
      isFailure(await cancelled, "sign_in_cancelled");
      isFailure(await asked(house, `${provider} wait`), "sign_in_cancelled");
      assert.deepEqual(house.pending(), []);
    });

    it(`of ${provider} that nobody ends is over at its deadline`, async () => {
      using house = new House(emulator);
      const { json } = await asked(house, `${login} --detach --timeout 4`);
      const over = json["kind"] === "device" ? "device_code_expired" : "sign_in_timeout";
      isFailure(await asked(house, `${provider} wait`), over);
      assert.deepEqual(house.pending(), []);
    });
  }

  it("that is denied ends as the guide says", async () => {
    using house = new House(emulator);
    const { json } = await asked(house, "gemini login --detach");
    isFailure(await asked(house, "gemini wait", undefined, () => emulator.deny(json["url"])), "consent_denied");
    isFailure(await asked(house, "gemini wait"), "consent_denied");
  });
});

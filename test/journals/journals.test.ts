// Every journal that is kept here is played again and explained again, and both come to the same end. A journal of a report
// becomes a test by lying here (`told.ts` says what may lie beside it).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lineOf } from "../../runtime/inspect/record.ts";
import { recordsInText } from "../../runtime/inspect/lines.ts";
import { stories } from "./stories.ts";
import { explainedAgain, journalsThere, replayed, textOf, toldFile } from "./told.ts";

process.env["TZ"] = "UTC";

/** The cause that each story has to name, in any words that say it, and the one command. */
const causes: Readonly<Record<string, readonly [RegExp, string | null]>> = {
  "refused-refresh": [/refresh_token_reused.*no other process here.*another machine or tool/, "codex login"],
  "lost-reply": [/sent the refresh token.*reply was lost: the connection to codex broke/, "codex login"],
  "expired-device-code": [/the device code of qwen has expired/, "qwen login"],
  "denied-consent": [/denied in the browser/, "codex login"],
  "killed-process": [
    /[Pp]rocess \d+ had sent the refresh token.*it ended before the reply was on the disk/,
    "codex login",
  ],
  "full-disk": [/the disk did not take a file: it is full.*Nothing was spent/, "doctor"],
  "corrupt-file": [/process \d+ found that the token file of codex cannot be read/, "codex reset"],
  "busy-port": [/another program holds the port/, "codex login"],
  "clock-jump": [/clock of this machine was set back by about 9 h/, null],
  "revoked-elsewhere": [/invalid_grant.*ended elsewhere \(signed out, revoked/, "gemini login"],
};

for (const name of journalsThere())
  describe(`the journal ${name}`, () => {
    const records = recordsInText(textOf(name));

    it("holds lines of ours and nothing else", () => {
      assert.deepEqual(
        records.map((record) => lineOf(record, Date.parse(record.at), record.pid)),
        textOf(name).trimEnd().split("\n"),
      );
    });

    it("is played again to the same end", () => {
      const ways = replayed(records);
      assert.deepEqual(
        ways.filter(({ differs, value, record }) => differs || value !== record.move.value),
        [],
      );
      assert.equal(ways.length, records.filter(({ step }) => step === "moved").length, "all of it");
    });

    const told = toldFile(name);
    it("is explained as it was", { skip: told === null ? "nothing is said of it" : false }, () => {
      assert.ok(told !== null);
      const { sentences, next, ends } = told;
      assert.deepEqual(explainedAgain(name, told), { sentences, next, ends });
    });
  });

describe("the ten stories", () => {
  it("are all here", () => {
    assert.deepEqual(Object.keys(causes).toSorted(), Object.keys(stories).toSorted());
    assert.deepEqual(
      Object.keys(stories).filter((name) => !journalsThere().includes(name)),
      [],
    );
  });

  for (const [name, [cause, next]] of Object.entries(causes))
    it(`${name}: cause and next step are named`, () => {
      const told = toldFile(name);
      assert.ok(told !== null);
      assert.match(told.sentences.join("\n"), cause);
      assert.equal(told.next, next === null ? null : `llxprt-auth ${next}`);
    });
});

// How a sign-in ended that nobody here took part in: what the journal's lines make of it, in every order that matters.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createJournal } from "../../runtime/inspect/journal.ts";
import type { Step } from "../../runtime/inspect/record.ts";
import { endOf, newestEnd } from "../../runtime/login/ended.ts";
import { Home } from "../support/home.ts";

const long = "somebody-with-a-long-name@example.invalid";
const [one, two] = ["A".repeat(27), "B".repeat(27)];

/** @param steps `step` or `step of another account` */
function journalOf(home: Home, steps: readonly string[], account: string, signIn = one): void {
  const { note } = createJournal(home.paths.journal, home.now);
  for (const [step, other] of steps.map((text) => text.split(" of ")))
    note({ step: step as Step, provider: "codex", account: other ?? account, signIn, code: "consent_denied" });
}

describe("the end of the newest sign-in", () => {
  for (const [end, ...steps] of [
    [undefined],
    ["signedIn", "signInBegun", "signedIn"],
    ["signInFailed", "signInBegun", "signInFailed"],
    ["signInCancelled", "signInBegun", "signInJoined", "signInCancelled"],
    ["signedIn", "signInFailed", "signInBegun", "signedIn", "refused"],
    [undefined, "signedIn", "signInBegun"],
    [undefined, "signedIn", "loggedOut"],
    [undefined, "signInFailed", "imported"],
    [undefined, "signInFailed", "takenOver"],
    [undefined, "signInFailed", "reset"],
    [undefined, "signInBegun", "signedIn of other"],
    ["signedIn", "signedIn", "signInBegun of other"],
  ] as const) {
    it(`of ${steps.join(", ") || "nothing"} is ${end ?? "not known"}`, () => {
      for (const account of ["default", long]) {
        using home = new Home();
        journalOf(home, steps, account);
        assert.equal(newestEnd(home.paths, { provider: "codex", account })?.step, end);
        assert.equal(newestEnd(home.paths, { provider: "qwen", account }), null);
      }
    });
  }

  it("tells why, and one sign-in's end apart from another's", () => {
    using home = new Home();
    journalOf(home, ["signInBegun", "signInFailed"], "default", one);
    journalOf(home, ["signInBegun", "signedIn"], "default", two);
    assert.equal(endOf(home.paths, one)?.code, "consent_denied");
    assert.equal(endOf(home.paths, two)?.step, "signedIn");
    assert.equal(endOf(home.paths, "C".repeat(27)), null);
    assert.equal(newestEnd(home.paths, { provider: "codex", account: "default" })?.signIn, two);
  });
});

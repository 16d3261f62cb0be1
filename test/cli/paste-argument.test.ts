// Codes are base64url: one in sixty-four begins with a hyphen, and must not be taken for an option, nor repeated as one.
import assert from "node:assert/strict";
import { it } from "node:test";
import { parseLine } from "../../cli/arguments.ts";

const wordsOf = async (...argv: string[]): Promise<readonly string[] | string> => {
  const line = await parseLine(argv);
  return typeof line === "string" ? line : line.words;
};

it("what is pasted may begin with a hyphen, wherever it stands", async () => {
  for (const code of ["-made-up#state", "--made-up#state", "-made=up#state", "-h1#state"]) {
    assert.deepEqual(await wordsOf("anthropic", "complete", code), ["anthropic", "complete", code]);
    assert.deepEqual(await wordsOf("anthropic", "complete", code, "--json"), ["anthropic", "complete", code]);
    assert.deepEqual(await wordsOf("anthropic", "complete", "--account", "me", code), ["anthropic", "complete", code]);
  }
});

it("options stay options, and a lone hyphen is standard input", async () => {
  assert.deepEqual(await wordsOf("anthropic", "complete", "-"), ["anthropic", "complete", "-"]);
  const line = await parseLine(["anthropic", "complete", "--json", "made-up#state"]);
  assert.ok(typeof line !== "string" && line.flags.json === true);
});

it("elsewhere an unknown option is a mistake", async () => {
  assert.match(String(await wordsOf("anthropic", "login", "--made-up")), /no option --made-up/);
});

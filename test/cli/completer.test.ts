// What Tab offers in the shell.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { completed } from "../../cli/completer.ts";
import { vocabulary } from "../../cli/completion/vocabulary.ts";

const known = {
  vocabulary: await vocabulary(),
  providers: ["gemini", "anthropic", "codex", "qwen", "acme"],
  actions: { auth: [], provider: ["codex", "acme"], set: ["model"], quit: [] },
};

const offered = (line: string): string => completed(line, known)[0].join("").trim();

describe("Tab in the shell offers", () => {
  for (const [line, words] of [
    ["", "/auth /provider /set /quit"],
    ["/pr", "/provider"],
    ["/provider ", "codex acme"],
    ["/set m", "model"],
    ["/set model ", ""],
    ["/auth ac", "acme"],
    ["/auth acme logi", "login"],
    ["/AUTH CODEX logi", "login"],
    ["/auth status a", "anthropic acme"],
    ["/auth codex login --grant p", "paste"],
    ["/auth codex login --grant paste --dev", "--device"],
    ["/auth --account x codex ex", "explain"],
    ["/auth machine qwen re", "refresh"],
    ["/auth profile de", "delete"],
    ["/auth exec codex -- he", ""],
    ["/auth nobody ", ""],
    ["/auth provider ", ""],
    ["what is", ""],
    ["/frob ", ""],
  ] as const)
    it(`${JSON.stringify(line)}: ${words === "" ? "nothing" : words}`, () => {
      assert.equal(offered(line), words);
    });
});

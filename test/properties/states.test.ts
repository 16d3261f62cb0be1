// The table of states is the charts': whoever changes a chart writes it again, by `npm run states`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { statesPage } from "./states.ts";

it("docs/states.md tells what the charts do", () => {
  const written = readFileSync(new URL("../../docs/states.md", import.meta.url), "utf8");
  assert.equal(written, statesPage(), "npm run states");
});

// Signing in with a pasted code: the suite of every redirect, and that no listener is opened.
import assert from "node:assert/strict";
import { it } from "node:test";
import { pasteLogin } from "../../../machines/login/paste.ts";
import { codeLoginSuite } from "./redirect.ts";
import { waiting } from "./walk.ts";

codeLoginSuite(pasteLogin, "paste");

it("paste: opens no listener", () => {
  assert.deepEqual(
    waiting(pasteLogin).effects.filter((effect) => effect.includes("listener")),
    [],
  );
});

// A page that the server named is opened only on a host that the provider's data names (threat T30).
import assert from "node:assert/strict";
import { test } from "node:test";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { isKnownPage } from "../../runtime/index.ts";
import type { PendingRow } from "../../runtime/status.ts";

const row = (kind: PendingRow["kind"], url: string): PendingRow => ({
  schema: 1,
  provider: "qwen",
  account: "default",
  attempt: "made up",
  kind,
  url,
  urlComplete: null,
  userCode: null,
  expiresAt: null,
});

test("hosts that are named, exactly or by suffix", () => {
  assert.ok(isKnownPage(providers.qwen, row("device", "https://chat.qwen.ai/authorize")));
  assert.ok(isKnownPage(providers.qwen, row("device", "https://login.qwen.ai/authorize")));
});

test("hosts that are not, however alike they look", () => {
  for (const host of ["evil.example", "chat.qwen.ai.evil.example", "xqwen.ai", "127.0.0.1"]) {
    assert.equal(isKnownPage(providers.qwen, row("device", `https://${host}/authorize`)), false, host);
  }
});

test("a provider that names none leaves it to https", () => {
  const device = { ...providers.qwen.device, verificationHosts: [] };
  const open: Provider = { ...providers.qwen, device };
  assert.ok(isKnownPage(open, row("device", "https://anywhere.example/")));
});

test("an address that we made ourselves", () => {
  assert.ok(isKnownPage(providers.codex, row("loopback", "https://somewhere.example/authorize")));
});

// A home folder with one plainly fake, fresh credential.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function homeWithToken(): string {
  const home = mkdtempSync(join(tmpdir(), "bench-home-"));
  mkdirSync(join(home, "oauth"), { mode: 0o700 });
  const file = {
    access_token: "plainly-fake",
    refresh_token: "plainly-fake",
    expiry: Math.floor(Date.now() / 1000) + 86_400,
    token_type: "Bearer",
  };
  writeFileSync(join(home, "oauth", "codex.json"), JSON.stringify(file), { mode: 0o600 });
  return home;
}

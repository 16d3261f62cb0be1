// `node --conditions=development test/fuzz/record.ts`: signs in everywhere against the emulator, renews, is refused, and logs
// out, and keeps what the servers said and what lay on the disk as `seeds.json`. Every secret in it becomes the mark.
import { subscribe } from "node:diagnostics_channel";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { metadataRequests } from "../../runtime/wire/request.ts";
import { createSender } from "../../runtime/wire/send.ts";
import { startIssuer } from "../support/issuer.ts";
import { plantPermit, reply } from "../support/spending.ts";
import { beginLogin, codeOf, signIn, stage } from "../support/stage.ts";
import { secretOf } from "./marks.ts";

interface Exchange {
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

const seen: Exchange[] = [];
const bodies = new WeakMap<object, { status: number; chunks: Buffer[] }>();
subscribe("undici:request:headers", (message) => {
  const { request, response } = message as { request: object; response: { statusCode: number } };
  bodies.set(request, { status: response.statusCode, chunks: [] });
});
subscribe("undici:request:bodyChunkReceived", (message) => {
  const { request, chunk } = message as { request: object; chunk: Buffer };
  bodies.get(request)?.chunks.push(chunk);
});
subscribe("undici:request:trailers", (message) => {
  const { request } = message as { request: { path: string } };
  const { status = 0, chunks = [] } = bodies.get(request) ?? {};
  seen.push({ path: request.path.replace(/\?.*/, ""), status, body: Buffer.concat(chunks).toString() });
});

await using s = await stage();
const auth = s.auth();
for (const provider of ["gemini", "anthropic", "codex", "qwen"] as const) {
  await signIn(s, auth, provider);
  await auth.account(provider).refresh({ force: true });
}
await signIn(s, auth, "codex", { grant: "device", account: "work" });
await signIn(s, auth, "anthropic", { grant: "paste", account: "work" });
const tokenFiles = ["gemini", "anthropic", "codex", "qwen"].map((provider) =>
  readFileSync(s.home.file(provider), "utf8"),
);
const sealed = await reply(s, "codex");
const permit = readFileSync(plantPermit(s.home, "gemini"), "utf8");
for (const [provider, grant] of [
  ["gemini", "loopback"],
  ["anthropic", "paste"],
  ["qwen", "device"],
] as const)
  await beginLogin(auth, provider, grant, { account: "other" });
const pending = s.home.pending().map((path) => readFileSync(path, "utf8"));
const pendingSecrets = pending.flatMap((text) => {
  const { state, verifier, nonce, deviceCode } = JSON.parse(text) as Record<string, unknown>;
  return [state, verifier, nonce, deviceCode].filter((one) => typeof one === "string");
});
s.emulator.revokeAll("anthropic");
await codeOf(auth.account("anthropic").refresh({ force: true }));
await codeOf(auth.account("qwen").logout());
await codeOf(auth.account("codex", "work").logout());
const journal = readFileSync(s.home.paths.journal, "utf8");
const settings = readFileSync(s.home.paths.settings, "utf8");
const client = JSON.stringify(s.emulator.geminiClient);

await using issuer = await startIssuer();
const sender = createSender();
for (const request of metadataRequests(issuer.url)) await sender.exchange(request);
await sender.close();

const secrets = [...s.emulator.secrets(), ...pendingSecrets]
  .filter((one) => one.length >= 12)
  .toSorted((a, b) => b.length - a.length);

/** Secrets gone, and addresses that are the same every time. */
function plain(text: string): string {
  const marked = secrets.reduce((before, secret) => before.replaceAll(secret, secretOf("recorded-000")), text);
  return [
    [s.emulator.url, "http://127.0.0.1:1"],
    [new URL(s.emulator.url).host, "127.0.0.1:1"],
    [issuer.url, "http://127.0.0.1:2"],
    [s.home.userHome, "/home/me"],
    [s.emulator.geminiClient.installed.client_id, "recorded-client"],
  ].reduce((before, [found = "", instead = ""]) => before.replaceAll(found, instead), marked);
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts.map(plain))];
const replies = seen.filter(({ body }) => body.startsWith("{") || body === "");
writeFileSync(
  fileURLToPath(new URL("seeds.json", import.meta.url)),
  `${JSON.stringify(
    {
      replies: unique(replies.map(({ body }) => body)),
      tokenFiles: unique(tokenFiles),
      pending: unique(pending),
      permits: unique([permit]),
      sealed: unique([sealed.body]),
      journals: unique([journal]),
      settings: unique([settings]),
      clients: unique([client]),
    },
    null,
    1,
  )}\n`,
);
process.stdout.write(`${seen.map(({ path, status }) => `${status} ${path}`).join("\n")}\n`);

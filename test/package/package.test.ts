// What is shipped: the files, the command's start, the library alone.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import manifest from "../../package.json" with { type: "json" };
import { completionScripts, shells } from "../../cli/completion/scripts.ts";
import { entry, ran } from "./built.ts";

function homeWith(token: object | null): string {
  const home = mkdtempSync(join(tmpdir(), "llxprt-auth-package-"));
  mkdirSync(join(home, "oauth"), { mode: 0o700 });
  if (token !== null) writeFileSync(join(home, "oauth", "codex.json"), JSON.stringify(token), { mode: 0o600 });
  return home;
}

const lasting = { access_token: "plainly-fake", expiry: Math.floor(Date.now() / 1000) + 3600, token_type: "Bearer" };

test("the archive holds the build and the papers, and nothing of the workshop", () => {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
  const [archive] = JSON.parse(output) as { files: { path: string }[] }[];
  const paths = archive?.files.map(({ path }) => path) ?? [];
  for (const needed of [
    "dist/llxprt-auth.cjs",
    "dist/cli/main.mjs",
    "dist/index.mjs",
    "dist/types/runtime/index.d.ts",
    "LICENSE",
    "README.md",
  ]) {
    assert.ok(paths.includes(needed), `${needed} is missing`);
  }
  const allowed = /^(dist\/|LICENSE$|README\.md$|package\.json$)/;
  assert.deepEqual(
    paths.filter((path) => !allowed.test(path)),
    [],
  );
});

test("nothing runs at installation", () => {
  const scripts = Object.keys(manifest.scripts);
  assert.deepEqual(
    scripts.filter((name) => /^(pre|post)?install$|^prepare$/.test(name)),
    [],
  );
});

test("the hosted inspector's package comes without its sockets and its rooms, and in a part of its own", () => {
  const files = globSync("dist/**/*.{mjs,cjs}").map((path) => [path, readFileSync(path, "utf8")] as const);
  const holding = (words: RegExp) => files.filter(([, text]) => words.test(text)).map(([path]) => path);
  // What each of them has in its text, in any build.
  assert.deepEqual(
    holding(/partykit|PartySocket|WebSocketServer|ws:\/\/localhost|registry\/api\/sky|statelyai\.disconnected/),
    [],
  );
  const bridges = holding(/stately\.ai\/inspect/);
  assert.ok(bridges.length > 0);
  for (const path of bridges) assert.match(path, /\/bridge-[^/]+\.mjs$/);
  const loading = holding(/\b(?:from|import)\s*["'][^"']*\/bridge-/);
  assert.deepEqual(loading, [], "only when it is asked for");
  const licences = readFileSync("dist/THIRD-PARTY-LICENCES.txt", "utf8");
  assert.match(licences, /^@statelyai\/inspect 0\.7\.2 \(MIT\)\n\n[^]*?Copyright/m);
});

test("a fresh token is printed without the whole program", async () => {
  const home = homeWith(lasting);
  const { code, stdout, stderr } = await ran(home, ["codex", "token"], { NODE_OPTIONS: `--import=${spy()}` });
  assert.deepEqual([code, stdout, stderr], [0, "plainly-fake\n", ""]);
  rmSync(home, { recursive: true, force: true });
});

test("status without settings of one's own is told without the whole program", async () => {
  const home = homeWith(lasting);
  const { code, stdout, stderr } = await ran(home, ["status"], { NODE_OPTIONS: `--import=${spy()}` });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /codex +authenticated/);
  rmSync(home, { recursive: true, force: true });
});

test("a completion script is printed without the whole program, as the tables of today have it", async () => {
  const home = homeWith(lasting);
  const scripts = await completionScripts();
  for (const shell of shells) {
    const { code, stdout, stderr } = await ran(home, ["completion", shell], { NODE_OPTIONS: `--import=${spy()}` });
    assert.deepEqual([code, stdout, stderr], [0, scripts[shell], ""]);
  }
  rmSync(home, { recursive: true, force: true });
});

test("the short way and the long way say the same", async () => {
  const home = homeWith(lasting);
  for (const args of [["codex", "token"], ["status"], ["status", "--json"], ["--version"], ["completion", "bash"]]) {
    // An option that the short way does not know sends the same question the long way.
    const [short, long] = await Promise.all([ran(home, args), ran(home, [...args, "--non-interactive"])]);
    assert.deepEqual(short, long, args.join(" "));
  }
  rmSync(home, { recursive: true, force: true });
});

test("what is out of the ordinary takes the long way", async () => {
  const home = homeWith({ ...lasting, expiry: 1 });
  const { code, stdout } = await ran(home, ["codex", "token"]);
  assert.deepEqual([code, stdout], [3, ""]);
  rmSync(home, { recursive: true, force: true });
});

test("a Node that is too old is told so in one line", () => {
  const script = `Object.defineProperty(process.versions, "node", { value: "20.1.0" }); require(${JSON.stringify(entry)})`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
  assert.deepEqual([status, stdout, stderr], [1, "", "llxprt-auth needs Node 22.19 or newer; this is 20.1.0\n"]);
});

test("the library alone loads neither the command line nor a network stack", () => {
  const library = resolve("dist/index.mjs");
  const script = `const before = new Set(process.moduleLoadList);
    const { createAuth, providerMachines } = await import(${JSON.stringify(library)});
    const heavy = process.moduleLoadList.filter((name) => !before.has(name) && /undici|node:http|tls/.test(name));
    console.log(typeof createAuth, Object.keys(providerMachines).join(), heavy.length);`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(stdout.trim(), "function gemini,anthropic,codex,qwen 0");
});

/** A module that complains on standard error when the whole program is loaded. */
function spy(): string {
  const path = join(mkdtempSync(join(tmpdir(), "llxprt-auth-spy-")), "spy.mjs");
  writeFileSync(
    path,
    `import { registerHooks } from "node:module";
     registerHooks({ load: (url, context, next) => { if (url.endsWith("main.mjs")) process.stderr.write("loaded"); return next(url, context); } });`,
  );
  return path;
}

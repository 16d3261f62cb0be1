// The package as those who use it get it: unpacked in a folder of its own, with nothing beside it but what it says it needs.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { publint } from "publint";
import manifest from "../../package.json" with { type: "json" };

const folder = mkdtempSync(join(tmpdir(), "llxprt-auth-consumer-"));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const packing = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
const archive = join(folder, execFileSync("npm", packing, { encoding: "utf8" }).trim());
const home = join(folder, "node_modules", manifest.name);
mkdirSync(home, { recursive: true });
execFileSync("tar", ["-xzf", archive, "-C", home, "--strip-components=1"]);
// Node's types are what every program in TypeScript brings along.
for (const name of [...Object.keys(manifest.dependencies), "@types/node"]) link(name);

/** Puts a package beside ours, as npm would. */
function link(name: string): void {
  const path = join(folder, "node_modules", name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(resolve("node_modules", name), path);
}

const program = `import { AuthError, authErrorIn, createAuth, type Status } from "llxprt-auth";
const auth = createAuth({ home: process.argv[2] });
const status: Status = auth.account("codex").status();
const { secret, expiresAt } = await auth.account("codex").token();
const length: number = secret.reveal().length;
const left: number | null = expiresAt;
try {
  auth.account("nobody");
} catch (error) {
  const found: AuthError | null = authErrorIn(new Error("of a library", { cause: error }));
  if (error instanceof AuthError) console.log(error.code, found === error, status.row.usable, length, left === null);
}
await auth.close();
`;

test("publint has nothing to say", async () => {
  const { messages } = await publint({ pkgDir: home, strict: true });
  assert.deepEqual(messages, []);
});

test("its types are found and true wherever ES modules are", () => {
  const output = execFileSync(process.execPath, ["test/package/types.ts", archive], { encoding: "utf8" });
  const problems = JSON.parse(output) as readonly { readonly kind: string; readonly resolutionKind?: string }[] | null;
  // It is an ES module, for resolvers that know `exports`. The others say so by an error of their own.
  const found = problems?.filter((one) => one.kind !== "CJSResolvesToESM" && one.resolutionKind !== "node10");
  assert.deepEqual(found, []);
});

for (const options of [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "node20" },
  { module: "esnext", moduleResolution: "bundler" },
  // Under this option XState's own declarations have errors; ours are looked at where the program uses them.
  { module: "preserve", exactOptionalPropertyTypes: true, verbatimModuleSyntax: true, skipLibCheck: true },
  { module: "nodenext", lib: ["es2022"], erasableSyntaxOnly: true, isolatedModules: true },
])
  test(`a program in TypeScript takes it, with ${JSON.stringify(options)}`, () => {
    const place = mkdtempSync(join(folder, "program-"));
    writeFileSync(join(place, "package.json"), '{ "type": "module" }');
    writeFileSync(join(place, "program.ts"), program);
    const usual = { target: "es2022", strict: true, noEmit: true, skipLibCheck: false, types: ["node"] };
    const config = { compilerOptions: { ...usual, ...options }, files: ["program.ts"] };
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify(config));
    const compiler = resolve("node_modules", "typescript", "bin", "tsc");
    const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", place], { encoding: "utf8", cwd: place });
    assert.deepEqual([stdout, status], ["", 0]);
  });

test("a program runs with it, and the command starts, with no other package in reach", () => {
  const place = mkdtempSync(join(folder, "program-"));
  mkdirSync(join(place, "home", "oauth"), { recursive: true, mode: 0o700 });
  const tokens = { access_token: "plainly-fake", expiry: Math.floor(Date.now() / 1000) + 3600, token_type: "Bearer" };
  writeFileSync(join(place, "home", "oauth", "codex.json"), JSON.stringify(tokens), { mode: 0o600 });
  const plain = program
    .replace(", type Status", "")
    .replaceAll(/: (?:Status|AuthError \| null|number \| null|number)\b/g, "");
  writeFileSync(join(place, "program.mjs"), plain);
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, args, {
      encoding: "utf8",
      cwd: place,
      env: { HOME: place, PATH: process.env["PATH"] },
    });
  const ours = run("program.mjs", join(place, "home"));
  assert.deepEqual([ours.stderr, ours.stdout], ["", "unknown_provider true yes 12 false\n"]);
  const command = run(join(home, "dist", "llxprt-auth.cjs"), "status", "--json", "--home", join(place, "home"));
  assert.equal(command.status, 0, command.stderr);
  const { providers } = JSON.parse(command.stdout) as { readonly providers: readonly { readonly provider: string }[] };
  assert.deepEqual(
    providers.map(({ provider }) => provider),
    ["gemini", "anthropic", "codex", "qwen"],
  );
});

test("what is imported from other packages is what is declared", () => {
  const word = /(?:\bfrom|\bimport|\brequire\(|\bmeta\.resolve\()\s*\(?["'`]((?:@[^/"'`]+\/)?[a-z][^/"'`:\s]*)["'`/]/g;
  const imported = readdirSync(join(home, "dist"), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.[cm]js$/.test(file))
    .flatMap((file) =>
      Array.from(readFileSync(join(home, "dist", file), "utf8").matchAll(word), ([, name = ""]) => name),
    );
  const others = new Set(imported.filter((name) => !isBuiltin(name)));
  assert.deepEqual([...others].toSorted(), Object.keys(manifest.dependencies).toSorted());
});

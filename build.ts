// Builds dist/: the command (bundled, so that it starts fast), the library (its dependencies left outside), the types, and
// the licences of what is bundled.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type InputOptions, type OutputOptions, rolldown } from "rolldown";
import { completionScripts } from "./cli/completion/scripts.ts";
import manifest from "./package.json" with { type: "json" };

/** Folders in node_modules of what went into a bundle. */
const bundled = new Set<string>();

/**
 * Of the hosted inspector's package only what makes its messages is wanted. It imports sockets and a client of shared rooms
 * as well, which do nothing until they are used: with nothing of them used, nothing of them is bundled.
 */
const unusedSockets = /\/node_modules\/(?:ws|isomorphic-ws|partysocket|superjson|fast-safe-stringify)\//;

async function bundle(input: InputOptions, output: OutputOptions): Promise<void> {
  const treeshake = { moduleSideEffects: [{ test: unusedSockets, sideEffects: false }] };
  const build = await rolldown({ platform: "node", logLevel: "warn", treeshake, ...input });
  const { output: files } = await build.write(output);
  await build.close();
  for (const file of files) {
    if (file.type !== "chunk") continue;
    for (const id of file.moduleIds) {
      const [folder] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? [];
      if (folder !== undefined) bundled.add(folder);
    }
  }
}

function licences(): string {
  const texts = [...bundled].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
      string,
      string
    >;
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return `The bundled command contains these packages.\n\n${texts.join("\n----\n\n")}`;
}

rmSync("dist", { recursive: true, force: true });

// The command: everything inside but what is large and seldom needed.
await bundle(
  { input: { main: "cli/main.ts" }, external: ["ky", "undici", "open"] },
  { dir: "dist/cli", format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs", minify: true },
);
const scripts = `export const made = ${JSON.stringify(await completionScripts())};`;
// A CommonJS entry: an ES module costs a sixth more to start.
await bundle(
  {
    input: "cli/entry.ts",
    external: [/main\.ts$/],
    plugins: [
      { name: "completion", load: (id) => (id.endsWith(join("cli", "completion", "made.ts")) ? scripts : null) },
    ],
  },
  {
    dir: "dist",
    entryFileNames: "llxprt-auth.cjs",
    chunkFileNames: "fast/[name].cjs",
    format: "cjs",
    banner: "#!/usr/bin/env node",
    paths: (id) => (id.endsWith("main.ts") ? "./cli/main.mjs" : id),
    minify: true,
  },
);
chmodSync("dist/llxprt-auth.cjs", 0o755);
// What runs in processes of its own: the command and the library both start it.
await bundle(
  { input: { background: "runtime/background.ts" }, external: ["ky", "undici", "open"] },
  {
    dir: "dist",
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "background/[name]-[hash].mjs",
    minify: true,
  },
);
// The library: a program that uses it shares its own xstate with it.
await bundle(
  { input: "runtime/index.ts", external: Object.keys(manifest.dependencies) },
  { dir: "dist", format: "esm", entryFileNames: "index.mjs", chunkFileNames: "lib/[name]-[hash].mjs" },
);
// The page of `inspect`: one script for a browser, which has no digests of Node's, and the files that go with it.
await bundle(
  {
    input: { view: "runtime/inspect/page/view/view.ts" },
    platform: "browser",
    external: ["node:path"],
    resolve: { alias: { "node:crypto": resolve("runtime/inspect/page/view/no-digest.ts") } },
    treeshake: { moduleSideEffects: false },
  },
  { dir: "dist/page", format: "esm", entryFileNames: "[name].js", minify: true },
);
for (const file of ["index.html", "look.css"])
  copyFileSync(join("runtime/inspect/page/view", file), join("dist/page", file));
writeFileSync("dist/THIRD-PARTY-LICENCES.txt", licences());
const types = join("node_modules", "typescript", "bin", "tsc");
execFileSync(process.execPath, [types, "-p", "tsconfig.build.json"], { stdio: "inherit" });

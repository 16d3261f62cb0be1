// Builds dist/: the command (bundled, so that it starts fast), the library (its dependencies left outside), and types.
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { rolldown, type InputOptions, type OutputOptions } from "rolldown";
import manifest from "./package.json" with { type: "json" };

const outside = Object.keys(manifest.dependencies);

async function bundle(input: InputOptions, output: OutputOptions): Promise<void> {
  const build = await rolldown({ platform: "node", treeshake: true, logLevel: "warn", ...input });
  await build.write({ minify: "dce-only", ...output });
  await build.close();
}

rmSync("dist", { recursive: true, force: true });

// The command: everything inside but what is large and seldom needed.
const seldom = ["ky", "undici", "open"];
await bundle(
  { input: { main: "cli/main.ts" }, external: seldom },
  { dir: "dist/cli", format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
);
// A CommonJS entry: an ES module costs a sixth more to start.
await bundle(
  { input: "cli/entry.ts", external: ["./main.ts"] },
  {
    file: "dist/llxprt-auth.cjs",
    format: "cjs",
    banner: "#!/usr/bin/env node",
    paths: { "./main.ts": "./cli/main.mjs" },
  },
);
chmodSync("dist/llxprt-auth.cjs", 0o755);
// The library: a program that uses it shares its own xstate with it.
await bundle(
  { input: "runtime/index.ts", external: outside },
  { file: "dist/index.mjs", format: "esm", codeSplitting: false },
);
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });

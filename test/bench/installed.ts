// What a person gets who installs the packed archive: packages and bytes on disk.
import { spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Figure } from "./figures.ts";

// As the run was started: npm may need certificates that are not measured with (bench.ts takes them out).
const asStarted = { ...process.env };

const mostPackages = 50;
const mostMegabytes = 16;

export async function installed(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-install-"));
  const archive = npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], resolve(".")).trim();
  writeFileSync(join(folder, "package.json"), "{}");
  npm(["install", "--silent", "--no-save", join(folder, archive)], folder);
  const modules = join(folder, "node_modules");
  const packages = packagesIn(modules);
  const megabytes = bytesIn(modules) / 1024 / 1024;
  return [
    {
      what: "installed packages, this one included",
      goal: `at most ${mostPackages}`,
      measured: String(packages),
      isMet: packages <= mostPackages,
    },
    {
      what: "installed size in MB",
      goal: `at most ${mostMegabytes}`,
      measured: megabytes.toFixed(1),
      isMet: megabytes <= mostMegabytes,
    },
  ];
}

function npm(args: readonly string[], cwd: string): string {
  const { stdout, stderr, status } = spawnSync("npm", args, { cwd, encoding: "utf8", env: asStarted });
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${stderr}`);
  return stdout;
}

function packagesIn(modules: string): number {
  let count = 0;
  for (const name of readdirSync(modules)) {
    if (name.startsWith(".")) continue;
    count += name.startsWith("@") ? readdirSync(join(modules, name)).length : 1;
  }
  return count;
}

function bytesIn(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), stat.size);
}

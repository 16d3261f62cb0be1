// This machine and this process: the version of Node, the clock, room on the disk, the browser, what surrounds the terminal,
// and variables that change what happens without anybody noticing.
import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import type { Host } from "../host.ts";
import { wordsOf } from "../login/browser.ts";
import type { Paths } from "../store/names.ts";
import { errnoOf } from "../store/trust.ts";
import { isOn, surroundingsHere } from "../surroundings.ts";
import { type Finding, fine, notice, problem } from "./finding.ts";

type Environment = Host["environment"];

export function node(version = process.versions.node): Finding[] {
  const needed = manifest.engines.node.replace(/^>=/, "");
  const [has, needs] = [version, needed].map((text) => text.split(".").map(Number));
  const [major = 0, minor = 0] = has ?? [];
  const [least = 0, leastMinor = 0] = needs ?? [];
  const isOld = major < least || (major === least && minor < leastMinor);
  return isOld
    ? [problem("node_old", null, `This is Node ${version}, and ${needed} or newer is needed`)]
    : [fine("node_fine", null, `This is Node ${version}`)];
}

// No file of ours is older than the program.
const firstReleaseAt = Date.UTC(2026, 0, 1);

/** Files say when they were written: none of them was written later than now. */
export function clock(paths: Paths, now: number): Finding[] {
  if (now < firstReleaseAt)
    return [
      problem(
        "clock_wrong",
        null,
        `The clock says ${new Date(now).toISOString()}, which is before this program was made`,
      ),
    ];
  const newest = Math.max(0, ...[paths.oauth, paths.home].flatMap(timesIn));
  return newest > now + slackMs
    ? [
        problem(
          "clock_behind",
          null,
          `Files were written after ${new Date(now).toISOString()}, which the clock says: it may have been set back`,
        ),
      ]
    : [fine("clock_plausible", null, `The clock says ${new Date(now).toISOString()}, and no file is newer`)];
}

/** Clocks of machines that share a disk differ by that much without harm. */
export const slackMs = 2 * 60_000;

function timesIn(folder: string): number[] {
  try {
    return readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs);
  } catch {
    return [];
  }
}

const mebibyte = 1024 * 1024;

/** Whether a token file would find room. */
export function room({ home }: Paths): Finding[] {
  let folder = home;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize, ffree, files } = statfsSync(folder);
    const free = bavail * bsize;
    if (free < mebibyte || (files > 0 && ffree === 0))
      return [problem("disk_full", folder, `The disk of ${folder} is full: no token could be stored`)];
    const says = `There is room on the disk of ${folder} (${Math.floor(free / mebibyte)} MiB)`;
    return [free < 50 * mebibyte ? notice("disk_low", folder, says) : fine("disk_fine", folder, says)];
  } catch (error) {
    return [
      problem("disk_unwritable", folder, `${folder} cannot be written (${errnoOf(error)}): no token could be stored`),
    ];
  }
}

export function browser(environment: Environment): Finding[] {
  const command = environment["BROWSER"] ?? "";
  const found = surroundingsHere(environment).map(({ name, title, says, forward }) => {
    const more = forward === null ? says : "A sign-in tells the command that brings its port to your own machine.";
    const message = `This is ${title}. ${more ?? ""}`.replace(/[. ]+$/, "");
    return (more === null ? fine : notice)(`in_${name.replaceAll("-", "_")}`, null, message);
  });
  if (isOn(environment["NO_BROWSER"]))
    return [fine("browser_none", "NO_BROWSER", "No browser is opened: addresses are printed"), ...found];
  const [program] = wordsOf(command);
  if (program === undefined) return [fine("browser_usual", null, "The system's own browser opens pages"), ...found];
  return [
    isProgram(program, environment["PATH"] ?? "")
      ? fine("browser_named", "BROWSER", `Pages are opened by ${program} (BROWSER)`)
      : problem("browser_missing", "BROWSER", `BROWSER names ${program}, which is no program that can be run`),
    ...found,
  ];
}

function isProgram(name: string, path: string): boolean {
  const places = name.includes("/") ? [name] : path.split(delimiter).map((folder) => join(folder, name));
  const endings = process.platform === "win32" ? ["", ".exe", ".cmd", ".bat"] : [""];
  return places.some((place) => endings.some((ending) => isExecutable(place + ending)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function traps(environment: Environment): Finding[] {
  const findings: Finding[] = [];
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] === "0")
    findings.push(
      problem(
        "tls_unchecked",
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "NODE_TLS_REJECT_UNAUTHORIZED=0 is not obeyed: requests fail until it is unset",
      ),
    );
  // Values may be paths of a person's, or anything.
  const options = wordsOf(environment["NODE_OPTIONS"] ?? "").flatMap((word) => /^--?[\w-]+/.exec(word) ?? []);
  const loading = options.filter((option) => /^(?:-r|--require|--import|--loader|--experimental-loader)$/.test(option));
  if (loading.length > 0)
    findings.push(
      notice(
        "node_loads",
        "NODE_OPTIONS",
        `NODE_OPTIONS loads other code into this program (${loading.join(", ")}), which sees your tokens`,
      ),
    );
  else if (options.length > 0)
    findings.push(notice("node_options", "NODE_OPTIONS", `NODE_OPTIONS changes how Node runs (${options.join(", ")})`));
  return findings;
}

// What `--help` prints: all forms on one screen, or one command with its options. Loads nothing of the runtime.
import { commands, type Command, type Listed, menu, verbs } from "./commands/index.ts";
import { globalOptions, options } from "./options.ts";

export function overview(): string {
  const listed = Object.entries(verbs).flatMap(([name, one]) => (name === "status" ? [] : [one]));
  return [
    "llxprt-auth signs in to AI providers and hands out tokens that are always fresh.",
    "",
    "llxprt-auth …",
    ...[menu, ...Object.values(commands).slice(0, 1), ...listed, ...Object.values(commands).slice(1)].map(lineOf),
    "",
    "<p> is a provider: `llxprt-auth status` lists them. A leading `auth` is ignored.",
    "",
    "Everywhere:",
    ...Object.entries(globalOptions).map(([name, option]) => `  --${nameOf(name).padEnd(22)} ${option.describe}`),
    "",
    "`llxprt-auth <p> login --help` and the like print a command's own options.",
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 sign-in needed, 4 refused,",
    "5 try again later, 6 misconfigured, 130 interrupted.",
    "",
  ].join("\n");
}

export function helpFor({ form, says }: Listed, { accepts = [], choices: narrowed = {} }: Command): string {
  const own = accepts.map((name) => {
    const option: { readonly describe: string; readonly choices?: readonly string[] } = options[name];
    const known = narrowed[name] ?? option.choices;
    const choices = known === undefined ? "" : ` (${known.join(", ")})`;
    return `  --${nameOf(name).padEnd(22)} ${option.describe}${choices}`;
  });
  return [
    `llxprt-auth ${form}`,
    "",
    `  ${says}`,
    "",
    ...(own.length > 0 ? [...own, ""] : []),
    "Options for every command: `llxprt-auth --help`.",
    "",
  ].join("\n");
}

function lineOf({ form, says }: Listed): string {
  return `  ${(form || "(nothing)").padEnd(29)} ${says}`;
}

/** What stands for the value of an option. */
export const valueNames: Readonly<Record<string, string>> = {
  home: "DIR",
  keyfile: "FILE",
  from: "FILE",
  key: "KEY",
  set: "auth-key=KEY",
  port: "N",
  browser: "CMD",
  timeout: "S",
  "min-ttl": "S",
  "require-source": "KIND",
  grant: "GRANT",
  format: "FORMAT",
};

function nameOf(name: string): string {
  const isText = Object.hasOwn(options, name) && options[name as keyof typeof options].type === "string";
  return isText ? `${name} ${valueNames[name] ?? "NAME"}` : name;
}

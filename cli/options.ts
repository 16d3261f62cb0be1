// Every option of the command line, once: its type, and what `--help` says of it.
//
// One vocabulary for all commands, so that the words of a command line can be told from the values of its options before
// it is known which command it is. Which command takes which option is said by the command.
import type { InferredOptionTypes, Options } from "yargs";

const text = { type: "string", requiresArg: true } as const;
const flag = { type: "boolean" } as const;

export const globalOptions = {
  home: { ...text, describe: "home folder, instead of LLXPRT_HOME or ~/.llxprt" },
  account: { ...text, describe: "account, instead of LLXPRT_AUTH_ACCOUNT or default" },
  profile: { ...text, describe: "use the key of this profile" },
  key: { ...text, describe: "API key; others can see it: prefer the next two" },
  keyfile: { ...text, describe: "file that holds the API key" },
  "key-stdin": { ...flag, describe: "read the API key from standard input" },
  set: { ...text, describe: "or auth-keyfile=FILE: as --key and --keyfile" },
  "require-source": {
    ...text,
    choices: ["oauth", "flag", "profile", "settings", "env"],
    describe: "fail unless the credential comes from there",
  },
  json: { ...flag, describe: "print JSON" },
  "non-interactive": { ...flag, describe: "never ask, never open a browser" },
  "no-browser": { ...flag, describe: "print addresses, do not open them" },
  verbose: { ...flag, describe: "say more about failures" },
  version: { ...flag, describe: "print the version" },
  help: { ...flag, alias: "h", describe: "print help" },
} as const satisfies Record<string, Options>;

export const ownOptions = {
  grant: {
    ...text,
    choices: ["loopback", "paste", "device"],
    describe: "way to sign in",
  },
  device: { ...flag, describe: "short for --grant device" },
  port: { ...text, describe: "port of the redirect listener, or of the emulator" },
  // Alone it means the usual browser.
  browser: { type: "string", describe: "command that opens the page (%s: the address)" },
  timeout: { ...text, describe: "give up after so many seconds" },
  qr: { ...flag, describe: "show the address as a QR code, too" },
  copy: { ...flag, describe: "copy the address through the terminal (OSC 52)" },
  detach: { ...flag, describe: "print address and code, and return" },
  "all-accounts": { ...flag, describe: "every account of the provider" },
  "no-revoke": { ...flag, describe: "delete the tokens here only" },
  "min-ttl": { ...text, describe: "seconds that the token must live; default 30" },
  format: { ...text, describe: "how to print it; default: the first" },
  interactive: { ...flag, describe: "let the person at the terminal take part" },
  force: { ...flag, describe: "even if the token is fresh" },
  model: { ...text, describe: "model to ask" },
  from: { ...text, describe: "file of another program to import from" },
  "take-over": { ...flag, describe: "copy the refresh token too, and renew it here" },
  yes: { ...flag, describe: "yes to what would be asked" },
  provider: { ...text, describe: "provider that the key is for" },
  verify: { ...flag, describe: "ask the provider whether it accepts the credential" },
  fix: { ...flag, describe: "set file modes right (0700, 0600), and nothing else" },
  stately: { ...flag, describe: "also in the inspector of stately.ai; warns, and asks" },
} as const satisfies Record<string, Options>;

export const options = { ...globalOptions, ...ownOptions } as const;

export type OwnOption = keyof typeof ownOptions;

/** The options of a command line, as they were given. */
export type Flags = Readonly<Omit<InferredOptionTypes<typeof options>, "set">> & { readonly set?: string | undefined };

const passed = ["home", "json", "verbose", "no-browser", "non-interactive"] as const;

/** What holds for every command that is given inside of this one as well, as words of its command line. */
export function passedOn(flags: Flags): string[] {
  return passed.flatMap((name) => {
    const value = flags[name];
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, value];
  });
}

/** Whether the value of a setting is none: as in the files, an empty text and `none` unset it. */
export function isUnset(value: string): boolean {
  return ["", "none"].includes(value.trim().toLowerCase());
}

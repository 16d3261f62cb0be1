// What a command works with: its words and options, the streams, and the runtime, which is loaded when it is first needed.
//
// Options that would contradict each other are refused here, once, and a key is read from where the person put it.
import type { Account, Auth, Host, KeyFlags, Provider } from "../runtime/index.ts";
import { reservedNames } from "./commands/index.ts";
import { type Flags } from "./options.ts";
import { createOutput, type Output } from "./output.ts";
import { isCi, isTerminal, type Io, readAll } from "./terminal.ts";

export interface Context {
  readonly io: Io;
  readonly output: Output;
  readonly flags: Flags;
  /** What follows the command. */
  readonly words: readonly string[];
  readonly signal: AbortSignal;
  /** Name of the provider that the command is about, in lower case; empty when it is about none. */
  readonly provider: string;
  /** A person can be asked. */
  readonly canAsk: boolean;
  readonly host: () => Promise<Host>;
  /** The key that was given, if one was. */
  readonly keys: () => Promise<KeyFlags>;
  readonly auth: () => Promise<Auth>;
  /** The account that the command is about. */
  readonly account: () => Promise<Account>;
  /** Name of the account that is meant of a provider; undefined: its default one. */
  readonly accountNamed: (provider: string) => Promise<string | undefined>;
  /** The provider's data. */
  readonly facts: () => Promise<Provider>;
  /** Reads the settings anew. */
  readonly renew: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Keys and profile that hold for more than one command line: those of the shell. */
export interface Carried {
  readonly keys?: { readonly provider: string; readonly flags: KeyFlags } | undefined;
  readonly profile?: string | undefined;
}

export interface Asked {
  readonly carried?: Carried | undefined;
  readonly io: Io;
  readonly flags: Flags;
  readonly provider: string;
  readonly words: readonly string[];
  readonly signal: AbortSignal;
}

export function createContext({ io, flags, provider, words, signal, carried = {} }: Asked): Context {
  const output = createOutput(io);
  let opened: Promise<Auth> | null = null;
  let given: Promise<KeyFlags> | null = null;

  const keys = async (): Promise<KeyFlags> => {
    const own = await (given ??= keysGiven(io, flags, provider, output, signal));
    const isCarried = Object.values(own).every((value) => value === undefined) && carried.keys?.provider === provider;
    return isCarried ? (carried.keys?.flags ?? own) : own;
  };

  const host = async (): Promise<Host> => {
    const { realHost } = await import("../runtime/index.ts");
    return realHost({ home: flags.home, browser: flags.browser });
  };

  const open = async (): Promise<Auth> => {
    const { createAuth } = await import("../runtime/index.ts");
    const flagged = await keys();
    return createAuth({
      host: await host(),
      keys: provider === "" ? undefined : { provider, flags: flagged },
      profile: flags.profile ?? carried.profile,
      requireSource: flags["require-source"] as "oauth" | undefined,
      ahead: false,
      reserved: reservedNames,
      onNotice: (text) => {
        output.say(`Note: ${text}.`);
      },
    });
  };
  const auth = (): Promise<Auth> => (opened ??= open());

  /** The account of the profile in use, if it is one of that provider's. */
  const profileAccount = async (of: string): Promise<string | undefined> => {
    const name = flags.profile ?? carried.profile;
    if (name === undefined) return undefined;
    const { settingsIn } = await import("../runtime/index.ts");
    const profile = settingsIn(await host()).profile(name);
    return profile.provider === of ? (profile.account ?? undefined) : undefined;
  };

  const accountNamed = async (of: string): Promise<string | undefined> =>
    flags.account ?? (await profileAccount(of)) ?? (io.environment["LLXPRT_AUTH_ACCOUNT"] || undefined);

  return {
    io,
    output,
    flags,
    words,
    signal,
    provider,
    canAsk: isTerminal(io) && !isCi(io) && flags["non-interactive"] !== true,
    host,
    keys,
    auth,
    account: async () => {
      const named = await accountNamed(provider);
      return (await auth()).account(provider, named);
    },
    accountNamed,
    facts: async () => {
      const { providers } = await auth();
      const facts = providers.get(provider);
      if (facts === undefined) throw new TypeError("the provider was checked before");
      return facts;
    },
    renew: async () => {
      const before = opened;
      opened = null;
      await (await before)?.close();
    },
    close: async () => {
      await (await opened?.catch(() => null))?.close();
    },
  };
}

async function keysGiven(
  io: Io,
  flags: Flags,
  provider: string,
  { say }: Output,
  signal: AbortSignal,
): Promise<KeyFlags> {
  const { AuthError } = await import("../runtime/index.ts");
  const wrong = (detail: string): Error => new AuthError("usage", { detail });
  const set = settingIn(flags.set ?? "");
  if (set === null) throw wrong("--set takes auth-key=KEY or auth-keyfile=FILE");
  const key = flags.key ?? set.key;
  const keyFile = flags.keyfile ?? set.keyFile;
  const isPiped = flags["key-stdin"] === true;
  const count = [flags.key, set.key, flags.keyfile, set.keyFile].filter((value) => value !== undefined).length;
  if (count + Number(isPiped) > 1) throw wrong("one key is enough: --key, --keyfile, --key-stdin or --set");
  if (count + Number(isPiped) === 1 && provider === "") throw wrong("a key is for one provider, and none is named");
  if (key !== undefined) say("Warning: a key on the command line can be seen by other processes; use --keyfile.");
  return { key, keyFile, keyStdin: isPiped ? ((await readAll(io, signal)) ?? undefined) : undefined };
}

function settingIn(text: string): { readonly key?: string; readonly keyFile?: string } | null {
  if (text === "") return {};
  const [, member, value = ""] = /^auth-(key|keyfile)=(.*)$/s.exec(text) ?? [];
  if (member === undefined) return null;
  return member === "key" ? { key: value } : { keyFile: value };
}

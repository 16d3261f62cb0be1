// `profile save|list|delete NAME`: key settings, or an account, under a name, in llxprt-code's own files. A key is never printed.
import type { HomeSettings, KeyFlags } from "../../runtime/index.ts";
import { resolve } from "node:path";
import { noSuch, usage } from "../dispatch.ts";
import { isUnset } from "../options.ts";
import { inHome } from "../output.ts";
import type { Context } from "../session.ts";
import type { Command } from "./index.ts";

const actions: Readonly<Record<string, (context: Context, settings: HomeSettings, name: string) => Promise<void>>> = {
  save,
  list,
  delete: remove,
};

export const command: Command = {
  accepts: ["provider"],
  words: 2,
  run: async (context) => {
    const [action = "list", name = ""] = context.words;
    const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (act === undefined) throw await noSuch(`\`profile ${action}\``, action, Object.keys(actions));
    if (action !== "list" && name === "") throw await usage(`\`profile ${action}\` needs a name`);
    const { settingsIn } = await import("../../runtime/index.ts");
    await act(context, settingsIn(await context.host()), name);
    return 0;
  },
};

async function save(
  { flags, keys, output, provider, auth }: Context,
  settings: HomeSettings,
  name: string,
): Promise<void> {
  if (provider === "") throw await usage("`profile save` needs the key's provider: --provider NAME");
  const { providers } = await auth();
  const place = await placeOf(await keys());
  const account = flags.account ?? null;
  if (place === null && account === null)
    throw await usage("`profile save` needs a key (--keyfile FILE or --key-stdin) or an account (--account NAME)");
  settings.saveProfile({ name, provider, place, account });
  if (flags.json === true) output.json({ schema: 1, profile: shape(settings, name) });
  output.say(`Saved as profile ${name} of ${providers.get(provider)?.title ?? provider}.`);
  output.say(`Next: ${inHome(`llxprt-auth ${provider} why --profile ${name}`, flags)}`);
}

async function list({ flags, output }: Context, settings: HomeSettings): Promise<void> {
  const names = settings.profiles();
  const { AuthError } = await import("../../runtime/index.ts");
  // The folder is llxprt-code's, too: a profile that holds something else hides none of the others.
  const shapes = names.flatMap((name) => {
    try {
      return [shape(settings, name)];
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      output.say(`Note: profile ${name} is left out: ${error.message}.`);
      return [];
    }
  });
  if (flags.json === true) {
    output.json({ schema: 1, profiles: shapes });
    return;
  }
  if (names.length === 0)
    output.say("There are no profiles. Next: llxprt-auth profile save NAME --provider P --keyfile FILE");
  const wide = Math.max(0, ...shapes.map(({ name }) => name.length));
  for (const { name, provider, source, keyFile, account } of shapes) {
    const login = account === undefined ? "no key" : `account ${account}`;
    output.data([name.padEnd(wide), provider, source ?? login, keyFile ?? ""].join("  ").trimEnd());
  }
}

async function remove({ flags, output }: Context, settings: HomeSettings, name: string): Promise<void> {
  settings.deleteProfile(name);
  if (flags.json === true) output.json({ schema: 1, deleted: name });
  output.say(`Profile ${name} is deleted.`);
}

interface Shape {
  readonly name: string;
  readonly provider: string;
  readonly source: "auth-key" | "auth-keyfile" | null;
  readonly keyFile: string | null;
  /** The one that it names. */
  readonly account?: string;
}

/** A profile as it may be shown: where its key is, not what it is. */
function shape(settings: HomeSettings, name: string): Shape {
  const { provider, place, account } = settings.profile(name);
  const named = account === null ? {} : { account };
  if (place === null) return { name, provider, source: null, keyFile: null, ...named };
  return "key" in place
    ? { name, provider, source: "auth-key", keyFile: null, ...named }
    : { name, provider, source: "auth-keyfile", keyFile: place.keyFile, ...named };
}

async function placeOf({ key, keyFile, keyStdin }: KeyFlags) {
  const given = (key ?? keyStdin)?.trim() ?? "";
  const { Secret } = await import("../../runtime/index.ts");
  if (!isUnset(given)) return { key: new Secret("api_key", given) };
  if (keyFile === undefined || isUnset(keyFile)) return null;
  // A profile is used from any folder.
  return { keyFile: keyFile.startsWith("~") ? keyFile : resolve(keyFile) };
}

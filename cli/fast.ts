// The short way for what scripts ask most: a fresh token, the version.
//
// It understands a few plain command lines only. Everything else, and everything out of the ordinary, is null: then the
// whole program takes over, and says what there is to say. Imports nothing heavy.
import manifest from "../package.json" with { type: "json" };
import { quickToken } from "../runtime/quick.ts";

/** What to print on standard output; the exit code is 0. Null: this is not for the short way. */
export function fast(argv: readonly string[], environment: NodeJS.ProcessEnv): string | null {
  if (argv.length === 1 && argv[0] === "--version") return `${manifest.version}\n`;
  const asked = understood(argv);
  if (asked === null) return null;
  try {
    const token = quickToken({ ...asked, environment });
    return token === null ? null : `${token.reveal()}\n`;
  } catch {
    return null;
  }
}

type Asked = Omit<Parameters<typeof quickToken>[0], "environment">;

const options = new Set(["--min-ttl", "--home", "--account"]);

/** `<p> token` with nothing but these options; null for everything else. */
function understood(argv: readonly string[]): Asked | null {
  const words: string[] = [];
  const given = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (!word.startsWith("-")) {
      words.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? argv[(index += 1)] : word.slice(equals + 1);
    if (!options.has(name) || given.has(name) || value === undefined || value.startsWith("-")) return null;
    given.set(name, value);
  }
  if (words[0] === "auth" || words[0] === "/auth") words.shift();
  const [provider = "", verb] = words;
  const minTtl = given.get("--min-ttl");
  if (verb !== "token" || words.length !== 2 || (minTtl !== undefined && !/^\d{1,9}$/.test(minTtl))) return null;
  return {
    provider,
    account: given.get("--account"),
    home: given.get("--home"),
    minTtlMs: minTtl === undefined ? undefined : Number(minTtl) * 1000,
  };
}

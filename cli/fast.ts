// The short way for what scripts ask most: a fresh token, the state of things, the version, what a shell completes with.
//
// It understands a few plain command lines only. Everything else, and everything out of the ordinary, is null: then the
// whole program takes over, and says what there is to say. Imports nothing heavy.
import manifest from "../package.json" with { type: "json" };
import { quickToken } from "../runtime/quick-token.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What to print on standard output; the exit code is 0. Null: this is not for the short way.
 * @param isTerminal whether somebody looks at it: then there are colours, and no hurry
 */
export function fast(
  argv: readonly string[],
  environment: Environment,
  isTerminal: () => boolean,
): string | null | Promise<string | null> {
  const line = understood(argv);
  if (line === null) return null;
  const { words, options } = line;
  const [first = "", second] = words;
  if (words.length === 0) return options.size === 1 && options.has("--version") ? `${manifest.version}\n` : null;
  if (first === "completion" && words.length <= 2 && options.size === 0)
    return completion(second ?? environment["SHELL"]?.split("/").at(-1) ?? "");
  if (words.length === 1 && first === "status") return isTerminal() ? null : status(options, environment);
  return words.length === 2 && second === "token" ? token(first, options, environment) : null;
}

function token(provider: string, options: Line["options"], environment: Environment): string | null {
  const minTtl = options.get("--min-ttl");
  if (options.has("--json") || options.has("--version") || (minTtl !== undefined && !/^\d{1,9}$/.test(minTtl)))
    return null;
  try {
    const found = quickToken({
      provider,
      account: options.get("--account"),
      home: options.get("--home"),
      minTtlMs: minTtl === undefined ? undefined : Number(minTtl) * 1000,
      environment,
    });
    return found === null ? null : `${found.reveal()}\n`;
  } catch {
    return null;
  }
}

async function completion(shell: string): Promise<string | null> {
  const { made } = await import("./completion/made.ts");
  return made !== null && Object.hasOwn(made, shell) ? made[shell as keyof typeof made] : null;
}

async function status(options: Line["options"], environment: Environment): Promise<string | null> {
  if (["--account", "--min-ttl", "--version"].some((name) => options.has(name))) return null;
  const { fastStatus } = await import("./fast-status.ts");
  return fastStatus(options.get("--home"), environment, options.has("--json"));
}

interface Line {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

const valued = new Set(["--min-ttl", "--home", "--account"]);
const bare = new Set(["--json", "--version"]);

/** Words and options; null when there is anything else, or anything twice. */
function understood(argv: readonly string[]): Line | null {
  const words: string[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!word.startsWith("-")) {
      words.push(word);
    } else if (bare.has(word) && !options.has(word)) {
      options.set(word, "");
    } else {
      const value = equals < 0 ? argv[(index += 1)] : word.slice(equals + 1);
      if (!valued.has(name) || options.has(name) || value === undefined || /^(?:-|$)/.test(value)) return null;
      options.set(name, value);
    }
  }
  if (words[0] === "auth" || words[0] === "/auth") words.shift();
  return { words, options };
}

// Opening a page in the person's browser.
//
// The address may have come from a server, so no shell ever sees it: `BROWSER` is split into words and started as it is,
// everything else is left to a library that knows the platforms. The browser inherits no API key of ours.
import { spawn } from "node:child_process";
import { AuthError } from "../../machines/errors.ts";
import { isConfidential, parsedAddress } from "../wire/endpoint.ts";

/**
 * @param command `BROWSER`: words, `%s` or a last argument is the address.
 * @throws AuthError `url_unsafe` for an address that is not https, nor http on loopback
 */
export async function openBrowser(address: string, command: string | undefined): Promise<void> {
  const url = parsedAddress(address);
  if (url === null || !isConfidential(url)) throw new AuthError("url_unsafe");
  const words = wordsOf(command ?? "");
  await start(withAddress(words.length > 0 ? words : usual(), url.href));
}

/** The library hands on the environment of its process, so it gets a process of its own. */
function usual(): string[] {
  const script = `import open from ${JSON.stringify(import.meta.resolve("open"))}; await open(process.argv[1]);`;
  return [process.execPath, "--input-type=module", "--eval", script, "%s"];
}

/** Splits a command into words; quotes hold words together, nothing is expanded. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|[^\s"']+)+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

function withAddress(words: readonly string[], address: string): [string, ...string[]] {
  const filled = words.map((word) => word.replaceAll("%s", () => address));
  const [program = "", ...rest] = words.some((word) => word.includes("%s")) ? filled : [...words, address];
  return [program, ...rest];
}

function start([program, ...words]: [string, ...string[]]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { detached: true, stdio: "ignore", env: withoutSecrets(process.env) });
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      resolve();
    });
  });
}

function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/KEY|TOKEN|SECRET|PASSWORD/i.test(name)));
}

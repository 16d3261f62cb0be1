// The house's rules that a reader relies on and a compiler does not know: who may import whom, what stays pure, where
// secrets, the network and the exit are, and how files are named and sized (house, section 2).
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path/posix";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["machines", "providers", "runtime", "cli"];

interface Import {
  readonly from: string;
  /** A path from the root, or a package's name. */
  readonly to: string;
  /** Erased before it runs. */
  readonly typeOnly: boolean;
}

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const sources = globSync([...folders.map((folder) => `${folder}/**/*.ts`), "build.ts"], { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .sort()
  .map((path) => sourceOf(path));

function sourceOf(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const imports: Import[] = [];
  const add = (to: string, typeOnly: boolean) => {
    imports.push({ from: path, to: to.startsWith(".") ? join(dirname(path), to) : to, typeOnly });
  };
  for (const [, what = "", to = ""] of text.matchAll(/^(?:import|export)\s((?:[^"';]|\n)*?)\bfrom\s+"([^"]+)"/gm))
    add(to, isTypeOnly(what));
  for (const [, to = ""] of text.matchAll(/^import\s+"([^"]+)"/gm)) add(to, false);
  for (const [, type, to = ""] of text.matchAll(/(\btypeof\s+|[:<|&]\s*)?\bimport\(\s*["'`]([^"'`]+)["'`]/g))
    add(to, type !== undefined);
  for (const [, to = ""] of text.matchAll(/\brequire\(\s*["'`]([^"'`]+)["'`]/g)) add(to, false);
  return { path, text, imports };
}

/** Whether `what` stands between `import` and `from` without leaving anything to run. */
function isTypeOnly(what: string): boolean {
  if (/^type\s/.test(what)) return true;
  const inner = /^\{([^}]*)\}\s*$/.exec(what)?.[1];
  const names = inner?.split(",").filter((name) => name.trim() !== "") ?? [];
  return names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
}

/** The text without comments and without what stands in quotes. */
function codeOf(text: string): string {
  return text.replaceAll(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g,
    (found) => (found.startsWith("/") ? "" : '""'),
  );
}

const within = (folder: string) => sources.filter(({ path }) => path.startsWith(`${folder}/`));
const isFile = (path: string) => folders.some((folder) => path.startsWith(`${folder}/`)) || path.startsWith("test/");

/** Fails with all that is wrong at once: one run tells everything that there is to mend. */
function none(wrong: readonly string[]): void {
  assert.deepEqual(wrong, []);
}

const shown = ({ from, to, typeOnly }: Import) => `${from} → ${to}${typeOnly ? " (type)" : ""}`;

/** Imports of these files that are not allowed. */
function forbidden(files: readonly Source[], isAllowed: (one: Import) => boolean): string[] {
  return files
    .flatMap(({ imports }) => imports)
    .filter((one) => !isAllowed(one))
    .map(shown);
}

describe("the sources", () => {
  it("are read: an empty list would prove nothing", () => {
    assert.ok(within("machines").length > 10);
    assert.ok(within("runtime").length > 10);
    assert.ok(within("providers").length > 5);
    const { imports } = sourceOf("machines/rules.ts");
    const found = (to: string) => imports.find((one) => one.to === to)?.typeOnly;
    assert.deepEqual(
      [found("providers/provider.ts"), found("machines/facts.ts"), found("machines/login/login.ts")],
      [true, false, true],
    );
  });

  it("import nothing that is not there", () => {
    none(
      sources
        .flatMap(({ imports }) => imports)
        .filter(({ to }) => isFile(to) && !existsSync(join(root, to)))
        .map(shown),
    );
  });
});

describe("imports go down only", () => {
  it("providers: data, and the type of it", () => {
    const data = within("providers").filter(({ path }) => !path.startsWith("providers/emulator/"));
    none(
      forbidden(data, ({ from, to, typeOnly }) =>
        from === "providers/index.ts"
          ? /^providers\/[a-z0-9_]+\.ts$/.test(to)
          : typeOnly && (to === "providers/provider.ts" || to.startsWith("providers/fields/")),
      ),
    );
  });

  it("the emulator: never what it is there to test from the outside", () => {
    none(forbidden(within("providers/emulator"), ({ to }) => !/^(cli|machines)\//.test(to)));
  });

  it("machines: machines, and types of providers; never the runtime", () => {
    none(
      forbidden(within("machines"), ({ from, to, typeOnly }) => {
        if (to.startsWith("machines/")) return true;
        if (to.startsWith("providers/")) return to === "providers/provider.ts" && typeOnly;
        return to === "xstate" && from === "machines/statechart.ts";
      }),
    );
  });

  it("runtime: machines and providers, neither the emulator nor the mouth", () => {
    none(forbidden(within("runtime"), ({ to }) => !/^(cli|test|providers\/emulator)\//.test(to)));
  });

  for (const leaf of ["runtime/wire", "runtime/store"])
    it(`${leaf}: a leaf`, () => {
      const allowed = new Set(["machines/errors.ts", "machines/facts.ts", "runtime/secret.ts", "package.json"]);
      none(
        forbidden(within(leaf), ({ to, typeOnly }) => {
          if (typeOnly || !isFile(to)) return !to.startsWith("cli/");
          return to.startsWith(`${leaf}/`) || allowed.has(to);
        }),
      );
    });

  it("cli: the public API, and the exceptions that the house names", () => {
    const emulators = new Set(["cli/commands/demo.ts", "cli/commands/emulator.ts", "cli/demo.ts", "cli/emulator.ts"]);
    none(
      forbidden(within("cli"), ({ from, to }) => {
        if (!isFile(to) || to.startsWith("cli/") || to === "runtime/index.ts") return true;
        // The public API brings xstate along; the fast path has a small door of its own.
        if (from === "cli/fast.ts") return ["runtime/quick-token.ts", "package.json"].includes(to);
        if (from === "cli/fast-status.ts") return to === "runtime/quick-status.ts";
        return emulators.has(from) && to === "providers/emulator/index.ts";
      }),
    );
  });

  it("nothing imports a test", () => {
    none(forbidden(sources, ({ to }) => !to.startsWith("test/")));
  });
});

describe("purity", () => {
  const impure =
    /\b(Date|process|globalThis|performance|crypto|setTimeout|setInterval|setImmediate|queueMicrotask|fetch|require|Buffer|navigator)\b|Math\.random|console\s*\.|node:/g;
  const pure = sources.filter(({ path }) => /^(machines\/|providers\/[^/]+$)/.test(path));

  it("machines and providers know no clock, no chance and no world", () => {
    none(pure.flatMap(({ path, text }) => [...codeOf(text).matchAll(impure)].map(([found]) => `${path}: ${found}`)));
    none(forbidden(pure, ({ to }) => !to.startsWith("node:")));
  });

  it("providers hold no functions", () => {
    const data = pure.filter(({ path }) => path.startsWith("providers/"));
    none(data.filter(({ text }) => /=>|\bfunction\b|\bclass\b/.test(codeOf(text))).map(({ path }) => path));
  });
});

describe("files", () => {
  /** Dialects of the emulator play one vendor each, in one piece. */
  const dialect = /^providers\/emulator\/(gemini|anthropic|codex|qwen)\.ts$/;

  it("are short", () => {
    none(
      sources
        .filter(({ path, text }) => !dialect.test(path) && text.trimEnd().split("\n").length > 250)
        .map(({ path, text }) => `${path}: ${text.trimEnd().split("\n").length} lines`),
    );
  });

  it("are named by what they are", () => {
    const vague = /(^|[-./])(utils?|helpers?|commons?|shared|misc|managers?|services?|handlers?|base|impl)([-.]|\/|$)/;
    const tests = globSync("test/**/*.ts", { cwd: root }).map((path) => path.replaceAll("\\", "/"));
    none([...sources.map(({ path }) => path), ...tests].filter((path) => vague.test(path)));
  });

  it("open by saying what they are for", () => {
    none(sources.filter(({ text }) => !/^(#!.*\n)?\/\/ \S/.test(text)).map(({ path }) => path));
  });

  it("leave nothing for later", () => {
    const later = /\b(TODO|FIXME|XXX|HACK)\b/;
    none(sources.filter(({ text }) => later.test(text)).map(({ path }) => path));
  });
});

describe("no vendor has a place in the code", () => {
  const vendors = /gemini|google|anthropic|claude|codex|openai|chatgpt|qwen|dashscope|aliyun|alibaba|code ?assist/gi;
  /** File → why it may name a vendor. */
  const exceptions: Readonly<Record<string, string>> = {};

  it("neither in machines nor in the runtime or the cli, comments and texts included", () => {
    none(
      sources
        .filter(({ path }) => /^(machines|runtime|cli)\//.test(path) && !(path in exceptions))
        .flatMap(({ path, text }) =>
          text
            .split("\n")
            .flatMap((line, index) => [...line.matchAll(vendors)].map(([name]) => `${path}:${index + 1}: ${name}`)),
        ),
    );
  });

  it("and the exceptions are needed", () => {
    none(Object.keys(exceptions).filter((path) => !sources.some((one) => one.path === path && vendors.test(one.text))));
  });
});

describe("secrets", () => {
  /** Files that may look inside a secret, and what for. */
  const mayReveal: Readonly<Record<string, string>> = {
    "runtime/secret.ts": "defines it",
    "runtime/wire/request.ts": "makes the request that carries it",
    "runtime/wire/claims.ts": "reads the payload of a token",
    "runtime/wire/pasted.ts": "judges pasted text, which is a secret until it is judged",
    "runtime/store/codec.ts": "makes the token file's text",
    "runtime/store/pending.ts": "makes the text of an attempt's record",
    "runtime/settings/profiles.ts": "makes the profile's text",
    "runtime/quick-token.ts": "looks whether it may be printed",
    "runtime/inspect/page/server.ts": "puts its page's token into the address, and the cookie into the browser",
    "runtime/fetch.ts": "puts the credential into the header of a request that its owner asked for",
    "cli/obtain.ts": "gives it to whoever prints it or hands it over, because that was asked for",
    "cli/fast.ts": "prints it the short way",
  };

  it("are looked into only where it is listed, with a reason", () => {
    none(sources.filter(({ path, text }) => text.includes(".reveal(") && !(path in mayReveal)).map(({ path }) => path));
  });

  it("are looked into wherever it is listed: an unused right is taken back", () => {
    none(sources.filter(({ path, text }) => path in mayReveal && !text.includes("reveal(")).map(({ path }) => path));
  });

  it("of vendors and people are not in the repository", () => {
    const shapes = /GOCSPX-[\w-]{10}|AIza[\w-]{30}|gh[pousr]_\w{30}|\bsk-[\w-]{30}|-----BEGIN [A-Z ]*PRIVATE KEY/;
    none(sources.filter(({ text }) => shapes.test(text)).map(({ path }) => path));
  });
});

describe("the world outside", () => {
  it("is left by one door", () => {
    // The emulator is a part of the world outside: it plays servers, and a person with a browser. The page of `inspect`
    // runs in a browser, which lets it ask nobody but its own server.
    const beyond = ["runtime/wire/send.ts", "providers/emulator/", "runtime/inspect/page/view/"];
    const inside = sources.filter(({ path }) => !beyond.some((place) => path.startsWith(place)));
    const call = /(?:\b(?:await|return|void)\s+|[=(,?:]\s*|=>\s*)fetch\(|\b(?:globalThis|window|self)\s*\.\s*fetch\b/;
    none([
      // `connect.ts` is handed undici by the door, and only knows its types.
      ...forbidden(
        inside,
        ({ from, to, typeOnly }) => !/^(ky|undici)(\/|$)/.test(to) || (typeOnly && from === "runtime/wire/connect.ts"),
      ),
      ...inside.filter(({ text }) => call.test(codeOf(text))).map(({ path }) => `${path} calls fetch`),
    ]);
  });

  it("comes in, and is spoken to below HTTP, only where it is listed", () => {
    const sockets: Readonly<Record<string, string>> = {
      "runtime/login/listener.ts": "the loopback redirect",
      "runtime/wire/proxy.ts": "compares addresses",
      "runtime/wire/trust.ts": "certificate authorities",
      "runtime/wire/tunnel.ts": "the way through a proxy",
      "runtime/inspect/": "the local page of `inspect`",
      "providers/emulator/": "the emulator's own server",
    };
    none(
      sources
        .flatMap(({ imports }) => imports)
        .filter(({ to }) => /^node:(http|https|http2|net|tls|dgram)$/.test(to))
        .filter(({ from, typeOnly }) => !typeOnly && !Object.keys(sockets).some((place) => from.startsWith(place)))
        .map(shown),
    );
  });

  it("is left for good in one place", () => {
    none(
      sources
        .filter(({ path, text }) => path !== "cli/main.ts" && /\bprocess\s*\.\s*(exit|abort|reallyExit)\b/.test(text))
        .map(({ path }) => path),
    );
  });
});

describe("xstate", () => {
  it("comes in through machines/statechart.ts alone", () => {
    none(
      sources
        .flatMap(({ imports }) => imports)
        .filter(({ from, to }) => /^(@?xstate|@statelyai)\b/.test(to) && from !== "machines/statechart.ts")
        .filter(({ from, to }) => !(to.startsWith("@statelyai/") && from.startsWith("runtime/inspect/")))
        .map(shown),
    );
  });

  it("and every other package is pinned to one exact version", () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
      string,
      Record<string, string>
    >;
    assert.match(dependencies?.["xstate"] ?? "", /^5\.\d+\.\d+$/);
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });
});

describe("the table of providers", () => {
  it("has one data file for each, and one dialect that plays it", () => {
    const names = globSync("providers/*.ts", { cwd: root })
      .map((path) => basename(path, ".ts"))
      .filter((name) => name !== "index" && name !== "provider");
    const index = readFileSync(join(root, "providers/index.ts"), "utf8");
    for (const name of names) {
      assert.match(index, new RegExp(`from "./${name}.ts"`));
      assert.ok(existsSync(join(root, `providers/emulator/${name}.ts`)), `${name} is played by the emulator`);
    }
  });
});

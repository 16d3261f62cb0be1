// What the pages promise: links lead somewhere, commands and flags exist, codes are those of the catalogue, examples are
// taken by the program, and no page knows the machine that it was written on.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { describe, it } from "node:test";
import { catalogue } from "../../machines/catalogue.ts";
import { exitCodes } from "../../machines/errors.ts";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import type { ProviderEntry } from "../../runtime/settings/settings.ts";
import { providerTable } from "../../runtime/settings/table.ts";
import { decode, encode } from "../../runtime/store/codec.ts";
import { alone, commands, everywhere, flags, verbs } from "./commands.ts";
import { troubles } from "./troubles.ts";
import { troubleshooting } from "./troubleshooting.ts";
import { blocks, commandLines, pages, prose, quoted, read, root, rowsUnder } from "./pages.ts";

const guide = read("docs/guide.md");
const { scripts, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Fails with all that is wrong at once. */
function none(wrong: readonly string[]): void {
  assert.deepEqual(wrong, []);
}

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function anchorsIn(path: string): Set<string> {
  return new Set([...prose(read(path)).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading)));
}

describe("links", () => {
  const links = pages.flatMap((page) =>
    [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => ({ page, to })),
  );

  it("within the repository lead somewhere", () => {
    const relative = links.filter(({ to }) => !/^[a-z]+:/.test(to));
    assert.ok(relative.length > 20);
    none(
      relative.flatMap(({ page, to }) => {
        const [path = "", anchor] = to.split("#");
        const target = path === "" ? page : join(dirname(page), path);
        if (!existsSync(join(root, target))) return [`${page}: ${to}`];
        return anchor === undefined || anchorsIn(target).has(anchor) ? [] : [`${page}: ${to} (no such heading)`];
      }),
    );
  });

  it("to the outside are https", () => {
    none(links.filter(({ to }) => /^[a-z]+:/.test(to) && !to.startsWith("https://")).map(({ to }) => to));
  });

  it("reach every page, from README.md on", () => {
    const reached = new Set(["README.md"]);
    for (const from of reached)
      for (const { page, to } of links) {
        const path = join(dirname(page), to.split("#")[0] ?? "");
        const target = path.endsWith("/") ? `${path}README.md` : path;
        if (page === from && pages.includes(target)) reached.add(target);
      }
    none(pages.filter((page) => !reached.has(page)));
  });
});

describe("paths that are named", () => {
  it("exist", () => {
    const named = pages.flatMap((page) =>
      quoted(prose(read(page)))
        .filter((text) => /^(cli|docs|machines|providers|runtime|test)\/[\w./-]*$/.test(text))
        .filter((path) => path !== "providers/acme.ts" && path !== "providers/emulator/acme.ts")
        .map((path) => ({ page, path })),
    );
    assert.ok(named.length > 50);
    none(named.filter(({ path }) => !existsSync(join(root, path))).map(({ page, path }) => `${page}: ${path}`));
  });

  it("are none of the machine that they were written on", () => {
    const absolute = /(?<![\w.:~/>-])\/(?:home|root|Users|work|tmp|mnt|opt|var|usr|etc|srv|private)\//;
    none(
      pages.flatMap((page) =>
        read(page)
          .split("\n")
          .flatMap((line, index) => (absolute.test(line) ? [`${page}:${index + 1}: ${line}`] : [])),
      ),
    );
  });
});

describe("scripts of the package", () => {
  it("that are named exist", () => {
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npm (?:run (?:--\S+ )*([\w:-]+)|(start|test)\b)/g)].map(([, run, own]) => run ?? own),
    );
    assert.ok(named.length > 3);
    none(named.flatMap((name = "") => (name in scripts ? [] : [name])));
  });
});

function unknownFlags(line: readonly string[], command: string): string[] {
  const allowed = new Set<string>([...everywhere, ...(flags[command] ?? [])]);
  const end = line.indexOf("--");
  return (end < 0 ? line : line.slice(0, end)).flatMap((word) => {
    const [flag = ""] = word.split("=");
    return flag.startsWith("--") && !allowed.has(flag) ? [`there is no flag ${flag}`] : [];
  });
}

describe("command lines", () => {
  const known = new Set<string>([...Object.keys(providers), "acme", "<p>"]);
  const words: ReadonlySet<string> = new Set(alone);
  const afterProvider: ReadonlySet<string> = new Set(verbs);
  const lines = pages.flatMap((page) => commandLines(read(page)).map((line) => ({ page, line })));

  it("are found", () => {
    assert.ok(lines.length > 80);
    const used = new Set(lines.flatMap(({ line }) => line));
    none(commands.filter((command) => !used.has(command)));
  });

  it("use commands and flags that there are", () => {
    none(lines.flatMap(({ page, line }) => wrongIn(line).map((what) => `${page}: ${line.join(" ")}: ${what}`)));
  });

  it("are all in the reference, with their flags", () => {
    const rows = rowsUnder(guide, "command");
    const named = rows.map((row) => row["command"] ?? "").join(" ");
    none(commands.filter((command) => !named.includes(command)));
    for (const [command, own] of Object.entries(flags)) {
      const told = rows
        .filter((row) => (row["command"] ?? "").includes(` ${command}`))
        .map((row) => row["what it does"])
        .join(" ");
      none(own.filter((flag) => !told.includes(`\`${flag}\``)).map((flag) => `${command} ${flag}`));
    }
    const reference = guide.split("## Command reference")[1]?.split("\n## ")[0] ?? "";
    none(everywhere.filter((flag) => !reference.includes(`\`${flag}\``)));
  });

  /** What is wrong with a command line, if anything is. */
  function wrongIn(line: readonly string[]): string[] {
    const [first = "", second = "", ...rest] = line[0] === "auth" || line[0] === "/auth" ? line.slice(1) : line;
    if (first === "" || first.startsWith("-")) return unknownFlags(line, "");
    if (words.has(first)) return unknownFlags([second, ...rest], first);
    if (!known.has(first)) return [`there is no command ${first}`];
    if (second !== "" && !second.startsWith("-") && !afterProvider.has(second)) return [`there is no ${second}`];
    return unknownFlags([second, ...rest], second);
  }
});

describe("the list of errors", () => {
  const entries = troubles.flatMap(({ codes }) => Object.entries(codes));

  it("is the catalogue, each code once", () => {
    assert.deepEqual(entries.map(([code]) => code).toSorted(), Object.keys(catalogue).toSorted());
  });

  it("says what to do in sentences", () => {
    none(entries.flatMap(([code, text]) => (/^[A-Z].*\.$/.test(text) ? [] : [code])));
  });

  it("is the page, as `npm run troubles` writes it", () => {
    assert.equal(read("docs/troubleshooting.md"), troubleshooting());
  });

  it("covers every code that another page names", () => {
    const snake = /^[a-z]+(?:_[a-z]+)+$/;
    const named = pages.flatMap((page) => [...read(page).matchAll(/(?:error|code|with) `([a-z_]+)`/g)]);
    none(named.flatMap(([, code = ""]) => (snake.test(code) && !(code in catalogue) ? [code] : [])));
  });

  it("and the list of exit codes is complete", () => {
    const [, list = ""] = guide.split("## Exit codes");
    const told = rowsUnder(list, "code", "meaning").map((row) => Number(row["code"]));
    assert.deepEqual(
      told,
      Object.values(exitCodes).toSorted((a, b) => a - b),
    );
  });
});

describe("environment variables in the guide", () => {
  it("are those of the providers, and of the contract", () => {
    const told = new Set(rowsUnder(guide, "variable").flatMap((row) => quoted(row["variable"] ?? "")));
    const table: readonly Provider[] = Object.values(providers);
    const theirs = table.flatMap(({ keyVariables, clientSource, assistance }) =>
      [
        keyVariables.flatMap(({ name, when }) => [name, when?.variable ?? name]),
        [clientSource?.idVariable ?? [], clientSource?.secretVariable ?? []].flat(),
        assistance?.projectVariables ?? [],
      ].flat(),
    );
    none(theirs.filter((name) => !told.has(name)));
  });
});

describe("examples", () => {
  const json = pages.flatMap((page) =>
    blocks(read(page), "json").map((text) => ({ page, value: JSON.parse(text) as Readonly<Record<string, unknown>> })),
  );

  it("of settings are taken by the program", () => {
    const settings = json.filter(({ value }) => "providers" in value);
    assert.ok(settings.length > 4);
    for (const { value } of settings) {
      const entries = value["providers"] as Readonly<Record<string, ProviderEntry>>;
      providerTable({ enabled: {}, providers: entries }, "settings.json", new Set(commands));
    }
  });

  it("of a token file have the members that the program writes", () => {
    const file = json.find(({ value }) => "access_token" in value);
    const credential = decode(JSON.stringify(file?.value), 0);
    assert.ok(credential !== null);
    const written = JSON.parse(encode(credential)) as Readonly<Record<string, unknown>>;
    assert.deepEqual(written, file?.value);
    const speakForThemselves = ["token_type", "scope", "llxprt_auth", "schema", "identity", "obtained_at"];
    const rows = rowsUnder(guide, "member").flatMap((row) => quoted(row["member"] ?? ""));
    const told = new Set([...speakForThemselves, ...rows]);
    const ours = written["llxprt_auth"] as object;
    none([...Object.keys(written), ...Object.keys(ours)].filter((name) => !told.has(name)));
  });

  it("of programs import what the package exports", () => {
    const index = read("runtime/index.ts");
    const programs = pages.flatMap((page) => blocks(read(page), "ts"));
    assert.ok(programs.length > 1);
    for (const program of programs)
      for (const [, names = "", from = ""] of program.matchAll(/^import \{([^}]*)\} from "([^"]*)"/gm)) {
        if (from !== "llxprt-auth") {
          assert.ok(from in devDependencies || from.startsWith("node:"), from);
          continue;
        }
        none(names.split(",").filter((name) => !new RegExp(`\\b${name.trim().replace(/^type /, "")}\\b`).test(index)));
      }
  });

  it("of data name fields that there are", () => {
    const fields = rowsUnder(read("docs/adding-a-provider.md"), "field").flatMap((row) => quoted(row["field"] ?? ""));
    assert.ok(fields.length > 20);
    const { codex, anthropic } = providers;
    const example = { ...codex, paste: anthropic.paste } as unknown as Readonly<Record<string, object | null>>;
    none(
      fields.filter((field) => {
        const [outer = "", inner] = field.split(".");
        return !(outer in example) || (inner !== undefined && !(inner in (example[outer] ?? {})));
      }),
    );
  });
});

describe("the tone", () => {
  it("has no pictures for letters and no promises for later", () => {
    none(pages.filter((page) => /\p{Extended_Pictographic}/u.test(read(page))));
    none(pages.filter((page) => /\b(TODO|FIXME|TBD|coming soon)\b/i.test(read(page))));
  });

  it("of a decision is short, and every one is listed", () => {
    const decisions = pages.filter((page) => /^docs\/decisions\/\d/.test(page));
    const list = read("docs/decisions/README.md");
    for (const page of decisions) {
      const text = read(page);
      assert.ok(text.trimEnd().split("\n").length <= 40, page);
      const [, title = ""] = /^# \d+\. (.*)$/m.exec(text) ?? [];
      assert.ok(list.includes(`[${title}](${page.slice("docs/decisions/".length)})`), page);
      for (const part of ["## Context", "## Decision", "## Consequences"]) assert.ok(text.includes(part), page);
    }
  });
});

// `completion`: real shells offer what the command line takes, and nothing of ours is started for it.
//
// What is expected comes from the list of the documentation and from `--help`, not from where the scripts are made.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { completionScripts, shells } from "../../cli/completion/scripts.ts";
import { providers } from "../../runtime/index.ts";
import { alone, commands, everywhere, flags, verbs } from "../docs/commands.ts";
import { blocks, read } from "../docs/pages.ts";
import { missing, ShellRoom } from "./completing.ts";
import { play } from "./played.ts";

const names = Object.keys(providers);
const [provider = ""] = names;
const scripts = await completionScripts();

const cases: [line: string, offers: readonly string[]][] = [
  ["", [...alone, ...names]],
  ["auth ", [...alone, ...names]],
  ["/auth ", [...alone, ...names]],
  ["do", ["doctor"]],
  [`${provider} `, verbs],
  [`auth ${provider} lo`, ["login", "logout"]],
  ["acme ", verbs],
  [`${provider} token `, []],
  [`${provider} ask `, []],
  [`${provider} complete `, []],
  // A value is no word, however it is written; an option without one is followed by words.
  ["--account work ", [...alone, ...names]],
  [`--account=work --json ${provider} `, verbs],
  [`--account ${provider} `, [...alone, ...names]],
  [`${provider} login --browser --grant `, ["device", "loopback", "paste"]],
  [`${provider} token --format=h`, ["header"]],
  [`${provider} token --format h`, ["header"]],
  [`${provider} token --min-ttl `, []],
  ["--home ", ["keep"]],
  ["--keyfile ", ["keep", "keys.txt"]],
  ["import --from ", ["keep", "keys.txt"]],
  ["profile save mine --provider ", names],
  [`${provider} login --browser browse`, ["browse-here"]],
  ["replay ", ["keep", "keys.txt"]],
  ["import ", names],
  ["status ", names],
  ["exec ", names],
  [`exec ${provider} -- browse`, ["browse-here"]],
  [`exec ${provider} -- browse-here `, ["keep", "keys.txt"]],
  [`${provider} ask -- `, []],
  ["machine ", names],
  [`machine ${provider} `, ["account", "device", "loopback", "paste", "refresh"]],
  ["profile ", ["delete", "list", "save"]],
  ["profile save ", []],
  ["completion ", ["bash", "fish", "zsh"]],
  ["doctor ", []],
];
for (const command of commands) {
  const line = (alone as readonly string[]).includes(command) ? command : `${provider} ${command}`;
  cases.push([`${line} --`, [...everywhere, ...(flags[command] ?? [])]]);
}
cases.push(["--", everywhere], [`${provider} --`, everywhere]);
// What stands in brackets behind an option.
for (const words of [["machine"], [provider, "token"], [provider, "login"]]) {
  const { stdout } = await play([...words, "--help"]);
  for (const [, option = "", choices = ""] of stdout.matchAll(/^ +(--[\w-]+) [A-Z].*\(([\w, -]+)\)$/gm))
    cases.push([`${words.join(" ")} ${option} `, choices.split(", ")]);
}
const { stdout: overview } = await play(["--help"]);
const kinds = /--require-source/.test(overview) ? ["env", "flag", "oauth", "profile", "settings"] : [];
cases.push(["status --require-source ", kinds]);

describe("completion", () => {
  for (const shell of shells)
    it(`in ${shell} offers what the command line takes, and starts nothing`, { skip: missing(shell) }, () => {
      using room = new ShellRoom(shell, scripts[shell]);
      const answers = room.complete(
        shell,
        cases.map(([line]) => `llxprt-auth ${line}`),
      );
      const found = cases.map(([line], index) => [line, answers[index]]);
      const expected = cases.map(([line, offers]) => [line, offers.toSorted()]);
      assert.deepEqual(found, expected);
      assert.equal(room.hasStartedSomething, false);
    });

  it("asks for choices where `--help` tells some", () => {
    assert.ok(cases.filter(([line]) => /--(?:format|grant) $/.test(line)).length >= 4);
  });

  for (const shell of shells)
    it(`prints the script for ${shell}, by its name or because it is the person's`, async () => {
      const named = await play(["completion", shell.toUpperCase()]);
      const own = await play(["completion"], { environment: { SHELL: `/usr/local/bin/${shell}` } });
      for (const { code, stdout, stderr } of [named, own])
        assert.deepEqual([code, stdout, stderr], [0, scripts[shell], ""]);
      const { stdout } = await play(["completion", shell, "--json"]);
      assert.deepEqual(JSON.parse(stdout), { schema: 1, shell, script: scripts[shell] });
    });

  for (const [what, words, environment, says] of [
    ["a shell that it does not know", ["completion", "tcsh"], {}, /bash, zsh, fish; there is no "tcsh"/],
    ["a slip", ["completion", "fihs"], {}, /"fihs" \(did you mean fish\?\)/],
    ["a person's shell that it does not know", ["completion"], { SHELL: "/bin/dash" }, /bash, zsh, fish; SHELL names/],
    ["no shell at all", ["completion"], {}, /bash, zsh, fish; SHELL names none/],
  ] as const)
    it(`names the three for ${what}`, async () => {
      const { code, stdout, stderr } = await play(words, { environment });
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, says);
    });

  it("reads nothing of ours: a home that cannot be used is no matter", async () => {
    assert.equal((await play(["completion", "bash", "--home", "/dev/null/x"])).code, 0);
  });
});

describe("completion as the guide installs it", () => {
  for (const [shell, file] of [
    ["bash", ".bashrc"],
    ["zsh", ".zshrc"],
    ["fish", null],
  ] as const)
    it(`works in ${shell}`, { skip: missing(shell) }, () => {
      using room = new ShellRoom(shell, scripts[shell]);
      const [block = "", ...others] = blocks(read("docs/guide.md"), shell);
      assert.deepEqual(others, []);
      if (file === null) room.run(shell, block);
      else writeFileSync(join(room.folder, file), block);
      const load = file === null ? "" : `. ~/${file}`;
      assert.deepEqual(room.complete(shell, ["llxprt-auth doc", "llxprt-auth completion z"], load), [
        ["doctor"],
        ["zsh"],
      ]);
      assert.equal(room.hasStartedSomething, false);
    });

  it("works in zsh as a file of `fpath`", { skip: missing("zsh") }, () => {
    using room = new ShellRoom("zsh", scripts.zsh);
    const load = "mkdir .f; cp .script .f/_llxprt-auth; fpath=(~/.f $fpath); autoload -Uz compinit; compinit -u -D";
    const lines = ["llxprt-auth doc", "llxprt-auth completion z"];
    assert.deepEqual(room.complete("zsh", lines, load), [["doctor"], ["zsh"]]);
  });
});

// Real shells that complete command lines: the script is sourced as a person does it, and the shell is asked what it offers.
//
// No program of ours may be started for that: what bears its name leaves a mark instead.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Shell } from "../../cli/completion/scripts.ts";

/** How the script gets into a shell without a file of the person's. */
const sourced: Readonly<Record<Shell, string>> = {
  bash: ". ./.script",
  zsh: "autoload -Uz compinit; compinit -u -D; . ./.script",
  fish: "source ./.script",
};

/** Every line on standard input is completed at its end; each answer ends with a line of its own. */
const drivers: Readonly<Record<Shell, string>> = {
  // As bash fills these in; it takes words apart at COMP_WORDBREAKS.
  bash: `LOAD
while IFS= read -r line; do
  COMP_LINE="$line" COMP_POINT=\${#line} COMP_WORDS=() rest="$line"
  for word in \${line//=/ = }; do COMP_WORDS+=("$word"); done
  case "$line" in *[\\ =]) COMP_WORDS+=("") ;; esac
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  _llxprt_auth llxprt-auth "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
  if ((\${#COMPREPLY[@]})); then printf '%s\\n' "\${COMPREPLY[@]}"; fi
  echo ==
done`,
  // An interactive zsh on a terminal of its own. One key puts each line on the command line in turn and completes there; what
  // would be offered goes into a file, because a terminal wraps, redraws and echoes.
  zsh: `cat >.lines
cat >.inner <<'EOF'
LOAD
compadd () {
  if [[ "\${(j: :)@[1,(i)(-|--)]}" != *-[OAD]\\ * ]]; then
    local -a hits
    builtin compadd -O hits "$@"
    print -rl -- $hits >>.answers
  fi
  builtin compadd "$@"
}
all () {
  local line
  for line in "\${(@f)$(<.lines)}"; do
    BUFFER=$line CURSOR=\${#line}
    zle list-choices
    print "==" >>.answers
  done
  exit
}
zle -N all; bindkey '^X' all
print ready
EOF
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell '. ./.inner'
while zpty -r shell line; do if [[ $line == ready* ]]; then break; fi; done
zpty -n -w shell $'\\C-x'
while zpty -r shell line; do :; done
cat .answers`,
  fish: `LOAD
while read -l line
  complete -C "$line" | string replace -r '\\t.*' ''
  echo ==
end`,
};

const starts: Readonly<Record<Shell, readonly string[]>> = {
  bash: ["--norc", "--noprofile"],
  zsh: ["-f"],
  fish: [],
};

/** False, or why there is none: for the `skip` of a test. */
export function missing(shell: Shell): string | false {
  return spawnSync(shell, ["-c", "true"]).status === 0 ? false : `there is no ${shell} here`;
}

export class ShellRoom implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "llxprt-completion-"));
  readonly #mark = join(this.folder, ".something-was-started");

  /** @param script what a command of our name prints, if asked for this shell */
  constructor(shell: Shell, script: string) {
    writeFileSync(join(this.folder, ".script"), script);
    mkdirSync(join(this.folder, ".bin"));
    const print = `if test "$*" = "completion ${shell}"; then exec cat '${join(this.folder, ".script")}'; fi\n`;
    for (const name of ["llxprt-auth", "node", "browse-here"]) {
      const path = join(this.folder, ".bin", name);
      writeFileSync(path, `#!/bin/sh\n${name === "llxprt-auth" ? print : ""}touch '${this.#mark}'\n`);
      chmodSync(path, 0o755);
    }
    // What there is to complete with.
    mkdirSync(join(this.folder, "keep"));
    writeFileSync(join(this.folder, "keys.txt"), "");
  }

  get hasStartedSomething(): boolean {
    return existsSync(this.#mark);
  }

  get environment(): NodeJS.ProcessEnv {
    const { PATH = "" } = process.env;
    const path = `${join(this.folder, ".bin")}:${PATH}`;
    return { PATH: path, HOME: this.folder, ZDOTDIR: this.folder, TERM: "xterm", LC_ALL: "C.UTF-8" };
  }

  /** Runs these lines in the shell. */
  run(shell: Shell, lines: string): void {
    execFileSync(shell, [...starts[shell], "-c", lines], { cwd: this.folder, env: this.environment });
  }

  /** What the shell offers at the end of each line, sorted, hidden files aside; of `--option=value` the value. */
  complete(shell: Shell, lines: readonly string[], load = sourced[shell]): string[][] {
    const driver = drivers[shell].replace("LOAD", load);
    const { stdout, stderr, status } = spawnSync(shell, [...starts[shell], "-c", driver], {
      cwd: this.folder,
      env: this.environment,
      input: `${lines.join("\n")}\n`,
      encoding: "utf8",
      timeout: 20_000,
    });
    if (status !== 0 || stderr !== "") throw new Error(`${shell} ended with ${status}: ${stderr}${stdout}`);
    const answers = stdout.split("==\n").slice(0, -1);
    return answers.map((answer) =>
      [...new Set(answer.split("\n"))]
        .filter((one) => one !== "" && !one.startsWith("."))
        .map((one) => one.replace(/^--[\w-]+=/, "").replace(/\/$/, ""))
        .toSorted(),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

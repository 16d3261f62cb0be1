// The completion script of each shell that has one, and which shell it is that is asked for.
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { vocabulary } from "./vocabulary.ts";
import { zshScript } from "./zsh.ts";

const writers = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export type Shell = keyof typeof writers;

export const shells = Object.keys(writers) as readonly Shell[];

/** The scripts, each as it is printed. */
export async function completionScripts(): Promise<Readonly<Record<Shell, string>>> {
  const words = await vocabulary();
  const { bash, zsh, fish } = writers;
  return { bash: bash(words), zsh: zsh(words), fish: fish(words) };
}

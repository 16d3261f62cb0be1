// How two judges are compared that nobody wrote for each other: ours, and `oauth4webapi`, which follows the standards to the
// letter. Both are asked about the same input. Where they differ, a difference has to be listed that explains it: without
// what the difference is about, they agree. So no entry can hide anything but what it names.
import type * as fc from "fast-check";

export interface Difference<Input> {
  /** What about the input it is, in a few words. */
  readonly name: string;
  /** `stricter`: we refuse more than the standard asks for; `vendors`: what vendors do is taken; `purpose`: we need less. */
  readonly kind: "stricter" | "vendors" | "purpose";
  /** Why it is meant. */
  readonly why: string;
  /** The input without it. Null: there is nothing of it in this input. */
  readonly mended: (input: Input) => Input | null;
}

export interface Subject<Input = unknown> {
  readonly name: string;
  /** Our function and theirs. */
  readonly between: readonly [ours: string, theirs: string];
  readonly inputs: fc.Arbitrary<Input>;
  /** How many inputs a run takes. */
  readonly runs: number;
  /** A verdict in words, with everything in it that a caller could use. */
  readonly ours: (input: Input) => string | Promise<string>;
  readonly theirs: (input: Input) => string | Promise<string>;
  readonly differences: readonly Difference<Input>[];
}

export type Compared =
  | { readonly kind: "same"; readonly verdict: string }
  /** Names of what explains it: one where one is enough, else several together. */
  | { readonly kind: "explained"; readonly by: readonly string[] }
  | { readonly kind: "unlisted"; readonly ours: string; readonly theirs: string };

export async function compare<Input>(subject: Subject<Input>, input: Input): Promise<Compared> {
  const [ours, theirs] = await verdicts(subject, input);
  if (ours === theirs) return { kind: "same", verdict: ours };
  for (const { name, mended } of subject.differences) {
    const without = mended(input);
    if (without !== null && (await agree(subject, without))) return { kind: "explained", by: [name] };
  }
  let left = input;
  const by: string[] = [];
  for (const { name, mended } of subject.differences) {
    const without = mended(left);
    if (without === null) continue;
    left = without;
    by.push(name);
  }
  return by.length > 1 && (await agree(subject, left)) ? { kind: "explained", by } : { kind: "unlisted", ours, theirs };
}

const verdicts = <Input>({ ours, theirs }: Subject<Input>, input: Input): Promise<[string, string]> =>
  Promise.all([ours(input), theirs(input)]);

async function agree<Input>(subject: Subject<Input>, input: Input): Promise<boolean> {
  const [ours, theirs] = await verdicts(subject, input);
  return ours === theirs;
}

// How a rule is tested here: what it demands is seen to hold, and what it forbids is seen to be refused. Test titles name
// the rule and the section it is from; the same declarations make docs/conformance.md, so a rule without a test shows.
import { describe, it, type TestContext } from "node:test";
import type { RuleId } from "./ids.ts";

export interface Rule {
  readonly id: RuleId;
  /** Document and section, as people cite it: `RFC 7636 4.1`. For what no document rules: the word it goes by. */
  readonly source: string;
  /** What it demands, in one sentence. */
  readonly says: string;
}

/** A test may skip itself where the machine lacks what it needs. */
type Tests = Readonly<Record<string, (context: TestContext) => void | Promise<void>>>;

export interface Declared extends Rule {
  readonly holds: readonly string[];
  readonly refuses: readonly string[];
  /** Where the same is tested in its large size, or as a person does it: a file and what is looked for in it. */
  readonly also: readonly Elsewhere[];
}

export interface Elsewhere {
  readonly file: string;
  /** Words of a test's title, or of a part's, as they stand in that file. */
  readonly words: string;
}

const declared: Declared[] = [];
let isListing = false;

/** From now on rules are only listed, none is tested. @returns the list, which grows as files of rules are loaded */
export function listed(): readonly Declared[] {
  isListing = true;
  return declared;
}

/**
 * Tests a rule. `holds`: that we do what it demands; `refuses`: that what it forbids is not done, or not accepted. The keys
 * say in a few words what was tried.
 */
export function rule(
  { id, source, says }: Rule,
  {
    holds,
    refuses,
    also = [],
  }: { readonly holds: Tests; readonly refuses: Tests; readonly also?: readonly Elsewhere[] },
): void {
  declared.push({ id, source, says, holds: Object.keys(holds), refuses: Object.keys(refuses), also });
  if (isListing) return;
  describe(`${id}, ${source}: ${says}`, () => {
    for (const [what, test] of Object.entries(holds)) it(`holds: ${what}`, test);
    for (const [what, test] of Object.entries(refuses)) it(`refuses: ${what}`, test);
  });
}

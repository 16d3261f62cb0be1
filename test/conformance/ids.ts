// Every rule that has to be shown: PKCE, authorization request, redirect and callback, mix-up, token
// endpoint, refreshing, device grant, issuer metadata, revocation; and the threats that no document rules on.

export type RuleId = `${"P" | "A" | "R" | "M" | "K" | "F" | "D" | "I" | "V" | "T"}${number}`;

function numbered(letter: string, last: number, digits: number, without: readonly number[] = []): RuleId[] {
  const numbers = Array.from({ length: last }, (_, index) => index + 1);
  return numbers
    .filter((number) => !without.includes(number))
    .map((number) => `${letter}${String(number).padStart(digits, "0")}` as RuleId);
}

export const ids: readonly RuleId[] = [
  ...numbered("P", 10, 2),
  ...numbered("A", 12, 2, [10]),
  ...numbered("R", 20, 2),
  ...numbered("M", 6, 2),
  ...numbered("K", 16, 2),
  ...numbered("F", 10, 2),
  ...numbered("D", 17, 2),
  ...numbered("I", 4, 2),
  ...numbered("V", 4, 2),
  ...numbered("T", 54, 1),
];

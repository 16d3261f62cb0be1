// `<p> why`: every source of a credential in order of precedence, where it comes from, and which one wins.
import type { Candidate, Precedence } from "../../runtime/index.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  run: async ({ account: accountOf, flags, output }) => {
    const account = await accountOf();
    const precedence = account.why();
    const { provider } = account;
    if (flags.json === true) {
      output.json({ schema: 1, provider, account: account.account, ...asJson(precedence) });
      return 0;
    }
    const { candidates, winner } = precedence;
    const wide = Math.max(...candidates.map(({ kind }) => kind.length));
    output.data(`${provider}: ${winner === null ? "no credential" : `${winner.kind} wins`}`);
    for (const [index, one] of candidates.entries()) {
      const isWinner = one === winner;
      const line = `${isWinner ? "→" : " "} ${index + 1}  ${one.kind.padEnd(wide)}  ${sayingOf(one, isWinner)}`;
      output.data(isWinner ? output.styleData("bold", line) : line);
    }
    return 0;
  },
};

function sayingOf({ kind, origin, isSet }: Candidate, isWinner: boolean): string {
  // OAuth says by itself how it stands.
  const state = isSet ? (isWinner ? "wins" : "outranked") : "not set";
  return kind === "oauth" ? origin : `${origin}: ${state}`;
}

function asJson({ candidates, winner }: Precedence): object {
  return {
    winner: winner === null ? null : shape(winner),
    candidates: candidates.map((one) => ({ ...shape(one), wins: one === winner })),
  };
}

function shape({ kind, origin, name, isSet }: Candidate): object {
  return { kind, ...(name === undefined ? {} : { name }), origin, set: isSet };
}

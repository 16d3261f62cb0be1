// The server: rotates with every presentation, knows a spent refresh token when it sees one, and then revokes the family
// (RFC 9700 4.14.2), unless it forgives that for a while.
import { access, at, factBits, firstToken, type State } from "./layout.ts";
import type { World } from "./world.ts";

/** Sees one presentation. Called once for every answer that there can be. */
export function serve(
  world: World,
  fork: (s: State) => State,
  s: State,
  lineage: number,
  token: number,
  reply: (n: State, body: number, what: string, isGood: boolean) => void,
): void {
  const isValid = at(s, world.revokedAt + lineage) === 0 && !isSpent(world, s, lineage, token);
  if (!isValid) {
    const n = fork(s);
    n[world.revokedAt + lineage] = 1;
    const seen = world.contentOf(world.visible(s));
    // With the family its access tokens go as well.
    if (seen?.lineage === lineage) n[world.accessAt] = access.dead;
    reply(n, world.refusal, "the server revokes the family", true);
    return;
  }
  if (world.canIssue(s, lineage)) {
    const n = fork(s);
    const issued = at(s, world.issuedAt + lineage);
    n[world.issuedAt + lineage] = issued + 1;
    world.consume(n, lineage, token);
    reply(n, firstToken + issued, "the server rotates", true);
  }
  if (!world.bounds.oddReplies) return;
  for (const [body, isConsumed, what] of [
    [world.garbled, true, "the server rotates, and says it so that nobody understands"],
    [world.unclear, true, "the server rotates, and says that it failed"],
    [world.unclear, false, "the server fails, and calls it a success"],
  ] as const) {
    const n = fork(s);
    if (isConsumed) world.consume(n, lineage, token);
    world.excuse(n, lineage, token);
    reply(n, body, what, false);
  }
}

/** Whether presenting this token now costs the family. */
export function isSpent(world: World, s: State, lineage: number, token: number): boolean {
  if (!world.is(s, lineage, token, factBits.consumed)) return false;
  const { grace } = world.bounds;
  return grace === "none" || (grace === "known" && world.spentFor(s, lineage, token) > 1);
}

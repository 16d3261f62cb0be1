// What differs from run to run besides the deeds: the server, and where it begins.
import * as fc from "fast-check";
import type { Provider } from "../../providers/provider.ts";
import { openings } from "./deeds.ts";
import { type Scene, userCode } from "./scene.ts";

export interface Setting {
  readonly rotation: Provider["rotation"];
  readonly reuseGraceMs: number;
  /** What the poll of a device sign-in brings. */
  readonly poll: "tokens" | "a code";
  readonly opening: keyof typeof openings;
}

export const plain: Setting = { rotation: "always", reuseGraceMs: 0, poll: "tokens", opening: "with nothing" };

export const anySetting: fc.Arbitrary<Setting> = fc.record({
  rotation: fc.constantFrom("always", "always", "always", "sometimes", "never"),
  reuseGraceMs: fc.constantFrom(0, 0, 60_000),
  poll: fc.constantFrom("tokens", "tokens", "a code"),
  opening: fc.constantFrom(...(Object.keys(openings) as (keyof typeof openings)[])),
});

export function staged(
  stage: (changes: Partial<Pick<Provider, "rotation" | "reuseGraceMs" | "device">>) => Scene,
  { rotation, reuseGraceMs, poll }: Setting,
): Scene {
  return stage({ rotation, reuseGraceMs, ...(poll === "a code" ? { device: userCode } : {}) });
}

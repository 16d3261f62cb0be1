// The wire fuzz in its small form: every parser and every reply, hostile shapes and other bytes. The long form is
// `npm run fuzz -- --part wire --minutes N`.
import assert from "node:assert/strict";
import { it } from "node:test";
import { fuzz } from "./run.ts";
import { targets } from "./targets.ts";

const cases = 20_000;
const seed = Math.floor(Math.random() * 2 ** 31);

it(`holds for ${cases} cases over ${targets.length} targets (seed ${seed})`, (t) => {
  const { counted, broken } = fuzz(targets, seed, cases, (done) => done >= cases);
  assert.deepEqual(broken.map(({ target, kind, says }) => `${target}, ${kind}: ${says}`).join("\n\n"), "");
  for (const { name, endings } of targets) {
    t.diagnostic(`${name}: ${counted.get(name)} cases, ${[...endings].map((pair) => pair.join(" ")).join(", ")}`);
    // What always ends alike is not tried: the good ways through are as much in it as the bad ones.
    const most = Math.max(...endings.values());
    assert.ok(endings.size > 1 || name === "id token", `${name} ends in one way only`);
    assert.ok(
      most <= 0.97 * (counted.get(name) ?? 0) || name === "id token",
      `${name} nearly always ends in the same way`,
    );
  }
});

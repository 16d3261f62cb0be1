// A program and eight children that live through the ends of one token after another: nobody's request fails, none of them was
// handed a token, and each end costs one refresh token (R5.4).
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { it } from "node:test";
import { ask } from "../../runtime/index.ts";
import { signIn, stage } from "../support/stage.ts";

const children = 8;
const ends = 5;

it("a parent and its children ask on while their token ends again and again", async () => {
  await using s = await stage();
  const auth = s.auth();
  await signIn(s, auth, "codex");
  const agents = Array.from({ length: children }, () =>
    fork(join(import.meta.dirname, "sub-agent.ts"), [s.home.paths.home], { execArgv: ["--conditions=development"] }),
  );
  try {
    await Promise.all(agents.map(said));
    const everybody = (): Promise<string[]> =>
      Promise.all([
        ask(auth, "codex", [{ role: "user", text: "go on" }]).then(({ text }) => text),
        ...agents.map((agent) => {
          const answer = said(agent);
          agent.send("ask");
          return answer;
        }),
      ]);
    const expected = Array.from({ length: children + 1 }, () => "You said: go on");
    assert.deepEqual(await everybody(), expected);
    for (let end = 1; end <= ends; end += 1) {
      s.emulator.expireAccess("codex");
      assert.deepEqual(await everybody(), expected, `after end ${end}`);
      const { refreshes, reuses } = s.emulator.counters("codex");
      assert.deepEqual({ refreshes, reuses }, { refreshes: end, reuses: 0 });
    }
  } finally {
    await Promise.all(
      agents.map(async (agent) => {
        const over = once(agent, "exit");
        if (agent.connected) agent.disconnect();
        else agent.kill();
        await over;
      }),
    );
  }
});

/** The next that a child says. */
async function said(agent: ChildProcess): Promise<string> {
  const [word] = (await once(agent, "message")) as [string];
  return word;
}

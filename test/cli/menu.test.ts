// The menu of the bare command, at a real terminal, and what it shows of what other processes do while somebody looks.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { until } from "../support/stage.ts";
import { House } from "./program.ts";
import { leaveSeats, noTerminals, type Seat, sitDown } from "./seat.ts";

afterEach(leaveSeats);

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ deviceIntervalS: 1 });
});
after(() => emulator.close());

const ctrlC = "\u0003";
const up = "\u001B[A";
const down = "\u001B[B";
const whole = /^icanon\necho$/m;

/** A token file with an hour left. */
const anHour = () => ({
  access_token: "plainly-fake",
  expiry: Math.floor(Date.now() / 1000) + 3600,
  token_type: "Bearer",
});

describe("the menu", { skip: noTerminals }, () => {
  it("is what the bare command is, and Ctrl-C leaves it with 130", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "");
    await seat.sees(/Which provider\?[^]*✗ anthropic +disabled/);
    seat.type("\r");
    await seat.sees(/What about gemini\?[^]*sign in/);
    seat.type("\r");
    await seat.sees(/OAuth is on for gemini\.[^]*Which provider\?[^]*idle/);
    seat.type(ctrlC);
    const { code, screen } = await seat.left;
    assert.equal(code, 130);
    assert.match(stripVTControlCharacters(screen), whole);
  });

  it("follows what another process does, and draws no line that is as it was", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "");
    await seat.sees(/✗ qwen +disabled[^]*└\n$/);
    await house.run("codex enable");
    const [one] = await seat.sees(/└\n([^]*✗ codex +idle)$/);
    assert.doesNotMatch(one, /└\n[^]*(?:Which provider|anthropic|qwen)/);
    house.plant("codex", anHour());
    await seat.sees(/✓ codex +authenticated, 59 min left$/);
    const pending = JSON.parse((await house.run("qwen login --detach --json")).stdout);
    await seat.sees(/✗ qwen +awaitingPoll, 14 min left$/);
    await emulator.approve(pending.urlComplete);
    await seat.sees(/✓ qwen +authenticated, \d h left$/);
    seat.type(ctrlC);
    const { code, screen } = await seat.left;
    assert.equal(code, 130);
    assert.equal(stripVTControlCharacters(screen).split("◆  Which provider?").length - 1, 1);
  });

  it("puts an account that appears at the end, where no key can choose it by mistake", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "");
    await seat.sees(/nothing more/);
    house.plant("codex-work", anHour());
    await seat.sees(/nothing more\n[^]*✓ codex \(work\) +authenticated/);
    seat.type(down.repeat(4));
    await seat.sees(/● nothing more/);
    seat.type("\r");
    assert.equal((await seat.left).code, 0);
  });

  it("offers what has become possible, and no longer what is not", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "");
    await seat.sees(/nothing more/);
    await goTo(seat, "codex");
    await seat.sees(/What about codex\? It is disabled\.[^]*● turn OAuth on[^]*○ back/);
    house.plant("codex", anHour());
    await seat.sees(
      /It is authenticated, 59 min left\.[^]*○ sign in again[^]*○ back\n.*○ renew the token\n.*○ sign out/,
    );
    // To what is new, and round it past what has gone.
    const below = ["sign in", "show its", "show which", "back", "renew", "sign out", "turn OAuth off", "sign in"];
    const keys = [...below.map((words) => [down, words]), [up, "turn OAuth off"], [up, "sign out"]] as const;
    for (const [key = "", words = ""] of keys) {
      seat.type(key);
      await seat.sees(new RegExp(`● ${words}[^●]*$`));
    }
    seat.type("\r");
    await seat.sees(/Signed out of codex[^]*Which provider\?[^]*● ✗ codex/);
    seat.type(ctrlC);
    await seat.left;
  });

  it("passes on what was said to it", async () => {
    using house = new House(emulator);
    using other = new House(emulator);
    const seat = sitDown(house, `--home ${other.home} --no-browser`, { DISPLAY: ":0", BROWSER: house.counted });
    await seat.sees(/nothing more/);
    await goTo(seat, "gemini");
    await seat.sees(/● turn OAuth on/);
    seat.type(down);
    await seat.sees(/● sign in/);
    seat.type("\r");
    await seat.sees(/Open this address:[^]*Waiting for/);
    await until(() => other.pending().length === 1, "a sign-in in the other home");
    seat.type(ctrlC);
    // The sign-in goes on without this terminal, and the menu goes on as well.
    await seat.sees(/Finish it with:\s[^]*● ✗ gemini +awaitingCode/);
    seat.type(ctrlC);
    const { screen } = await seat.left;
    assert.doesNotMatch(screen, /browser was asked/);
    assert.deepEqual(house.openings, []);
  });

  it("ends with what is wrong when the settings break while one looks, and leaves the terminal whole", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "");
    await seat.sees(/nothing more/);
    house.settings("{");
    const { code, screen } = await seat.left;
    assert.equal(code, 6);
    assert.match(stripVTControlCharacters(screen), /settings\.json[^]*\nNext: /);
    assert.match(stripVTControlCharacters(screen), whole);
  });

  it("fits a narrow terminal, and one that does not tell its size", async () => {
    using house = new House(emulator);
    house.plant("codex", anHour());
    const narrow = sitDown(house, "", {}, "cols 30 rows 24");
    await narrow.sees(/✓ codex +authenticated\n/);
    narrow.type(ctrlC);
    await narrow.left;
    const unknown = sitDown(house, "", {}, "cols 0 rows 0");
    await unknown.sees(/✓ codex +authenticated, 59 min left\n/);
    unknown.type(ctrlC);
    assert.equal((await unknown.left).code, 130);
  });
});

/** Marks an account, from the first one on, and chooses it. */
async function goTo(seat: Seat, account: string): Promise<void> {
  for (;;) {
    const [, marked] = await seat.sees(/[^]*● . (\w+)/);
    if (marked === account) break;
    seat.type(down);
    await seat.sees(new RegExp(`● . ${marked}[^]*● . (?!${marked})`));
  }
  seat.type("\r");
}

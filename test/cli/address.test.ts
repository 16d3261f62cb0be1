// The address of a sign-in by other ways than reading it: clicked, scanned, copied. Never in the way of reading it.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import decode from "qr/decode.js";
import { copying } from "../../cli/clipboard.ts";
import { handingOver } from "../../cli/handing-over.ts";
import { hyperlink, takesHyperlinks } from "../../cli/hyperlink.ts";
import { qrCode } from "../../cli/qr-code.ts";
import type { Context } from "../../cli/session.ts";
import type { PendingRow, Provider } from "../../runtime/index.ts";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { addressIn, House } from "./program.ts";
import { leaveSeats, noTerminals, sitDown } from "./seat.ts";

/** What a camera reads off the screen. */
function scanned(lines: readonly string[], { isInverted = false } = {}): string {
  const columns = lines[0]?.length ?? 0;
  const scale = 4;
  const width = columns * scale;
  const height = lines.length * 2 * scale;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const row = Math.floor(y / scale);
      const character = lines[row >> 1]?.[Math.floor(x / scale)] ?? " ";
      const isLight = character === "█" || character === (row % 2 === 0 ? "▀" : "▄");
      data.fill(isLight === isInverted ? 0 : 255, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  return decode({ width, height, data });
}

const addresses = fc.stringMatching(/^[abcXYZ019._~%=&?/-]{1,600}$/).map((rest) => `https://auth.example/${rest}`);

describe("a QR code", () => {
  it("says the address to a scanner, at any width that takes it", () => {
    fc.assert(
      fc.property(addresses, fc.integer({ min: 0, max: 12 }), (address, more) => {
        const { columns } = qrCode(address, 0);
        const { lines } = qrCode(address, columns + more);
        assert.ok(lines !== null);
        assert.ok(lines.every((line) => line.length === lines[0]?.length && line.length <= columns + more));
        assert.equal(scanned(lines), address);
      }),
      { numRuns: 30 },
    );
  });

  it("has the quiet zone of the standard where there is room, and is not drawn where it would break", () => {
    const { columns } = qrCode("https://auth.example/device", 0);
    assert.equal(qrCode("https://auth.example/device", columns - 1).lines, null);
    const { lines } = qrCode("https://auth.example/device", 80);
    assert.match(lines?.slice(0, 2).join("") ?? "", /^█+$/);
    assert.ok(lines?.every((line) => line.startsWith("████") && line.endsWith("████")));
  });

  it("of a long address fits 80 columns", () => {
    assert.ok(qrCode(`https://auth.example/${"a".repeat(490)}`, 80).lines !== null);
  });

  it("of an address that none holds is said not to be, and stops no sign-in", async () => {
    const urlComplete = `https://auth.example/${"é".repeat(1500)}`;
    assert.deepEqual(qrCode(urlComplete, Infinity), { columns: Infinity, lines: null });
    const said: string[] = [];
    const context = { flags: { qr: true }, io: { stderr: {} }, output: { say: (line: string) => said.push(line) } };
    const handOver = await handingOver(context as unknown as Context, { grants: ["device"] } as unknown as Provider);
    handOver({ kind: "device", urlComplete } as PendingRow);
    assert.deepEqual(said, ["The address is too long for a QR code."]);
  });
});

describe("a hyperlink", () => {
  const address = "https://auth.example/authorize?state=x&scope=a+b";

  it("is the bare address to who reads and copies", () => {
    assert.equal(stripVTControlCharacters(hyperlink(address)), address);
    assert.ok(hyperlink(address).includes(`;${address}\u001B\\`), "and leads there");
    for (const hostile of ["https://a/\u0007", "https://a/\u001B\\b", "https://a/ b", "https://a/é"])
      assert.equal(hyperlink(hostile), hostile);
  });

  const taken: readonly (readonly [Readonly<Record<string, string>>, boolean])[] = [
    [{ TERM: "xterm-256color" }, false],
    [{ TERM: "xterm-256color", VTE_VERSION: "7200" }, true],
    [{ TERM: "xterm-256color", VTE_VERSION: "5000" }, false],
    [{ TERM: "xterm-256color", VTE_VERSION: "7200", NO_COLOR: "1" }, false],
    [{ TERM: "dumb", VTE_VERSION: "7200" }, false],
    [{ TERM: "tmux-256color", TMUX: "/x", VTE_VERSION: "7200" }, false],
    [{ TERM: "screen", STY: "1.x", VTE_VERSION: "7200" }, false],
    [{ TERM: "xterm-kitty" }, true],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "vscode", TERM_PROGRAM_VERSION: "1.71.2" }, false],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "vscode", TERM_PROGRAM_VERSION: "1.108.0" }, true],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app", TERM_PROGRAM_VERSION: "3.0.9" }, false],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "WezTerm", TERM_PROGRAM_VERSION: "20240203-110809-5046fc22" }, true],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "Apple_Terminal" }, false],
    [{ TERM: "xterm-256color", WT_SESSION: "x" }, true],
    [{ TERM: "tmux-256color", TMUX: "/x", FORCE_HYPERLINK: "1" }, true],
    [{ TERM: "xterm-kitty", FORCE_HYPERLINK: "0" }, false],
  ];
  for (const [environment, expected] of taken)
    it(`${expected ? "for" : "not for"} ${JSON.stringify(environment)}`, () => {
      assert.equal(takesHyperlinks(environment), expected);
    });
});

/** What stands between the first of these and the last of those. */
function between(text: string, opening: string, closing: string): string {
  return text.slice(text.indexOf(opening) + opening.length, text.lastIndexOf(closing));
}

describe("copying", () => {
  const [escape, bell] = ["\u001B", "\u0007"];
  const decoded = (sequence: string) =>
    Buffer.from(between(sequence, `${escape}]52;c;`, bell), "base64").toString("utf8");

  it("hands the whole text to the terminal outside, whatever is in between", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 2000 }), (text) => {
        assert.equal(decoded(copying(text, {})), text);
        const through = between(copying(text, { TMUX: "/x" }), `${escape}Ptmux;`, `${escape}\\`);
        assert.equal(decoded(through.replaceAll(escape + escape, escape)), text);
        const pieces = copying(text, { STY: "1.x" }).split(`${escape}\\`);
        assert.ok(pieces.every((piece) => piece === "" || (piece.startsWith(`${escape}P`) && piece.length < 768)));
        assert.equal(decoded(pieces.map((piece) => piece.slice(2)).join("")), text);
      }),
    );
  });
});

describe("a sign-in", { skip: noTerminals }, () => {
  let emulator: Emulator;
  before(async () => {
    emulator = await startEmulator({ deviceIntervalS: 1 });
  });
  after(() => emulator.close());
  afterEach(leaveSeats);

  it("shows a QR code and copies when it is asked to, and signs in as ever", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "qwen login --qr --copy", { NO_COLOR: undefined });
    const [text, complete = "", userCode = ""] = await seat.sees(/[^]*^(http\S+user_code=(\S+))$[^]*Waiting for/m);
    assert.equal(scanned(text.split("\n").filter((line) => /^[█▀▄ ]{20,}$/.test(line))), complete);
    await emulator.approveDevice(userCode);
    const { code, screen } = await seat.left;
    assert.equal(code, 0, screen);
    assert.ok(screen.includes(`\u001B]52;c;${Buffer.from(complete).toString("base64")}\u0007`));
    assert.ok(screen.includes("\u001B[97m\u001B[40m█"), "on a ground of its own");
  });

  it("does neither unasked, and makes links only where they are taken", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "gemini login --no-browser", { NO_COLOR: undefined, VTE_VERSION: "7200" });
    const [text] = await seat.sees(/[^]*Waiting for/);
    const address = addressIn(text);
    await emulator.approve(address);
    const { screen } = await seat.left;
    assert.ok(screen.includes(`\n${hyperlink(address)}\n`));
    assert.ok(!screen.includes("█") && !screen.includes("\u001B]52"));
    const piped = await house.run("gemini login --detach --copy --qr", { env: { VTE_VERSION: "7200" } });
    assert.ok(!piped.stdout.includes("\u001B") && !piped.stderr.includes("\u001B"));
    assert.match(piped.stderr, /There is no terminal here, so the address was not copied\./);
    const lines = piped.stderr.split("\n").filter((line) => /^[█▀▄ ]{20,}$/.test(line));
    assert.equal(scanned(lines, { isInverted: true }), addressIn(piped.stdout), "on a light ground, too");
    await house.run("gemini cancel");
  });

  it("says what a code that does not fit needs, and what has a shorter address", async () => {
    using house = new House(emulator);
    const seat = sitDown(house, "codex login --qr --no-browser", {}, "cols 50 rows 40");
    await seat.sees(/needs\s\d+\scolumns,\sand\sthere\sare\s50\./);
    await seat.sees(/llxprt-auth\scodex\slogin\s--device\s--qr/);
    seat.type("\u0003");
    assert.equal((await seat.left).code, 130);
  });
});

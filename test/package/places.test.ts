// Signing in with the built command wherever people are without a browser beside it: the same traces that the place leaves
// in the environment, a real terminal where there is one, what is said there, and a login at the end.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { addressIn, House, type Json } from "../cli/program.ts";
import { leaveSeats, noTerminals, type Seat, sitDown } from "../cli/seat.ts";
import { entry } from "./built.ts";

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ deviceIntervalS: 1 });
});
after(async () => {
  leaveSeats();
  await emulator.close();
});

const copied = (address: string) => `]52;c;${Buffer.from(address).toString("base64")}\u0007`;

/** Lets the person do their part, with what was on the screen when it began to wait. */
type Person = (seat: Seat, screen: string) => Promise<unknown>;

/** A browser that reaches the port. */
const comesBack: Person = (_, screen) => emulator.approve(addressIn(screen));
/** A browser that shows a code, which is carried back by hand. */
const pastes: Person = async (seat, screen) => {
  const { shown } = await emulator.approve(addressIn(screen));
  seat.type(`${shown}\r`);
};
/** A browser anywhere, and a code to type there. */
const typesCode: Person = (_, screen) =>
  emulator.approveDevice(/^([A-Z0-9]{4}-[A-Z0-9]{4,5})$/m.exec(screen)?.[1] ?? "");
/** The browser that was opened does it. */
const nothing: Person = async () => undefined;

interface Place {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly line: string;
  /** On the screen, once it waits. */
  readonly says: RegExp;
  readonly person: Person;
  readonly opens?: boolean;
  /** Among the raw characters, given the address that was shown last. */
  readonly sends?: (address: string) => string;
}

const places: readonly Place[] = [
  {
    name: "SSH, with the port forwarded",
    env: { SSH_CONNECTION: "198.51.100.7 50000 203.0.113.5 2222", USER: "robin" },
    line: "gemini login",
    says: /127\.0\.0\.1%3A(\d+)[^]*This is an SSH session\.[^]*\n\nssh -L \1:127\.0\.0\.1:\1 -N -p 2222 robin@203\.0\.113\.5\n\n/,
    person: comesBack,
  },
  {
    name: "SSH, with a code",
    env: { SSH_TTY: "/dev/pts/7" },
    line: "codex login --device",
    says: /enter this code/,
    person: typesCode,
  },
  {
    name: "a container",
    env: { container: "podman" },
    line: "anthropic login",
    says: /Then paste here what the page shows/,
    person: pastes,
  },
  {
    name: "WSL, whose Windows has the browser",
    env: { WSL_DISTRO_NAME: "Debian" },
    line: "gemini login",
    says: /This is WSL\. A browser of Windows comes back here/,
    person: nothing,
    opens: true,
  },
  {
    name: "Codespaces",
    env: { CODESPACES: "true", CODESPACE_NAME: "cuddly-space" },
    line: "gemini login",
    says: /127\.0\.0\.1%3A(\d+)[^]*\n\ngh codespace ports forward \1:\1 -c cuddly-space\n\n/,
    person: comesBack,
  },
  {
    name: "a remote terminal of an editor, which opens the browser",
    env: { TERM_PROGRAM: "vscode", VSCODE_IPC_HOOK_CLI: "/run/vscode.sock" },
    line: "gemini login",
    says: /see its list of\sports\./,
    person: nothing,
    opens: true,
  },
  {
    name: "no display",
    env: {},
    line: "qwen login",
    says: /There is no display here: open the address in a browser on any machine\./,
    person: typesCode,
  },
  {
    name: "tmux",
    env: { TMUX: "/run/tmux,1,0", TERM: "tmux-256color", VTE_VERSION: "7200" },
    line: "qwen login --copy",
    says: /handed to the clipboard/,
    person: typesCode,
    sends: (address) => `\u001BPtmux;\u001B\u001B${copied(address)}\u001B\\`,
  },
  {
    name: "GNU screen",
    env: { STY: "1.pts-0", TERM: "screen" },
    line: "qwen login --copy",
    says: /handed to the clipboard/,
    person: typesCode,
    sends: (address) => `\u001BP\u001B${copied(address)}\u001B\\`,
  },
];

describe("at a terminal a person signs in from", { skip: noTerminals, concurrency: 9 }, () => {
  for (const { name, env, line, says, person, opens = false, sends } of places)
    it(name, async () => {
      using house = new House(emulator);
      const browser: Readonly<Record<string, string>> = opens ? { BROWSER: house.agreeing() } : {};
      const seat = sitDown(house, line, { NO_COLOR: undefined, ...env, ...browser }, undefined, [
        process.execPath,
        entry,
      ]);
      const [screen] = await seat.sees(opens ? /[^]*✓/ : /[^]*Waiting for the sign-in/);
      await seat.sees(says);
      await person(seat, screen);
      const { code, screen: all } = await seat.left;
      assert.equal(code, 0, all);
      assert.match(all, /Signed in to \w+/);
      const address = screen.split("\n").findLast((one) => /^https?:\/\/\S+$/.test(one)) ?? "";
      if (sends !== undefined) assert.ok(all.includes(sends(address)), "for the terminal outside");
      assert.ok(!all.includes("\u001B]8;"), "no terminal here is known to take a hyperlink");
      assert.deepEqual(house.pending(), []);
    });
});

describe("without a terminal somebody signs in from", { concurrency: 2 }, () => {
  it("CI, which is told how", async () => {
    using house = new House(emulator);
    const circumstances = { program: entry, env: { CI: "true", BROWSER: house.forbidden } };
    const { code, stderr } = await house.run("gemini login", circumstances);
    assert.equal(code, 3);
    const [, next = ""] = /^Next: llxprt-auth (gemini login --detach)$/m.exec(stderr) ?? [];
    const { url } = JSON.parse((await house.run(`${next} --json`, circumstances)).stdout) as Json;
    const waiting = house.start(["gemini", "wait"], circumstances);
    await waiting.said(/Waiting until/);
    await emulator.approve(url);
    assert.equal((await waiting.ended).code, 0);
    assert.ok(!house.has("../browser-was-opened"));
  });

  it("a job with next to no environment", async () => {
    using house = new House(emulator);
    const env = { TERM: undefined, TZ: undefined, FORCE_HYPERLINK: "1" };
    const job = house.start(["gemini", "login"], { program: entry, env });
    await job.said(/Waiting without limit/);
    await emulator.approve(addressIn((await job.said(/[^]*/))[0]));
    const { code, stderr } = await job.ended;
    assert.equal(code, 0);
    assert.ok(!stderr.includes("\u001B"), "a pipe is given bare text");
  });
});

// The device grant (RFC 8628): what is asked, what is shown, and when each poll is sent. Times are counted by a clock that
// only the machine's own alarms and the lengths of the replies move; nobody waits for it.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { inspect, stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import type { Fault } from "../../providers/emulator/index.ts";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Polled, Ready } from "../../machines/login/login.ts";
import { deviceLogin } from "../../machines/login/device.ts";
import { loginOf } from "../../runtime/actor.ts";
import { steadyClock } from "../../runtime/alarm.ts";
import type { Account } from "../../runtime/account.ts";
import { Secret } from "../../runtime/secret.ts";
import { challengeOf, deviceRequest, pollRequest } from "../../runtime/wire/request.ts";
import { deviceReply, pollReply, type WireReply } from "../../runtime/wire/response.ts";
import { play } from "../cli/played.ts";
import { commandLine } from "../cli/program.ts";
import { now } from "../machines/examples.ts";
import { waiting } from "../machines/login/walk.ts";
import { ends, step } from "../machines/step.ts";
import { acme, client, endpointsOf, reply } from "../runtime/wire/sample.ts";
import { canaries, everythingOf } from "../support/canary.ts";
import { modeOf } from "../support/home.ts";
import { beginLogin, codeOf, type Stage, stage, until } from "../support/stage.ts";
import { captured, fieldsOf } from "./captured.ts";
import { rule } from "./rule.ts";

const { codex, qwen } = providers;
const urn = "urn:ietf:params:oauth:grant-type:device_code";
const form = "application/x-www-form-urlencoded;charset=UTF-8";
const started = {
  device_code: "dc-1",
  user_code: "WDJB-MJHT",
  verification_uri: "https://id.acme.example/device",
  verification_uri_complete: "https://id.acme.example/device?user_code=WDJB-MJHT",
  expires_in: 1800,
  interval: 5,
};

const start = (provider: Provider) =>
  deviceRequest(provider, {
    endpoints: endpointsOf(provider),
    client,
    verifier: new Secret("code_verifier", "v".repeat(43)),
    requestId: "r-1",
  });

const poll = (provider: Provider, verifier: string | null = "v".repeat(43)) =>
  pollRequest(provider, {
    endpoints: endpointsOf(provider),
    client,
    deviceCode: new Secret("device_code", "dc-1"),
    userCode: "WDJB-MJHT",
    verifier: verifier === null ? null : new Secret("code_verifier", verifier),
  });

/** What the start of a sign-in leads to: an outcome, or the code of the error. */
function begun(members: object, provider: Provider = acme) {
  return deviceReply(provider, reply(200, { ...started, ...members }));
}

function codeAt(members: object): string {
  const outcome = begun(members);
  return "code" in outcome ? outcome.code : outcome.kind;
}

const says = (error: string, status = 400): WireReply => reply(status, { error });
const told = (answer: WireReply, provider: Provider = acme) => pollReply(provider, answer, { clientId: "client-1" });

interface Answer {
  /** From the request to the end of the reply. */
  readonly tookMs: number;
  /** Null: none comes. */
  readonly answer: WireReply | null;
}

interface Poll {
  readonly startedAt: number;
  readonly endedAt: number;
}

/** As `runtime/login/poll.ts` tells the machine. */
function polledOf(answer: WireReply | null, endedAt: number): Polled {
  const interim = { endedAt, retryAfterMs: null };
  if (answer === null) return { kind: "unavailable", code: "network_timeout", ...interim };
  const outcome = told(answer);
  if (outcome.kind === "pending") return { kind: "pending", ...interim };
  if (outcome.kind === "slow_down") return { kind: "slowDown", ...interim };
  if (outcome.kind === "unavailable") return { kind: "unavailable", code: outcome.code, ...interim };
  if (outcome.kind === "issued") return { kind: "granted" };
  assert.ok(outcome.kind !== "code");
  return { kind: "failed", code: outcome.code };
}

/** Plays a sign-in: each alarm rings at its time, each poll is answered as given. Ends with the answers, or before. */
function played(answers: readonly Answer[], changes: Partial<Ready> = {}) {
  let at = waiting(deviceLogin, changes);
  const { at: deadlineAt } = at.inputs["deadline"] as { at: number };
  const polls: Poll[] = [];
  let clock = now;
  for (const { tookMs, answer } of answers) {
    if (at.status !== "active") break;
    const { at: dueAt } = at.inputs["pollAlarm"] as { at: number };
    clock = Math.min(dueAt, deadlineAt);
    at = step(deviceLogin, at, { type: clock === deadlineAt ? "deadline.passed" : "poll.due" });
    if (at.status !== "active") break;
    const startedAt = clock;
    clock += tookMs;
    polls.push({ startedAt, endedAt: clock });
    at = step(deviceLogin, at, ends("poll", polledOf(answer, clock)));
  }
  const pauses = polls.map(({ startedAt }, index) => startedAt - (polls[index - 1]?.endedAt ?? now));
  return { polls, pauses, at, clock };
}

const quickly = (answer: WireReply | null, times = 1): readonly Answer[] =>
  Array.from({ length: times }, () => ({ tookMs: 100, answer }));
const pending = says("authorization_pending");
const slowDown = says("slow_down");

interface Waiting {
  readonly intervalMs: number;
  readonly pollAt: number;
  readonly failures: number;
}

/** What the machine of a sign-in under way knows. */
const waitingOf = ({ actor }: Account) => loginOf(actor.getSnapshot())?.context as unknown as Waiting;

/** The file of a sign-in under way. */
const recordOf = ({ home }: Stage): string =>
  home.pending().find((path) => path.endsWith(".json")) ?? assert.fail("there is none");

interface Observed {
  readonly waiting: Waiting;
  /** Of the first poll. */
  readonly askedAt: number;
  readonly record: Readonly<Record<string, unknown>>;
}

/** A real sign-in whose first poll met this, as it stands afterwards. */
async function afterPoll(s: Stage, fault: Fault): Promise<Observed> {
  s.emulator.fault("qwen", "poll", fault);
  const { account, ended } = await beginLogin(s.auth(), "qwen");
  const before = waitingOf(account).pollAt;
  await until(() => waitingOf(account).pollAt !== before, "it was polled", 30_000);
  const first = s.emulator.requests.find(({ endpoint }) => endpoint === "poll");
  const record = s.home.read(recordOf(s));
  const observed = { waiting: waitingOf(account), askedAt: Date.parse(first?.time ?? ""), record };
  await account.cancel();
  await assert.rejects(ended);
  return observed;
}

async function observe(fault: Fault): Promise<Observed> {
  await using s = await stage();
  return await afterPoll(s, fault);
}

const slow = 500;
const said = (error: string, status: number): Fault => ({ kind: "reply", status, body: JSON.stringify({ error }) });

/** At once, for each takes as long as an interval. */
function observeAll() {
  return Promise.all([
    observe({ kind: "delay", ms: slow }),
    observe(said("slow_down", 429)),
    observe({ kind: "drop-connection" }),
  ]).then(([late, slowed, dropped]) => ({ late, slowed, dropped }));
}

const python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const hasTerminals = spawnSync("python3", ["-c", "import pty"]).status === 0;

interface Screen {
  readonly shown: string;
  readonly code: number | null;
  readonly opened: boolean;
}

/** `login` at a terminal, with a start reply of these members; the person says no at once. Colours are left away. */
async function screenOf(members: Readonly<Record<string, unknown>>): Promise<Screen> {
  await using s = await stage();
  s.emulator.fault("qwen", "device", { kind: "rewrite", members });
  s.emulator.fault("qwen", "poll", said("access_denied", 400), 9);
  const mark = join(s.home.userHome, "opened");
  const line = [...commandLine, "qwen", "login", "--home", s.home.paths.home];
  const [program = "", ...words] = hasTerminals ? ["python3", "-c", python, ...line] : line;
  const child = spawn(program, words, {
    env: { PATH: process.env["PATH"], HOME: s.home.userHome, TERM: "xterm", NO_COLOR: "1", BROWSER: `touch ${mark}` },
    stdio: "pipe",
  });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const shown = stripVTControlCharacters(output + errors).replaceAll("\r\n", "\n");
  return { shown, code: code as number | null, opened: existsSync(mark) };
}

const odd = { user_code: "wdJB mjht.~", device_code: "dc-of-the-screen" };
/** As it should be; on a host that nobody knows; with a code that would move the cursor. */
function showAll() {
  return Promise.all([
    screenOf(odd),
    screenOf({
      ...odd,
      verification_uri: "https://chat.qwen.ai.evil.example/device",
      verification_uri_complete: "https://chat.qwen.ai.evil.example/device?user_code=1",
    }),
    screenOf({ user_code: "AB\u001B[2J\u001B]0;x\u0007" }),
  ]);
}

/** How `login` ends when the first poll says this. */
async function ending(body: string, status = 400) {
  await using s = await stage();
  s.emulator.fault("qwen", "poll", { kind: "reply", status, body }, 9);
  const { code, stderr } = await play(["qwen", "login", "--home", s.home.paths.home]);
  const { device, polls } = s.emulator.counters("qwen");
  const asked = s.emulator.requests.filter(({ endpoint }) => endpoint === "poll").length;
  return { code, stderr, device, polls, asked, left: s.home.pending() };
}

function endAll() {
  return Promise.all(
    ["access_denied", "expired_token", "odd-code", "invalid_scope"].map((error) => ending(JSON.stringify({ error }))),
  );
}

/** Whatever is real takes an interval or more, so it is begun all at once, by the first who asks for any of it. */
const begin = () => {
  const all = { observed: observeAll(), shown: showAll(), endings: endAll() };
  for (const each of Object.values(all)) each.catch(() => undefined);
  return all;
};
let going: ReturnType<typeof begin> | null = null;
const underWay = () => (going ??= begin());

const real = () => underWay().observed;
const screen = async (index: number) => (await underWay().shown)[index] ?? assert.fail();
const ended = async (index: number) => (await underWay().endings)[index] ?? assert.fail();

const nothing = () => assert.fail("there is nothing to show");

rule(
  { id: "D01", source: "RFC 8628 3.1", says: "a device code is asked for by POST, with client and scope, over TLS" },
  {
    holds: {
      "by the book": () => {
        const { method, url, headers, body } = start(acme);
        assert.deepEqual([method, url, headers["content-type"]], ["POST", acme.deviceAuthorizationEndpoint, form]);
        assert.equal(body, "client_id=client-1&scope=openid+offline_access");
      },
      "qwen, as it came in; codex in its dialect": async () => {
        const [asked] = await captured(["device"], "qwen");
        assert.ok(asked !== undefined);
        assert.deepEqual([asked.method, asked.contentType, asked.query], ["POST", form, ""]);
        const { client_id: id, scope } = fieldsOf(asked);
        assert.deepEqual([id, scope], [qwen.clientId, qwen.scopes.join(" ")]);
        const [other] = await captured(["device"], "codex");
        assert.deepEqual(fieldsOf(other ?? assert.fail()), { client_id: codex.clientId });
      },
    },
    refuses: {
      "http beyond this machine, before anything is sent": async () => {
        const plain = { ...acme, deviceAuthorizationEndpoint: "http://id.acme.example/device" };
        assert.equal(await codeOf(() => start(plain)), "endpoint_insecure");
        assert.equal(
          await codeOf(() => poll({ ...acme, tokenEndpoint: "http://id.acme.example/token" })),
          "endpoint_insecure",
        );
      },
    },
  },
);

rule(
  {
    id: "D02",
    source: "RFC 8628 3.2",
    says: "a start without its codes or its page is none; without a lifetime it has 15 minutes",
  },
  {
    holds: {
      "by the book": () => {
        const outcome = begun({});
        assert.ok(outcome.kind === "started" && outcome.deviceCode.matches("dc-1"));
        assert.equal(outcome.expiresAt - reply(200, {}).receivedAt, 1_800_000);
        assert.equal(outcome.userCode, "WDJB-MJHT");
      },
      "no lifetime, or none that makes sense": () => {
        for (const expires_in of [undefined, null, 0, -1, "soon", 1e300, {}]) {
          const outcome = begun({ expires_in });
          assert.ok(outcome.kind === "started");
          assert.equal(outcome.expiresAt - reply(200, {}).receivedAt, 900_000, inspect(expires_in));
        }
      },
    },
    refuses: {
      "each required member missing, empty, or no text": () => {
        for (const bad of [undefined, null, "", 7, {}, ["x"], true]) {
          assert.equal(codeAt({ device_code: bad }), "reply_malformed", inspect(bad));
          assert.equal(codeAt({ user_code: bad }), "reply_malformed", inspect(bad));
          assert.equal(codeAt({ verification_uri: bad }), "url_unsafe", inspect(bad));
        }
      },
      "it as the whole sign-in: nothing is shown, nothing is left": async () => {
        await using s = await stage();
        for (const missing of ["device_code", "user_code", "verification_uri"]) {
          s.emulator.fault("qwen", "device", { kind: "rewrite", members: { [missing]: undefined } });
          assert.match(
            await codeOf(s.auth().account("qwen").login({ timeoutMs: 3_000, onPending: nothing })),
            /^(reply_malformed|url_unsafe)$/,
          );
        }
        assert.deepEqual(s.home.pending(), []);
        assert.equal(s.emulator.counters("qwen").polls, 0);
      },
    },
  },
);

rule(
  { id: "D03", source: "RFC 8628 3.2", says: "where the server names no interval, polls are 5 s apart" },
  {
    holds: {
      "the first poll, and the next": () => {
        const outcome = begun({ interval: undefined });
        assert.ok(outcome.kind === "started");
        const { pauses } = played(quickly(pending, 3), { intervalMs: outcome.intervalMs });
        assert.deepEqual(pauses, [5_000, 5_000, 5_000]);
      },
      "the server's own, where it names one": () => {
        for (const interval of [1, 7, "7", 60]) {
          const outcome = begun({ interval });
          assert.ok(outcome.kind === "started" && outcome.intervalMs === Number(interval) * 1000);
        }
      },
    },
    refuses: {
      "to poll without a pause because of what is no interval": () => {
        for (const interval of [0, -5, "0x1", "fast", null, {}, 1e300]) {
          const outcome = begun({ interval });
          assert.ok(outcome.kind === "started");
          assert.equal(outcome.intervalMs, 5_000, inspect(interval));
        }
        const tiny = begun({ interval: 0.001 });
        assert.ok(tiny.kind === "started" && tiny.intervalMs === 1_000);
      },
    },
  },
);

const lines = ({ shown }: Screen): string[] => shown.split("\n").map((line) => line.trim());

rule(
  { id: "D04", source: "RFC 8628 3.3", says: "page and code are shown, the code as the server wrote it" },
  {
    holds: {
      "at a terminal: each alone on its line, capitals, blanks and marks as they were": async () => {
        const seen = await screen(0);
        assert.ok(lines(seen).includes(odd.user_code), seen.shown);
        assert.ok(lines(seen).some((line) => /^http:\/\/127\.0\.0\.1:\d+\/authorize$/.test(line)));
        assert.equal(seen.code, 4, "the person said no");
      },
    },
    refuses: {
      "a code that would do something to the terminal: nothing of it is shown": async () => {
        const { shown, code } = await screen(2);
        assert.equal(code, 5);
        assert.ok(!shown.includes("AB"), shown);
        for (const bad of ["a\u001B[2J", "a\nb", "a\tb", "a\u007F", "ä", "a\u202Eb", "a\u200Bb", "x".repeat(101)])
          assert.equal(codeAt({ user_code: bad }), "reply_malformed", JSON.stringify(bad));
      },
    },
    also: [{ file: "test/cli/sign-in.test.ts", words: "stands alone on its line, with service, host" }],
  },
);

rule(
  { id: "D05", source: "RFC 8628 3.3.1", says: "the code is shown beside an address that holds it, to be compared" },
  {
    holds: {
      "at a terminal, and what to do with it": async () => {
        const seen = await screen(0);
        const at = lines(seen).findIndex((line) => /^http:\S+\?user_code=/.test(line));
        assert.ok(at > lines(seen).indexOf(odd.user_code), "after the code itself");
        assert.match(seen.shown, /check that it shows wdJB mjht\.~:/);
      },
      "also where nobody watches: `login --detach`": async () => {
        await using s = await stage();
        const { code, stdout } = await play(["qwen", "login", "--detach", "--home", s.home.paths.home]);
        assert.equal(code, 0);
        assert.match(stdout, /^http:\S+\?user_code=([A-Z-]+)\nCode: \1\n/);
        await s.auth().account("qwen").cancel();
      },
    },
    refuses: {
      "an address of another server's, or one that does more than http": () => {
        const others = [
          "https://evil.example/?c=1",
          "http://id.acme.example/",
          "javascript:x",
          "https://a@id.acme.example/",
        ];
        for (const verification_uri_complete of others) {
          const outcome = begun({ verification_uri_complete });
          assert.ok(outcome.kind === "started" && outcome.verificationUriComplete === null, verification_uri_complete);
        }
      },
    },
  },
);

rule(
  { id: "D06", source: "RFC 8628 3.4", says: "a poll names the grant, the device code and the client" },
  {
    holds: {
      "by the book, and qwen's as it came in": async () => {
        const made = Object.fromEntries(new URLSearchParams(poll(acme).body ?? ""));
        assert.deepEqual(made, { grant_type: urn, device_code: "dc-1", client_id: "client-1" });
        const [asked] = await captured(["poll"], "qwen");
        const { grant_type: grant, client_id: id, device_code: code } = fieldsOf(asked ?? assert.fail());
        assert.deepEqual([grant, id], [urn, qwen.clientId]);
        assert.ok((code ?? "").length > 20);
        assert.equal(asked?.path, new URL(qwen.tokenEndpoint).pathname);
      },
    },
    refuses: {
      "anything more, and the code in an address": async () => {
        for (const { method, query } of await captured(["device", "poll"]))
          assert.deepEqual([method, query], ["POST", ""]);
        const [asked] = await captured(["poll"], "codex");
        assert.deepEqual(Object.keys(fieldsOf(asked ?? assert.fail())).toSorted(), ["device_auth_id", "user_code"]);
        assert.equal(poll(acme).url, acme.tokenEndpoint);
      },
    },
  },
);

const anyAnswer = fc.record({
  tookMs: fc.integer({ min: 0, max: 40_000 }),
  answer: fc.constantFrom(pending, slowDown, null, reply(503, ""), reply(200, "<html>"), says("slow_down", 429)),
});

rule(
  {
    id: "D07",
    source: "RFC 8628 3.5",
    says: "from the end of one poll to the beginning of the next, the interval passes",
  },
  {
    holds: {
      "whatever the replies are, and however long they take": () => {
        fc.assert(
          fc.property(fc.integer({ min: 1, max: 90 }), fc.array(anyAnswer, { maxLength: 30 }), (intervalS, answers) => {
            const { pauses } = played(answers, { intervalMs: intervalS * 1000, deadlineAt: now + 1e9 });
            let least = intervalS * 1000;
            for (const [index, pause] of pauses.entries()) {
              assert.ok(pause >= least, `${pause} ms, not ${least}`);
              const { answer } = answers[index] ?? {};
              if (answer != null && answer.body.includes("slow_down")) least += 5_000;
            }
          }),
          { numRuns: 300 },
        );
      },
      "a real one: half a second of answering, and then the interval": async () => {
        const { waiting: after, askedAt } = (await real()).late;
        assert.ok(after.pollAt - askedAt >= slow + 1_000 - 20, `${after.pollAt - askedAt} ms`);
      },
    },
    refuses: {
      "to count from the beginning: a reply that took longer than the interval is followed by all of it": () => {
        const { polls } = played(Array.from({ length: 3 }, () => ({ tookMs: 29_000, answer: pending })));
        assert.deepEqual(
          polls.map(({ startedAt }) => startedAt - now),
          [5_000, 39_000, 73_000],
        );
      },
    },
    also: [{ file: "test/machines/login/device.test.ts", words: "never comes under the current interval" }],
  },
);

rule(
  { id: "D08", source: "RFC 8628 3.5", says: "while the person has not answered, the interval stays what it is" },
  {
    holds: {
      "fifty times": () => {
        const { pauses } = played(quickly(pending, 50), { deadlineAt: now + 1e9 });
        assert.deepEqual([...new Set(pauses)], [5_000]);
      },
      "a real one": async () => assert.equal((await real()).late.waiting.intervalMs, 1_000),
    },
    refuses: {
      "to fall back to the first interval after slow_down": () => {
        const { pauses } = played([...quickly(pending), ...quickly(slowDown), ...quickly(pending, 4)]);
        assert.deepEqual(pauses, [5_000, 5_000, 10_000, 10_000, 10_000, 10_000]);
      },
    },
  },
);

rule(
  { id: "D09", source: "RFC 8628 3.5", says: "slow_down makes the interval 5 s longer, for all that follow" },
  {
    holds: {
      "twice: 10 s longer": () => {
        const answers = [...quickly(slowDown), ...quickly(pending, 2), ...quickly(slowDown), ...quickly(pending, 2)];
        assert.deepEqual(played(answers).pauses, [5_000, 10_000, 10_000, 10_000, 15_000, 15_000]);
      },
      "a real one, said with 429; and whoever takes the sign-in up knows": async () => {
        const { waiting: after, record } = (await real()).slowed;
        assert.deepEqual([after.intervalMs, record["intervalMs"]], [6_000, 6_000]);
      },
    },
    refuses: {
      "to multiply, or to forget it once the server cannot be reached": () => {
        const { pauses } = played([...quickly(slowDown), ...quickly(null), ...quickly(pending)], {
          intervalMs: 60_000,
        });
        assert.deepEqual(pauses, [60_000, 65_000, 65_000]);
        const again = played([...quickly(slowDown), ...quickly(null), ...quickly(pending, 2)]);
        assert.deepEqual(again.pauses, [5_000, 10_000, 20_000, 10_000]);
      },
    },
  },
);

rule(
  { id: "D10", source: "RFC 8628 3.5", says: "access_denied and expired_token end the sign-in" },
  {
    holds: {
      "who said no: exit 4; too late: exit 3": async () => {
        const [denied, late] = await Promise.all([ended(0), ended(1)]);
        assert.deepEqual([denied.code, late.code], [4, 3]);
        assert.match(denied.stderr, /was denied/);
        assert.match(late.stderr, /The device code of qwen has expired\.\nNext: llxprt-auth qwen login/);
      },
    },
    refuses: {
      "another poll after that, and a record of it": async () => {
        for (const index of [0, 1]) {
          const { asked, left } = await ended(index);
          assert.deepEqual([asked, left], [1, []]);
        }
        for (const [error, code] of [
          ["access_denied", "consent_denied"],
          ["expired_token", "device_code_expired"],
        ] as const) {
          const { at, polls } = played(quickly(says(error), 5));
          assert.deepEqual([at.output, polls.length], [{ kind: "failed", code, attempt: "a1" }, 1]);
        }
      },
    },
  },
);

const goesOn = new Set(["authorization_pending", "slow_down"]);
const otherError = fc.oneof(
  fc.constantFrom(
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
  ),
  fc.string({ unit: "grapheme-ascii", minLength: 1 }).filter((error) => /[!#-[\]-~]/.test(error)),
);

rule(
  { id: "D11", source: "RFC 8628 3.5", says: "any other OAuth error ends the sign-in" },
  {
    holds: {
      "every code but two, as 400, 401 or 403": () => {
        fc.assert(
          fc.property(otherError, fc.constantFrom(400, 401, 403), (error, status) => {
            fc.pre(!goesOn.has(error.trim()));
            const { at, polls } = played(quickly(says(error, status), 3));
            assert.deepEqual([at.status, (at.output as { kind: string }).kind, polls.length], ["done", "failed", 1]);
          }),
        );
      },
      "the program says which, and stops: exit 4": async () => {
        for (const [index, error] of [
          [2, "odd-code"],
          [3, "invalid_scope"],
        ] as const) {
          const { code, stderr, asked, left } = await ended(index);
          assert.deepEqual([code, asked, left], [4, 1, []]);
          assert.ok(stderr.includes(error), stderr);
        }
      },
    },
    refuses: {
      "to end for what is no OAuth error: a page, a limit, a server that is down": () => {
        for (const answer of [
          reply(200, "<html>"),
          reply(403, "<html>"),
          reply(503, ""),
          says("odd", 500),
          says("odd", 429),
        ]) {
          const { at, polls } = played(quickly(answer, 3));
          assert.deepEqual([at.status, polls.length], ["active", 3], `${answer.status} ${answer.body}`);
        }
      },
    },
  },
);

rule(
  { id: "D12", source: "RFC 8628 3.5", says: "while the server cannot be reached the pauses double; nothing ends" },
  {
    holds: {
      "three polls into the void, and then an answer": () => {
        const { pauses, at } = played([...quickly(null, 3), ...quickly(pending, 2)]);
        assert.deepEqual(pauses, [5_000, 10_000, 20_000, 40_000, 5_000]);
        assert.equal(at.status, "active");
      },
      "a real one whose connection broke": async () => {
        const { waiting: after, askedAt } = (await real()).dropped;
        assert.deepEqual([after.failures, after.intervalMs], [1, 1_000]);
        assert.ok(after.pollAt - askedAt >= 2_000 - 20, `${after.pollAt - askedAt} ms`);
      },
    },
    refuses: {
      "to end for it, and to be away for longer than a minute": () => {
        const { pauses, at } = played(quickly(null, 30), { deadlineAt: now + 1e9 });
        assert.deepEqual([at.status, pauses.length, Math.max(...pauses)], ["active", 30, 60_000]);
      },
    },
    also: [{ file: "test/runtime/account.login.test.ts", words: "a dropped connection" }],
  },
);

rule(
  { id: "D13", source: "RFC 8628 3.5", says: "another code is asked for only when a person wants one" },
  {
    holds: {
      "signing in again, by hand, asks for the second": async () => {
        await using s = await stage();
        const account = s.auth().account("qwen");
        s.emulator.fault("qwen", "poll", said("expired_token", 400));
        assert.equal(await codeOf(account.login()), "device_code_expired");
        assert.equal(s.emulator.counters("qwen").device, 1);
        const { pending: second } = await beginLogin(s.auth(), "qwen");
        assert.equal(s.emulator.counters("qwen").device, 2);
        assert.equal(second.kind, "device");
        await s.auth().account("qwen").cancel();
      },
    },
    refuses: {
      "one of its own accord, however the first ended": async () => {
        for (const index of [0, 1, 2, 3]) assert.equal((await ended(index)).device, 1);
        for (const answer of [says("expired_token"), says("access_denied"), says("odd")]) {
          const { at } = played(quickly(answer));
          assert.deepEqual([at.status, at.effects.filter((effect) => effect.startsWith("start"))], ["done", []]);
        }
        const late = played(quickly(pending, 9), { deadlineAt: now + 12_000 });
        assert.deepEqual(
          late.at.effects.filter((effect) => effect.startsWith("start")),
          [],
        );
      },
    },
  },
);

rule(
  {
    id: "D14",
    source: "RFC 8628 3.2",
    says: "polls stop when the code has lived its time, by a clock that nobody sets",
  },
  {
    holds: {
      "12 s of life: two polls, and the end at the second": () => {
        const { polls, at, clock } = played(quickly(pending, 9), { deadlineAt: now + 12_000 });
        assert.deepEqual([polls.length, clock - now], [2, 12_000]);
        assert.deepEqual(at.output, { kind: "failed", code: "device_code_expired", attempt: "a1" });
      },
      "a real one": async () => {
        await using s = await stage({ deviceLifetimeS: 1 });
        await assert.rejects(s.auth().account("qwen").login(), { code: "device_code_expired", exitCode: 3 });
      },
    },
    refuses: {
      "a wall clock that is set to and fro: no word of it reaches the sign-in": async () => {
        const outside = { wall: now, sinceBoot: 0 };
        const steady = steadyClock({ now: () => outside.wall, monotonic: () => outside.sinceBoot });
        for (const jump of [0, 3_600_000, -3_600_000, 3e11, -3e11]) {
          outside.wall = now + jump;
          outside.sinceBoot += 1_000;
          assert.equal(steady() - now, outside.sinceBoot, `${jump} ms`);
        }
        await using s = await stage();
        const { account, ended: over } = await beginLogin(s.auth(), "qwen");
        s.home.set = 3_600_000;
        await until(() => s.emulator.counters("qwen").polls > 0, "it goes on", 30_000);
        await account.cancel();
        await assert.rejects(over);
        await using back = await stage({ deviceLifetimeS: 1 });
        const begunThere = await beginLogin(back.auth(), "qwen");
        back.home.set = -3_600_000;
        assert.equal(await codeOf(begunThere.ended), "device_code_expired");
      },
    },
    also: [{ file: "test/runtime/account.clock.test.ts", words: "a device sign-in goes on being polled" }],
  },
);

rule(
  {
    id: "D15",
    source: "RFC 8628 5.2, 5.6",
    says: "the device code is kept secret; the client has no secret that it could be asked to keep",
  },
  {
    holds: {
      "in one file that only its owner can read": async () => {
        await using s = await stage();
        await beginLogin(s.auth(), "qwen");
        const path = recordOf(s);
        assert.equal(modeOf(path), "0600");
        assert.ok(s.emulator.secrets().includes(s.home.read(path)["deviceCode"]));
        await s.auth().account("qwen").cancel();
        assert.deepEqual(s.home.pending(), []);
      },
      "no request of a device sign-in holds a secret of the client's": async () => {
        for (const request of [...(await captured(["device", "poll"])), ...(await captured(["token"], "codex"))])
          assert.ok(!("client_secret" in fieldsOf(request)));
      },
    },
    refuses: {
      "to show it: on the screen, as JSON, in states, in the journal, in errors": async () => {
        await using s = await stage();
        const detached = await play(["qwen", "login", "--detach", "--json", "--home", s.home.paths.home]);
        const auth = s.auth();
        s.emulator.fault("qwen", "poll", { kind: "reply", status: 400, body: '{"error":"expired_token"}' });
        const account = auth.account("qwen");
        const waited = account.wait().catch((error: unknown) => error);
        const path = recordOf(s);
        const secret = s.home.read(path)["deviceCode"] as string;
        const snapshot = everythingOf(account.actor.getPersistedSnapshot());
        const shown = await play(["status", "--json", "--home", s.home.paths.home]);
        const texts = new Map([
          ["screen", detached.stdout + detached.stderr + shown.stdout + shown.stderr],
          ["states", snapshot],
          ["error", everythingOf(await waited)],
          ["journal", readFileSync(s.home.paths.journal, "utf8")],
          ["request", everythingOf([poll(acme), start(acme)])],
          ["outcome", everythingOf(begun({ device_code: secret }))],
        ]);
        assert.ok(texts.get("journal")?.includes("signInBegun"));
        assert.deepEqual(canaries([secret, "dc-1-and-more"], texts), []);
        assert.ok((await screen(0)).shown.includes("Qwen") && !(await screen(0)).shown.includes("dc-of-the-screen"));
      },
    },
  },
);

rule(
  {
    id: "D16",
    source: "RFC 8628 5.4",
    says: "a person sees which service and which host they are sent to; a page on a host that nobody knows is not opened",
  },
  {
    holds: {
      "at a terminal, before anything is opened": async () => {
        const seen = await screen(0);
        const first = lines(seen).find((line) => line.startsWith("Sign in to")) ?? "";
        assert.match(first, /^Sign in to Qwen Chat at 127\.0\.0\.1:\d+\.$/);
        assert.ok(seen.opened, "on a host that the provider's data names");
      },
    },
    refuses: {
      "to open a look-alike: it is shown, and said": async () => {
        const { shown, opened } = await screen(1);
        assert.match(shown, /^Sign in to Qwen Chat at chat\.qwen\.ai\.evil\.example\.\r?$/m);
        assert.match(shown, /not known for this provider, so it was not opened/);
        assert.equal(opened, false);
      },
      "a page whose host looks like another's": () => {
        for (const verification_uri of [
          "https://chat.qwen.ai@evil.example/",
          "https://chat.qwen.аi/",
          "https://evil.example\\@chat.qwen.ai/",
          'https://a"&b/',
        ])
          assert.equal(codeAt({ verification_uri }), "url_unsafe", verification_uri);
      },
    },
  },
);

rule(
  {
    id: "D17",
    source: "RFC 7636 4.5, as qwen wants it",
    says: "where a vendor binds the device code to a challenge, each poll brings the verifier",
  },
  {
    holds: {
      "qwen: a challenge at the start, its verifier with every poll": async () => {
        await using s = await stage();
        s.emulator.fault("qwen", "poll", said("authorization_pending", 400));
        const { pending: shown, ended: over } = await beginLogin(s.auth(), "qwen");
        await s.emulator.approveDevice(shown.userCode ?? "");
        await over;
        const first = s.emulator.requests.find(({ endpoint }) => endpoint === "device");
        const polls = s.emulator.requests.filter(({ endpoint }) => endpoint === "poll");
        const { code_challenge: challenge, code_challenge_method: method } = fieldsOf(first ?? assert.fail());
        assert.equal(method, "S256");
        assert.equal(polls.length, 2);
        for (const asked of polls) {
          const verifier = fieldsOf(asked)["code_verifier"] ?? "";
          assert.equal(challengeOf(new Secret("code_verifier", verifier)), challenge);
        }
      },
    },
    refuses: {
      "a poll without it, or with another": async () => {
        assert.throws(() => poll(qwen, null), TypeError);
        await using s = await stage();
        const { account, ended: over } = await beginLogin(s.auth(), "qwen");
        const path = recordOf(s);
        const { deviceCode } = s.home.read(path);
        for (const verifier of ["", "w".repeat(43)]) {
          const members = {
            grant_type: urn,
            device_code: deviceCode,
            client_id: qwen.clientId,
            code_verifier: verifier,
          };
          const body = new URLSearchParams(members);
          const answer = await fetch(`${s.emulator.url}/api/v1/oauth2/token`, { method: "POST", body });
          assert.equal(answer.status, 400, "the emulator checks it");
          await answer.body?.cancel();
        }
        await account.cancel();
        await assert.rejects(over);
      },
      "it where no vendor wants it": () => {
        assert.ok(!("code_verifier" in Object.fromEntries(new URLSearchParams(poll(acme).body ?? ""))));
        assert.ok(!(start(acme).body ?? "").includes("code_challenge"));
      },
    },
  },
);

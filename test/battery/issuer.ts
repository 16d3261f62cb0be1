// Many processes and one login with a certified OpenID provider that nobody adapted to us: it rotates refresh tokens, and
// revokes the grant when a spent one comes back. Its own events judge.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { House } from "../cli/program.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import {
  became,
  Bounds,
  type Circumstances,
  type Part,
  type Size,
  sized,
  spread,
  tallied,
  type Verdict,
} from "./part.ts";
import { refreshersOf, type Told, type Worker, worker } from "./processes.ts";

const provider = "acme";
const lifetimeS = 2;

export const issuer: Part = {
  name: "issuer",
  shows: "an unmodified OpenID provider sees one refresh per expiry, and revokes nothing",
  size: { processes: 16, expiries: 50 },
  brief: { processes: 4, expiries: 4 },
  run,
};

async function run(size: Size, { say }: Circumstances): Promise<Verdict> {
  const [processes, expiries] = [sized(size, "processes"), sized(size, "expiries")];
  const ttl = { AccessToken: lifetimeS, RefreshToken: 86_400, Session: 3_600, Grant: 86_400, Interaction: 600 };
  await using server = await startIssuer({ ttl: { ...ttl, IdToken: 3_600 } });
  using house = new House(null, settingsFor(server.url));
  await signIn(house, server);
  const count = (event: string): number => server.events.get(event) ?? 0;
  const before = { generation: generationIn(house), consumed: count("refresh_token.consumed") };
  const waits: number[] = [];
  const failures: string[] = [];
  const hear = (told: Told): void => {
    if (told.kind === "failed") failures.push(told.code);
    // What was in the file already when a process came to ask is no wait.
    if (told.kind === "got" && told.ms > 5) waits.push(told.ms);
  };
  const workers: Worker[] = [];
  for (let number = 0; number < processes; number += 1)
    workers.push(worker(house, { provider, minTtlMs: 1, pauseMs: 25 }, hear));
  await Promise.all(workers.map(({ ready }) => ready));
  say(`${processes} processes ask`);

  const consumed = (): number => count("refresh_token.consumed") - before.consumed;
  const isDone = await became(() => consumed() >= expiries, 60_000 + expiries * (lifetimeS * 1_000 + 3_000), 100);
  for (const each of workers) each.stop();
  await Promise.all(workers.map(({ ended }) => ended));
  const isQuiet = await became(() => refreshersOf(house.home).length === 0, 45_000, 50);

  const spent = consumed();
  const refreshes = server.requests.filter(({ body }) => body.get("grant_type") === "refresh_token");
  const advanced = generationIn(house) - before.generation;
  const revoked = count("grant.revoked");
  const last = await house.run(`${provider} token`);
  const bounds = new Bounds();
  bounds.holds(isDone, `only ${consumed()} of ${expiries} expiries came to a refresh in time`);
  bounds.holds(
    refreshes.length === advanced && advanced === spent,
    `${refreshes.length} requests, ${advanced} generations in the file, ${spent} tokens consumed`,
  );
  bounds.none(refreshes.filter(({ status }) => status !== 200).length, "refreshes were refused");
  bounds.none(revoked, "grants were revoked");
  bounds.none(count("grant.error"), "token requests ended in an error");
  bounds.holds(failures.length === 0, `calls failed: ${tallied(failures)}`);
  bounds.holds(last.code === 0, `a token is not to be had afterwards: exit ${last.code}: ${last.stderr.trim()}`);
  bounds.holds(isQuiet, "a refresher stays");
  return {
    figures: {
      refreshes: advanced,
      consumed: spent,
      revoked,
      failed: failures.length,
      "waits p50/p99/most ms": spread(waits),
    },
    broken: bounds.broken,
  };
}

const settingsFor = (url: string) => ({
  oauthEnabledProviders: { [provider]: true },
  providers: {
    [provider]: {
      grants: ["loopback"],
      issuer: url,
      clientId: "llxprt-auth",
      scopes: ["openid", "email", "offline_access"],
      rotation: "always",
    },
  },
});

/** A person signs in, by the real command. */
async function signIn(house: House, server: Issuer): Promise<void> {
  const started = house.start([provider, "login", "--no-browser"]);
  const [address] = await started.said(/^https?:\/\/\S+$/m);
  await server.visit(address);
  const { code, stderr } = await started.ended;
  if (code !== 0) throw new Error(`Signing in ended with ${code}: ${stderr}`);
}

function generationIn({ home }: House): number {
  const file = JSON.parse(readFileSync(join(home, "oauth", `${provider}.json`), "utf8")) as {
    llxprt_auth: { generation: number };
  };
  return file.llxprt_auth.generation;
}

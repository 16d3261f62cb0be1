// The program as it is shipped, in a home that knows a real server by four lines of settings, as a person would write them.
// It is run as a child process, and nothing of it is taken apart: what it prints, its exit code and its token file are all
// there is.
import assert from "node:assert/strict";
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Ended, House, type Json } from "../cli/program.ts";
import { entry } from "../package/built.ts";
import { until } from "../support/stage.ts";

export const provider = "acme";

/** @param facts of the provider, besides the four lines */
export function homeAt(issuer: string, facts: Json = {}): House {
  const house = new House();
  house.settings({
    oauthEnabledProviders: { [provider]: true },
    providers: {
      [provider]: {
        grants: ["loopback", "device"],
        issuer,
        clientId: "llxprt-auth",
        scopes: ["openid", "email", "offline_access"],
        ...facts,
      },
    },
  });
  return house;
}

/** Somebody opens this address and does what he does; what he read last comes back. */
type Visit = (address: string) => Promise<{ readonly status: number; readonly body: string; readonly url: string }>;

/** Runs one command of the provider's. */
export const run = (house: House, line: string): Promise<Ended> =>
  house.run([provider, ...line.split(" ")], { program: entry });

/** Signs in; the address that the program prints, the one with the code in it if there are two, is opened by `visit`. */
export async function signedIn(house: House, visit: Visit) {
  const { said, ended } = house.start([provider, "login", "--no-browser"], { program: entry });
  const [text] = await said(/[^]*^Waiting/m);
  const page = await visit([...text.matchAll(/^https?:\/\/\S+$/gm)].at(-1)?.[0] ?? "");
  return { ...(await ended), page };
}

/** The token file, once a renewal has left nothing beside it; until then readers follow the sealed reply. */
export async function stored(house: House): Promise<Json> {
  const under = join(house.home, "oauth", ".spend", provider);
  const isQuiet = () =>
    !house.has(`oauth/.spend/${provider}`) || !readdirSync(under).some((name) => /\.(next|sent)$/.test(name));
  await until(isQuiet, "the renewed tokens are in their file", 20_000);
  return house.tokens(provider);
}

/** A copy of the whole home, as a backup or a second machine has it: neither knows of the other. */
export function copyOf(house: House): House {
  const copy = new House();
  for (const name of ["settings.json", "oauth"])
    cpSync(join(house.home, name), join(copy.home, name), { recursive: true });
  return copy;
}

/** It ended with this code, and named one command that helps. */
export function endedWith({ code, stderr }: Ended, expected: number, next?: RegExp): void {
  assert.equal(code, expected, stderr);
  if (next !== undefined) assert.match(stderr, next);
}

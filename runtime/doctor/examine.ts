// All checks of one home folder and its surroundings, in the order in which a person would ask.
//
// Contacts nobody, and changes nothing but modes, and those only when asked to. A check that fails in an unforeseen way is a
// finding itself: whoever calls for a doctor is in trouble already.
import { AuthError } from "../../machines/errors.ts";
import { providers as shipped } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { type Auth, createAuth } from "../auth.ts";
import type { Host } from "../host.ts";
import { clientOf } from "../registration.ts";
import { listProfiles, readProfile } from "../settings/profiles.ts";
import { readSettings } from "../settings/settings.ts";
import { type Paths, pathsIn } from "../store/names.ts";
import { createPendingStore } from "../store/pending.ts";
import { borrowed } from "./borrowed.ts";
import { type Finding, fine, notice, problem } from "./finding.ts";
import { disk, logins } from "./logins.ts";
import { browser, clock, node, room, traps } from "./machine.ts";
import { named } from "./named.ts";
import { modes } from "./modes.ts";
import { certificates, proxies } from "./network.ts";
import { ports } from "./ports.ts";

export interface Examination {
  /** Set modes right: 0700 for folders, 0600 for files. */
  readonly fix?: boolean | undefined;
  /** Names that no provider may bear. */
  readonly reserved?: ReadonlySet<string> | undefined;
}

export async function examine(host: Host, { fix = false, reserved }: Examination): Promise<Finding[]> {
  const paths = pathsIn(host.home);
  const { environment, now } = host;
  // Before anything is read that a wrong mode makes unreadable.
  const first = await told(() => [...node(), ...modes(paths, fix), ...room(paths), ...disk(paths)]);
  const opened: { auth: Auth | null } = { auth: null };
  const settled = await told(() => {
    opened.auth = createAuth({ host, ahead: false, ...(reserved && { reserved }) });
    return [fine("settings_valid", paths.settings, "The settings are valid"), ...profiles(paths)];
  });
  const { auth } = opened;
  const table: Provider[] = auth === null ? Object.values(shipped) : [...auth.providers.values()];
  const enabled = auth === null ? {} : readSettings(paths).enabled;
  const isWanted = (name: string): boolean => enabled[name] === true;
  const later: (() => readonly Finding[] | Promise<readonly Finding[]>)[] = [
    () => (auth === null ? [] : clients(host, table, isWanted)),
    () => logins(paths, host, auth),
    () => borrowed(auth),
    () => named(paths, auth),
    () => clock(paths, now()),
    () => ports(table, isWanted, (name) => isWaiting(paths, name)),
    () => proxies(environment, table),
    () => certificates(environment, now()),
    () => traps(environment),
    () => browser(environment),
  ];
  const rest: Finding[] = [];
  for (const check of later) rest.push(...(await told(check)));
  await auth?.close();
  return once([...first, ...settled, ...rest]);
}

/** What stands in the way of several checks is told once. */
function once(findings: readonly Finding[]): Finding[] {
  const first = new Map<string, Finding>();
  for (const finding of findings) {
    const what = `${finding.code} ${finding.message}`;
    if (!first.has(what)) first.set(what, finding);
  }
  return [...first.values()];
}

/** What a check has found; what it threw is a finding, too. */
async function told(check: () => readonly Finding[] | Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof AuthError) return [problem(error.code, null, error.message)];
    const name = error instanceof Error ? error.name : typeof error;
    return [problem("check_failed", null, `A check could not be made (${name})`)];
  }
}

function profiles(paths: Paths): Finding[] {
  return listProfiles(paths).flatMap((name) => {
    try {
      readProfile(paths, name);
      return [];
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return [problem(error.code, `profiles/${name}.json`, error.message)];
    }
  });
}

/** OAuth clients that a person brings, of the providers that are enabled. */
function clients(host: Host, table: readonly Provider[], isWanted: (name: string) => boolean): Finding[] {
  return table
    .filter((provider) => isWanted(provider.name) && bringsItsClient(provider))
    .flatMap((provider) => {
      try {
        clientOf(provider, host);
        return [
          fine(
            "client_found",
            `providers.${provider.name}.clientFile`,
            `The OAuth client of ${provider.name} can be read`,
          ),
        ];
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        // Who uses a key needs no client.
        const say = error.code === "client_missing" ? notice : problem;
        return [say(error.code, `providers.${provider.name}.clientFile`, error.message, `${provider.name} why`)];
      }
    });
}

/** Rather than the published one of the provider's data. */
const bringsItsClient = ({ clientFile, clientId, clientSource }: Provider): boolean =>
  clientFile !== null || clientId === null || clientSource !== null;

function isWaiting(paths: Paths, provider: string): boolean {
  return createPendingStore(paths)
    .names()
    .some((name) => name.provider === provider);
}

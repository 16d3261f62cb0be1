// `inspect`: what the files say of every account and what every process noted, looked at while a page is open, and shown to it.
//
// It reads, and that is all: no request, no lock, no write, no actor. While no page is open nothing is looked at either.
import type { Host } from "../../host.ts";
import { isThereSince } from "../../refresh/holder.ts";
import { createAudience } from "./audience.ts";
import { pageFiles } from "./files.ts";
import { heldLocks } from "./held.ts";
import { createOverview, type OverviewParts } from "./overview.ts";
import type { Scene } from "./scene.ts";
import { servePage } from "./server.ts";
import { sceneAccount } from "./shown.ts";
import { createTail } from "./tail.ts";

export interface Inspector {
  /** Lets one browser in, once. */
  readonly url: string;
  /** Ends it; the port is free within a second. */
  readonly close: () => Promise<void>;
}

export interface InspectorParts extends OverviewParts {
  readonly host: OverviewParts["host"] & Pick<Host, "randomBytes" | "monotonic">;
  /** Where the files of the page are; absent: where this program has them. */
  readonly folder?: string | undefined;
}

const tickMs = 250;
/** Every so many ticks the accounts are looked at; the journal at each. */
const accountsEvery = 2;
const greetEvery = 60;

/** @throws AuthError `settings_invalid`, `internal` when the page is not part of this build */
export async function openInspector(parts: InspectorParts): Promise<Inspector> {
  const files = pageFiles(parts.folder);
  const look = createLook(parts);
  const tail = createTail(parts.paths);
  const shown = { text: "", number: 0, scene: "{}" };
  let timer: NodeJS.Timeout | undefined;
  let ticks = 0;

  const audience = createAudience(
    () => ({
      count: tail.count,
      from: (number) => tail.from(number),
      scene: { number: shown.number, text: shown.scene },
    }),
    parts.host.monotonic,
  );

  const readAll = (): void => {
    tail.read();
    const { now, ...scene } = look(tail.writers);
    const text = JSON.stringify(scene);
    if (text === shown.text) return;
    Object.assign(shown, { text, number: shown.number + 1, scene: JSON.stringify({ ...scene, now }) });
  };

  const tick = (): void => {
    if (audience.size === 0) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    ticks += 1;
    if (ticks % accountsEvery === 0) readAll();
    else tail.read();
    audience.tell();
    if (ticks % greetEvery === 0) audience.greet();
  };

  const server = await servePage({
    files,
    randomBytes: parts.host.randomBytes,
    news: (response, last) => {
      readAll();
      const isTaken = audience.add(response, last === null || last >= tail.count ? 0 : last + 1);
      timer ??= setInterval(tick, tickMs);
      return isTaken;
    },
  });
  return {
    url: server.url,
    close: async () => {
      clearInterval(timer);
      audience.close();
      await server.close();
    },
  };
}

/** How things stand. @param writers processes of the journal, and when each wrote last */
function createLook(parts: InspectorParts): (writers: ReadonlyMap<number, number>) => Scene {
  const { host, paths } = parts;
  const overview = createOverview(parts);
  return (writers) => {
    const held = heldLocks(paths);
    return {
      schema: 1,
      now: host.now(),
      home: paths.home,
      pid: process.pid,
      accounts: overview().flatMap(({ name, status, grants }) => sceneAccount(status, grants, held(name)) ?? []),
      alive: [...writers].filter(([pid, at]) => isThereSince(pid, at)).map(([pid]) => pid),
    };
  };
}

// `inspect`: what the files say of every account and what every process noted, looked at while a page is open, and shown to it.
//
// It reads, and that is all: no request, no lock, no write, no actor. Once it has begun, nothing is looked at either while
// no page is open.
import type { ServerResponse } from "node:http";
import type { Host } from "../../host.ts";
import { isThereSince } from "../../refresh/holder.ts";
import { createAudience, type Speech } from "./audience.ts";
import { pageFiles } from "./files.ts";
import { heldLocks } from "./held.ts";
import { createOverview, type OverviewParts } from "./overview.ts";
import type { Scene } from "./scene.ts";
import { servePage, type TakeNews } from "./server.ts";
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
  /** Shows the charts to the hosted inspector as well. `page`: for tests, where a stand-in for it is. */
  readonly stately?: { readonly page?: string } | undefined;
}

const tickMs = 250;
/** Every so many ticks the accounts are looked at; the journal at each. */
const accountsEvery = 2;
const greetEvery = 60;

/** @throws AuthError `settings_invalid`, `internal` when the page is not part of this build */
export async function openInspector(parts: InspectorParts): Promise<Inspector> {
  // Loaded when it is asked for: nothing else here needs the package.
  const stately = parts.stately === undefined ? null : await import("../stately/bridge.ts");
  const files = new Map([...pageFiles(parts.folder), ...(stately?.bridgeFiles(parts.stately?.page) ?? [])]);
  const look = createLook(parts);
  const tail = createTail(parts.paths);
  const shown = { text: "", number: 0, scene: "{}", accounts: [] as Scene["accounts"] };
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
    const { accounts } = scene;
    Object.assign(shown, { text, number: shown.number + 1, scene: JSON.stringify({ ...scene, now }), accounts });
  };
  const grantsOf = (name: string) => shown.accounts.find(({ provider }) => provider === name)?.grants ?? null;

  /** The news of a page from this record on, and from then on at each tick. */
  const join = (response: ServerResponse, next: number, speech?: Speech): boolean => {
    timer ??= setInterval(tick, tickMs);
    return audience.add(response, next, speech);
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

  const news = new Map<string, TakeNews>([
    [
      "/news",
      (response, last) => {
        readAll();
        return join(response, last === null || last >= tail.count ? 0 : last + 1);
      },
    ],
  ]);
  if (stately !== null)
    news.set("/stately/news", (response) => {
      readAll();
      return join(response, Math.max(0, tail.count - stately.mostTold), stately.createSpeech(grantsOf));
    });
  const entrance = stately === null ? "/" : "/stately";
  const server = await servePage({ files, entrance, randomBytes: parts.host.randomBytes, news });
  // Most of the work of the first page, while its browser starts.
  const early = setImmediate(readAll);
  return {
    url: server.url,
    close: async () => {
      clearImmediate(early);
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

// A browser that was given the address of `inspect`: it enters, keeps its cookie, and hears the news. And a page for it, where
// the test is not about the real one.
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { News } from "../../runtime/inspect/page/scene.ts";
import { type Answer, visit } from "./browser.ts";
import { until } from "./stage.ts";

/** A folder with a page that shows nothing; it goes when the folder of temporary files is emptied by its owner. */
export function standInPage(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "llxprt-page-"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>stand-in</title>");
  writeFileSync(join(folder, "view.js"), "void 0;");
  writeFileSync(join(folder, "look.css"), "p{}");
  return folder;
}

/** What the page itself asks for, as a browser marks it. */
export const ofThePage = { "sec-fetch-site": "same-origin" };

export interface Visitor {
  readonly origin: string;
  readonly port: number;
  /** `name=value` */
  readonly cookie: string;
  /** As the page asks. */
  readonly ask: (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;
  readonly news: (headers?: Record<string, string>, path?: string) => Promise<Listening>;
}

/** Opens the address as a person does. @param entrance where it is sent then */
export async function enter(url: string, entrance = "/"): Promise<Visitor> {
  const { origin, port } = new URL(url);
  const { status, headers } = await visit(url, { headers: { "sec-fetch-site": "none" } });
  assert.deepEqual([status, headers["location"]], [303, entrance]);
  const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
  return {
    origin,
    port: Number(port),
    cookie,
    ask: (path, more = {}, method = "GET") =>
      visit(origin + path, { method, headers: { ...ofThePage, cookie, ...more } }),
    news: (more, path) => listen(origin, cookie, more, path),
  };
}

export interface Listening extends Disposable {
  /** As it came. */
  readonly text: () => string;
  readonly news: () => readonly News[];
  readonly ids: () => readonly string[];
  /** Once there are so many. */
  readonly heard: (count: number) => Promise<readonly News[]>;
  /** Nothing more comes. */
  readonly isOver: () => boolean;
  readonly response: IncomingMessage;
}

async function listen(
  origin: string,
  cookie: string,
  more: Record<string, string> = {},
  path = "/news",
): Promise<Listening> {
  const { port } = new URL(origin);
  const sent = request({
    host: "127.0.0.1",
    port,
    path,
    headers: { host: `127.0.0.1:${port}`, cookie, ...ofThePage, ...more },
    agent: false,
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    sent.once("error", reject);
    sent.end();
  });
  assert.equal(response.statusCode, 200);
  let text = "";
  let isOver = false;
  response.setEncoding("utf8");
  response.on("data", (piece: string) => (text += piece));
  response.on("error", () => undefined);
  response.once("close", () => (isOver = true));
  const lines = (start: string): string[] =>
    text
      .slice(0, text.lastIndexOf("\n\n") + 1)
      .split("\n")
      .flatMap((line) => (line.startsWith(start) ? [line.slice(start.length)] : []));
  const news = (): News[] => lines("data: ").map((line) => JSON.parse(line) as News);
  return {
    text: () => text,
    news,
    ids: () => lines("id: "),
    heard: async (count) => {
      await until(() => lines("data: ").length >= count, `${count} messages`);
      return news();
    },
    isOver: () => isOver,
    response,
    [Symbol.dispose]: () => {
      sent.destroy();
    },
  };
}

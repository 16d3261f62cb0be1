// The pages that are open, each told what it has not heard yet (server-sent events, HTML 9.2).
//
// A page that does not take what it was told is told nothing more until it has, so that it makes nothing grow here; one
// that takes nothing for long has to go, and may come back. Each has its own place in the journal.
import type { ServerResponse } from "node:http";

/** What there is to tell. */
export interface Telling {
  /** Number of the next record. */
  readonly count: number;
  /** The records from this number on, as JSON. */
  readonly from: (number: number) => readonly string[];
  /** As JSON; told again whenever its number is another one. */
  readonly scene: { readonly number: number; readonly text: string };
}

/** What is new for a page. */
export interface Fresh {
  /** As JSON. */
  readonly records: readonly string[];
  /** Number of the next record. */
  readonly count: number;
  /** As JSON; null: the page has it. */
  readonly scene: string | null;
}

/** Puts it into events, as they are sent; empty: that is nothing for this page. */
export type Speech = (fresh: Fresh) => string;

export interface Audience {
  /**
   * @param next number of the first record that the page has not heard @param speech other events than `news`
   * @returns false: there are too many already
   */
  readonly add: (response: ServerResponse, next: number, speech?: Speech) => boolean;
  /** Tells every page its news. */
  readonly tell: () => void;
  /** Keeps quiet connections alive: whatever is between may cut them. */
  readonly greet: () => void;
  readonly size: number;
  readonly close: () => void;
}

const mostPages = 64;
const longestStallMs = 20_000;

interface Page {
  readonly response: ServerResponse;
  readonly speech: Speech;
  next: number;
  scene: number;
  /** Since when it has not taken what it was told, by a clock that nobody sets. Null: it has. */
  stalledAt: number | null;
}

/** All that is new in one event, `news`; at first also that there is no record. */
function newsSpeech(): Speech {
  let isFirst = true;
  return ({ records, count, scene }) => {
    const parts = [
      ...(scene === null ? [] : [`"scene":${scene}`]),
      ...(records.length > 0 || isFirst ? [`"records":[${records.join(",")}]`] : []),
    ];
    isFirst = false;
    const id = count > 0 ? `id: ${count - 1}\n` : "";
    return `event: news\n${id}data: {${parts.join(",")}}\n\n`;
  };
}

/** @param telling what there is at this moment @param monotonic milliseconds by a clock that nobody sets */
export function createAudience(telling: () => Telling, monotonic: () => number): Audience {
  const pages = new Set<Page>();

  const tellOne = (page: Page, { count, from, scene }: Telling): void => {
    if (isStalled(page)) return;
    const records = page.next < count ? from(page.next) : [];
    const isNew = page.scene !== scene.number;
    if (records.length === 0 && !isNew) return;
    const text = page.speech({ records, count, scene: isNew ? scene.text : null });
    if (text !== "") page.response.write(text);
    page.next = count;
    page.scene = scene.number;
  };

  const isStalled = (page: Page): boolean => {
    const { response } = page;
    if (!response.writableNeedDrain) {
      page.stalledAt = null;
      return false;
    }
    page.stalledAt ??= monotonic();
    if (monotonic() - page.stalledAt > longestStallMs) response.destroy();
    return true;
  };

  return {
    add: (response, next, speech = newsSpeech()) => {
      if (pages.size >= mostPages) return false;
      const page: Page = { response, speech, next, scene: -1, stalledAt: null };
      pages.add(page);
      response.once("close", () => pages.delete(page));
      tellOne(page, telling());
      return true;
    },
    tell: () => {
      const now = telling();
      for (const page of pages) tellOne(page, now);
    },
    greet: () => {
      for (const page of pages) if (!isStalled(page)) page.response.write(": still here\n\n");
    },
    get size() {
      return pages.size;
    },
    close: () => {
      for (const { response } of pages) response.end();
    },
  };
}

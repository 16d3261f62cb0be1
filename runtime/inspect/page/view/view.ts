// The page's beginning: connects to the server, keeps what it tells, and draws. Everything that is decided is decided by
// pure functions; this is where the browser is.
import { h, render } from "preact";
import type { News } from "../scene.ts";
import { journalFile, largestFile } from "./journal-file.ts";
import type { Model } from "./model.ts";
import { Page } from "./page.ts";
import { firstLook, heard, keyOf, nothing } from "./seen.ts";
import { everything } from "./sift.ts";

let model: Model = {
  seen: nothing,
  link: "connecting",
  now: Date.now(),
  selected: null,
  chosen: null,
  beside: null,
  sift: everything,
  find: "",
  file: null,
};
let pictures: Readonly<Record<string, string>> = {};
/** The server's clock less ours (ms). */
let ahead = 0;
let isDue = false;

function draw(): void {
  isDue = false;
  render(h(Page, { model, pictures, change, onFile: (file) => void open(file) }), document.body);
}

function change(some: Partial<Model>): void {
  model = { ...model, ...some };
  if (isDue) return;
  isDue = true;
  queueMicrotask(draw);
}

function connect(): void {
  const source = new EventSource("/news");
  let lostAt = 0;
  source.addEventListener("open", () => {
    lostAt = 0;
    change({ link: "live" });
  });
  source.addEventListener("news", ({ data }: MessageEvent<string>) => {
    const news = JSON.parse(data) as News;
    if (news.scene !== undefined) ahead = news.scene.now - Date.now();
    const seen = heard(model.seen, news);
    change({ seen, now: Date.now() + ahead, selected: model.selected ?? firstLook(seen) });
  });
  source.addEventListener("error", () => {
    lostAt ||= Date.now();
    const isOver = source.readyState === EventSource.CLOSED || Date.now() - lostAt > patienceMs;
    change({ link: isOver ? "ended" : "reconnecting" });
  });
}

/** A command that is started again is back sooner than this. */
const patienceMs = 8_000;

async function open(file: File): Promise<void> {
  // Of a file that is larger than any journal the end will do.
  const read = journalFile(file.name, await file.slice(Math.max(0, file.size - largestFile)).text());
  const last = read.records.at(-1);
  change({
    file: read,
    chosen: null,
    beside: null,
    selected: last === undefined ? null : keyOf(last),
  });
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  const isTyping = target instanceof HTMLElement && target.matches("input:not([type=checkbox]), select");
  if (event.key === "Escape" && isTyping) {
    event.preventDefault();
    empty(target);
  } else if (event.key === "Escape") {
    if (model.chosen !== null) change({ chosen: null });
    else if (model.file !== null) change({ file: null, selected: firstLook(model.seen) });
  } else if (isTyping) {
    // What is typed is meant for the field.
  } else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("find-event")?.focus();
  } else if (event.key === "j" || event.key === "k") {
    const { key } = event;
    document.querySelector(".events")?.dispatchEvent(new KeyboardEvent("keydown", { key }));
  }
}

/** Out of a field, and what was looked for in it is forgotten: a browser would empty it without saying so. */
function empty(field: HTMLElement): void {
  if (field instanceof HTMLInputElement && field.type === "search") {
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.blur();
}

async function start(): Promise<void> {
  draw();
  connect();
  addEventListener("keydown", onKey);
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) void open(file);
  });
  setInterval(() => {
    if (!document.hidden) change({ now: Date.now() + ahead });
  }, 1000);
  const reply = await fetch("/pictures.json");
  pictures = (await reply.json()) as Record<string, string>;
  change({});
}

void start();

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
  if (file.size > largestFile) return;
  const read = journalFile(file.name, await file.text());
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
  const isTyping = event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]), select");
  if (event.key === "Escape") {
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

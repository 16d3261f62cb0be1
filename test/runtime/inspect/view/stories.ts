// The kept journals as the page reads them, and small pieces to ask its pure parts with.
import type { Scene, SceneAccount } from "../../../../runtime/inspect/page/scene.ts";
import { journalFile } from "../../../../runtime/inspect/page/view/journal-file.ts";
import type { Model } from "../../../../runtime/inspect/page/view/model.ts";
import type { Numbered } from "../../../../runtime/inspect/page/view/seen.ts";
import { everything } from "../../../../runtime/inspect/page/view/sift.ts";
import { textOf } from "../../../journals/told.ts";

export const storyOf = (name: string): readonly Numbered[] => journalFile(name, textOf(name)).records;

export const account = (more: Partial<SceneAccount> = {}): SceneAccount => ({
  provider: "codex",
  account: "default",
  grants: ["loopback", "device"],
  state: "idle",
  usable: "no",
  enabled: true,
  source: "none",
  expiresAt: null,
  nextTimerAt: null,
  lastError: null,
  nextCommand: null,
  pending: null,
  locks: [],
  ...more,
});

export const scene = (accounts: readonly SceneAccount[], alive: readonly number[] = []): Scene => ({
  schema: 1,
  now: 0,
  home: "/home/me/.llxprt",
  pid: 1,
  accounts,
  alive,
});

export const modelOf = (
  accounts: readonly SceneAccount[],
  records: readonly Numbered[],
  more: Partial<Model> = {},
): Model => ({
  seen: { scene: scene(accounts), records },
  link: "live",
  now: 0,
  selected: "codex default",
  chosen: null,
  beside: null,
  sift: everything,
  find: "",
  file: null,
  ...more,
});

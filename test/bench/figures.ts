// What is measured of this program alone.
import { commands } from "./commands.ts";
import { inProcess } from "./in-process.ts";
import { inspecting } from "./inspecting.ts";
import { installed } from "./installed.ts";
import { memory } from "./memory.ts";
import { refreshing } from "./refreshing.ts";

export interface Figure {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean;
}

export const measures: Readonly<Record<string, () => Figure[] | Promise<Figure[]>>> = {
  commands,
  "in-process": inProcess,
  refreshing,
  inspecting,
  memory,
  installed,
};

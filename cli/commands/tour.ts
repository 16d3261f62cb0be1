// `demo`: everything in two minutes, against the emulator, in a throw-away home.
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["browser"],
  run: async ({ io, flags, signal }) => {
    const { demo } = await import("./demo.ts");
    return demo(io, { browser: flags.browser, signal });
  },
};

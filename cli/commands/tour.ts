// `demo`: everything in two minutes, against the emulator, in a throw-away home.
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["interactive"],
  run: async ({ io, flags }) => {
    const { demo } = await import("./demo.ts");
    return demo(io, { browser: flags.interactive === true });
  },
};

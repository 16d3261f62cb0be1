// A house that the test's own process lives in, so that a command which is played there finds it as a person's would.
//
// Each test file is a process of its own: nobody moves out again.
import { after, afterEach, before, beforeEach } from "node:test";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { House } from "./program.ts";

/** @returns the house */
export function moveIn(house: House): House {
  process.env["LLXPRT_HOME"] = house.home;
  process.env["HOME"] = house.folder;
  return house;
}

/** A new house for each test of the file, and one emulator for all of them. @param take is given them before each */
export function houseForEach(take: (house: House, emulator: Emulator) => void): void {
  let emulator: Emulator;
  let house: House;
  before(async () => {
    emulator = await startEmulator();
  });
  after(() => emulator.close());
  beforeEach(() => {
    house = moveIn(new House(emulator));
    take(house, emulator);
  });
  afterEach(() => house[Symbol.dispose]());
}

// Loaded before a program: its wall clock is ahead by BATTERY_AHEAD_MS, or with BATTERY_SWING_MS swings between that and
// as much behind.
const ahead = Number(process.env["BATTERY_AHEAD_MS"] ?? 0);
const swing = Number(process.env["BATTERY_SWING_MS"] ?? 0);
const { now } = Date;
const began = now();
const offset = (): number => (swing === 0 ? ahead : ahead * ((Math.floor((now() - began) / swing) % 3) - 1));
Date.now = () => now() + offset();

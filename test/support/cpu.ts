// How much work something is, whatever else the machine does meanwhile: time of this process on a processor, not of the clock.

/** Milliseconds. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** CPU time of this process so far in milliseconds: what a search spent, whoever else uses the machine. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** A clock that tells CPU time, for deadlines of a search that has the thread to itself. */
export const CPU_CLOCK = { now: cpuMs }

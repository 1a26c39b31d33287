/** Clocks as a task sees them, in nanoseconds. */
export interface TaskClock {
  realtimeNs(): bigint
  /** Never goes back. */
  monotonicNs(): bigint
  /** Time the program itself was computing. */
  cpuNs(): bigint
  /** Lets `ns` pass. */
  sleep(ns: bigint): void
}

/** Blocks the thread for a while. */
export type Wait = (ms: number) => void

export interface VirtualClockOptions {
  readonly startNs: bigint
  /** Fuel burnt so far, by which time passes while a program computes. */
  readonly fuelUsed: () => bigint
  readonly wait: Wait
}

/** When a task starts that is told no other time: 2026-01-01T00:00:00Z. */
export const DEFAULT_CLOCK_START_NS = 1_767_225_600_000_000_000n

/** About what compiled programs burn in a nanosecond: 1.4 to 21, in the middle 8.6, on a current x86-64. */
const FUEL_PER_NS = 8n

/** Without fuel to go by, each look at the clock moves it this far, so that a loop waiting for time ends. */
const LOOK_NS = 1000n

/** Time that is the same in every run: it passes by fuel burnt and by sleep asked for. Sleeping really waits. */
export function virtualClock({ startNs, fuelUsed, wait }: VirtualClockOptions): TaskClock {
  let sleptNs = 0n
  let lookedNs = 0n
  const computedNs = () => fuelUsed() / FUEL_PER_NS + lookedNs
  const look = () => {
    if (fuelUsed() === 0n) lookedNs += LOOK_NS
    return computedNs()
  }
  return {
    realtimeNs: () => startNs + look() + sleptNs,
    monotonicNs: () => look() + sleptNs,
    cpuNs: look,
    sleep: (ns) => {
      sleptNs += ns
      wait(Number(ns) / 1e6)
    },
  }
}

/** Blocks by `Atomics.wait`; does nothing where a thread may not block, as on a page's main thread. */
export function blockingWait(): Wait {
  const cell = sharedCell()
  return (ms) => {
    if (!cell || !(ms > 0)) return
    try {
      Atomics.wait(cell, 0, 0, ms)
    } catch (fault) {
      if (!(fault instanceof TypeError)) throw fault
    }
  }
}

/**
 * A page without cross-origin isolation has no SharedArrayBuffer to construct, yet a shared WebAssembly memory brings
 * one, and a worker may wait on it.
 */
function sharedCell(): Int32Array | undefined {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const cell = new Int32Array(memory.buffer)
  return Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]' ? cell : undefined
}

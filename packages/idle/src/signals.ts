import type { Instant } from '@fog/kernel'

/** What a sensor says. `null` means that nobody knows; the source then says why, as in "no battery in /sys". */
export interface Reading<T> {
  readonly value: T | null
  /** Where it comes from, for people: "logind", "/proc/stat". */
  readonly source: string
}

export type ThermalPressure = 'nominal' | 'fair' | 'serious' | 'critical'
export type NetworkUse = 'free' | 'metered' | 'save_data' | 'offline'

/** Day 0 is Sunday; minutes since midnight, both as the device's owner reads the clock. */
export interface LocalTime {
  readonly weekday: number
  readonly minute: number
}

/** Everything a decision is made from, as read at one moment. Shares are 0 to 1. */
export interface Signals {
  /** Since the last key, touch or pointer movement. */
  readonly userIdleMs: Reading<number>
  /** Of all cores, by programs other than ours. */
  readonly otherCpu: Reading<number>
  readonly isPlugged: Reading<boolean>
  readonly batteryLevel: Reading<number>
  readonly cpuCelsius: Reading<number>
  readonly batteryCelsius: Reading<number>
  readonly thermalPressure: Reading<ThermalPressure>
  readonly memoryFree: Reading<number>
  readonly ownMemoryBytes: Reading<number>
  readonly network: Reading<NetworkUse>
  readonly isFullScreen: Reading<boolean>
  readonly isBatterySaver: Reading<boolean>
  readonly localTime: Reading<LocalTime>
  /** Tasks that are on the device now, running or suspended. */
  readonly tasks: number
  /** The owner asked for quiet until then. */
  readonly snoozedUntil: Instant | undefined
}

export type SignalName = Exclude<keyof Signals, 'tasks' | 'snoozedUntil'>

export function known<T>(value: T, source: string): Reading<T> {
  return { value, source }
}

export function unknown(source: string): Reading<never> {
  return { value: null, source }
}

import type { DeviceFacts } from './device.ts'
import type { LocalTime, SignalName } from './signals.ts'

/** Two thresholds and how long each must hold, so that a reading near one of them changes nothing. */
export interface Threshold {
  readonly stop: number
  readonly resume: number
  readonly stopAfterMs: number
  readonly resumeAfterMs: number
}

/** A time of the week in which the device may be used. May pass midnight. */
export interface TimeWindow {
  /** Days on which it begins; 0 is Sunday. */
  readonly weekdays: readonly number[]
  readonly fromMinute: number
  readonly toMinute: number
}

/** What an owner allows. A row that is `undefined` does not matter to this owner. */
export interface HarvestPolicy {
  readonly lends: boolean
  /** Of all cores, of memory, of the free disk. */
  readonly cpuShare: number
  readonly memoryShare: number
  readonly diskShare: number
  readonly memoryCapBytes: number
  readonly maxTasks: number
  /** What is left while slowed down, of what the owner allows. */
  readonly throttledShare: number
  /** Any input stops work until nobody has been there for `resumeAfterMs`. */
  readonly userInput: { readonly action: 'throttle' | 'suspend'; readonly resumeAfterMs: number } | undefined
  /** Slowed down first; suspended when the others still want it for as long again. */
  readonly otherCpu: Threshold | undefined
  /** Suspended on battery, unless the battery holds more than `allowedFrom` (and until it holds less than `allowedTo`). */
  readonly unplugged:
    | {
        readonly stopAfterMs: number
        readonly resumeAfterMs: number
        readonly allowedFrom: number | undefined
        readonly allowedTo: number | undefined
      }
    | undefined
  readonly batteryLevel: Threshold | undefined
  /** A step less for as long as it is too warm, a step more when it is cool again. */
  readonly temperature:
    | {
        readonly cpu: { readonly stop: number; readonly resume: number; readonly critical: number }
        readonly battery: { readonly stop: number; readonly resume: number; readonly critical: number }
        readonly stopAfterMs: number
        readonly resumeAfterMs: number
      }
    | undefined
  /** Of free memory. The newest task goes first. */
  readonly memory: Threshold
  /** Suspended outside of these; always allowed if left out. */
  readonly windows: readonly TimeWindow[] | undefined
  readonly pausesInFullScreen: boolean
  readonly pausesInBatterySaver: boolean
  /** Signals whose being unknown is a reason to stop. The others do not matter while unknown. */
  readonly stopsWhenUnknown: readonly SignalName[]
  /** Suspended this long, tasks are checkpointed and evicted: their memory is somebody's. */
  readonly evictAfterMs: number
}

/** From being asked to leave until a task is ended: time for a checkpoint. */
export const EVICTION_GRACE_MS = 15_000

const SECOND = 1000
const GIB = 1024 ** 3

type Preset = Omit<HarvestPolicy, 'maxTasks'>

const UNHARMED: Pick<HarvestPolicy, 'temperature' | 'memory' | 'evictAfterMs'> = {
  temperature: {
    cpu: { stop: 85, resume: 75, critical: 95 },
    battery: { stop: 40, resume: 37, critical: 45 },
    stopAfterMs: 5 * SECOND,
    resumeAfterMs: 60 * SECOND,
  },
  memory: { stop: 0.15, resume: 0.25, stopAfterMs: 5 * SECOND, resumeAfterMs: 30 * SECOND },
  evictAfterMs: 120 * SECOND,
}

/** A machine that does nothing else: only its own health limits it. */
const SERVER: Preset = {
  ...UNHARMED,
  lends: true,
  cpuShare: 1,
  memoryShare: 0.8,
  diskShare: 0.5,
  memoryCapBytes: 1024 * GIB,
  throttledShare: 0.25,
  userInput: undefined,
  otherCpu: undefined,
  unplugged: undefined,
  batteryLevel: undefined,
  windows: undefined,
  pausesInFullScreen: false,
  pausesInBatterySaver: false,
  stopsWhenUnknown: [],
}

/** Somebody's computer: it is theirs while they sit at it, and for a quarter of an hour after. */
const DESKTOP: Preset = {
  ...SERVER,
  memoryShare: 0.5,
  diskShare: 0.25,
  memoryCapBytes: 8 * GIB,
  userInput: { action: 'suspend', resumeAfterMs: 900 * SECOND },
  otherCpu: { stop: 0.25, resume: 0.15, stopAfterMs: 10 * SECOND, resumeAfterMs: 30 * SECOND },
  pausesInFullScreen: true,
  pausesInBatterySaver: true,
}

/** A desktop that runs on a battery: never without the mains, and the battery is charged first. */
const LAPTOP: Preset = {
  ...DESKTOP,
  cpuShare: 0.75,
  memoryShare: 0.25,
  userInput: { action: 'suspend', resumeAfterMs: 180 * SECOND },
  unplugged: { stopAfterMs: 5 * SECOND, resumeAfterMs: 30 * SECOND, allowedFrom: undefined, allowedTo: undefined },
  batteryLevel: { stop: 0.8, resume: 0.9, stopAfterMs: 0, resumeAfterMs: 0 },
  stopsWhenUnknown: ['isPlugged'],
}

const PRESETS = { server: SERVER, desktop: DESKTOP, laptop: LAPTOP } as const
export type PolicyPreset = keyof typeof PRESETS

/** A policy to start from, with a task for each core it offers. */
export function presetPolicy(preset: PolicyPreset, { cores }: Pick<DeviceFacts, 'cores'>): HarvestPolicy {
  const policy = PRESETS[preset]
  return { ...policy, maxTasks: Math.max(1, Math.floor(cores * policy.cpuShare)) }
}

/** Whether a moment lies in a window. */
export function isWithin({ weekday, minute }: LocalTime, { weekdays, fromMinute, toMinute }: TimeWindow): boolean {
  const yesterday = (weekday + 6) % 7
  if (fromMinute <= toMinute) return weekdays.includes(weekday) && minute >= fromMinute && minute < toMinute
  return (weekdays.includes(weekday) && minute >= fromMinute) || (weekdays.includes(yesterday) && minute < toMinute)
}

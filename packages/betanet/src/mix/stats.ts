import { DROP_REASONS, type DropReason } from './drops.ts'
import { Histogram, HISTOGRAM_NUMBERS } from './histogram.ts'

/** What is counted beside the drops. */
export const COUNTS = [
  'received',
  'forwarded',
  'sent',
  'delivered',
  /** Packets at their last hop that are only there so that others are not seen. */
  'cover',
  'bytesIn',
  'bytesOut',
  'linksIn',
  'linksOut',
  /** Packets that wait for their time. */
  'held',
  'cpuMicroseconds',
] as const
export type Count = (typeof COUNTS)[number]

/** Times in microseconds: from bytes read to begun; the work itself; past the time a packet was due when it left. */
export const TIMES = ['queueing', 'service', 'slack'] as const
export type Time = (typeof TIMES)[number]

const HEAD = COUNTS.length + DROP_REASONS.length
/** Bytes of memory the figures of one thread take. */
export const STATS_BYTES = 8 * (HEAD + TIMES.length * HISTOGRAM_NUMBERS)

/**
 * The figures of one thread, in memory that the others can read. One thread writes them and nothing waits for anything: a
 * reader sees each number as it was a moment ago.
 */
export class Stats {
  readonly #numbers: Float64Array
  readonly #times: Readonly<Record<Time, Histogram>>

  constructor(memory: SharedArrayBuffer | ArrayBuffer = new ArrayBuffer(STATS_BYTES)) {
    this.#numbers = new Float64Array(memory)
    const times = TIMES.map((time, i) => {
      const from = HEAD + i * HISTOGRAM_NUMBERS
      return [time, new Histogram(this.#numbers.subarray(from, from + HISTOGRAM_NUMBERS))] as const
    })
    this.#times = Object.fromEntries(times) as Record<Time, Histogram>
  }

  add(count: Count, by = 1): void {
    this.#numbers[PLACE[count]]! += by
  }

  set(count: Count, value: number): void {
    this.#numbers[PLACE[count]] = value
  }

  drop(reason: DropReason, packets = 1): void {
    this.#numbers[DROP_PLACE[reason]]! += packets
  }

  record(time: Time, milliseconds: number): void {
    this.#times[time].record(milliseconds * 1000)
  }

  get(count: Count): number {
    return this.#numbers[PLACE[count]]!
  }

  dropped(reason: DropReason): number {
    return this.#numbers[DROP_PLACE[reason]]!
  }

  time(time: Time): Histogram {
    return this.#times[time]
  }

  /** All of it as plain data, at this moment. */
  snapshot(): StatsSnapshot {
    const counts = Object.fromEntries(COUNTS.map((count) => [count, this.get(count)])) as Record<Count, number>
    const drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, this.dropped(reason)]))
    const times = Object.fromEntries(TIMES.map((time) => [time, this.#times[time].counts.slice()]))
    return { counts, drops: drops as Record<DropReason, number>, times: times as Record<Time, Float64Array> }
  }
}

/** Figures as they were at one moment; times as the counts of a `Histogram`. */
export interface StatsSnapshot {
  readonly counts: Readonly<Record<Count, number>>
  readonly drops: Readonly<Record<DropReason, number>>
  readonly times: Readonly<Record<Time, Float64Array>>
}

/** The figures of several threads as one. */
export function sumStats(all: readonly Stats[]): Stats {
  const sum = new Stats()
  for (const each of all) {
    for (const count of COUNTS) sum.add(count, each.get(count))
    for (const reason of DROP_REASONS) sum.drop(reason, each.dropped(reason))
    for (const time of TIMES) sum.time(time).add(each.time(time))
  }
  return sum
}

const PLACE = Object.fromEntries(COUNTS.map((count, i) => [count, i])) as Record<Count, number>
const DROP_PLACE = Object.fromEntries(DROP_REASONS.map((reason, i) => [reason, COUNTS.length + i])) as Record<
  DropReason,
  number
>

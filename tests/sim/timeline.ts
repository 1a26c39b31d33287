import type { ManualClock } from '@fog/kernel'

interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => Promise<void> | void
}

/** Virtual time: what is due next runs next, whole, before anything else. The same seed gives the same history. */
export class Timeline {
  readonly #clock: ManualClock
  readonly #heap: Entry[] = []
  #order = 0

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  get now(): number {
    return this.#clock.now()
  }

  after(ms: number, run: () => Promise<void> | void): void {
    this.#push({ at: this.now + Math.max(0, ms), order: this.#order++, run })
  }

  /** Runs `step` every `ms` until it answers false. */
  every(ms: number, step: () => Promise<boolean | void> | boolean | void): void {
    this.after(ms, async () => {
      if ((await step()) !== false) this.every(ms, step)
    })
  }

  /** Runs until nothing is due any more or `isOver` says so. */
  async run(isOver: () => boolean): Promise<void> {
    while (this.#heap.length > 0 && !isOver()) {
      const next = this.#pop()
      this.#clock.advance(next.at - this.now)
      await next.run()
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let child = heap.push(entry) - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (isBefore(heap[parent]!, entry)) break
      heap[child] = heap[parent]!
      child = parent
    }
    heap[child] = entry
  }

  #pop(): Entry {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (isBefore(last, heap[child]!)) break
      heap[parent] = heap[child]!
      parent = child
    }
    heap[parent] = last
    return first
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

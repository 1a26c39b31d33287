import type { Clock } from '@fog/kernel'

export interface BatcherOptions {
  /** How long the first item waits for company. */
  readonly gatherMs: number
  readonly maxBatch: number
  /** Items that may wait; more are refused, so that a flood cannot fill the memory. */
  readonly maxWaiting: number
}

interface Waiting<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (fault: unknown) => void
}

/**
 * Group commit: items that come together are handled together, one batch at a time, in the order they came. `handle`
 * answers one value per item; when it throws, each item of the batch is tried alone, so one bad item costs only itself.
 */
export class Batcher<Item, Answer> {
  readonly #clock: Clock
  readonly #options: BatcherOptions
  readonly #handle: (items: readonly Item[]) => Promise<readonly Answer[]>
  #waiting: Waiting<Item, Answer>[] = []
  #running: Promise<void> | undefined

  constructor(
    { clock }: { clock: Clock },
    options: BatcherOptions,
    handle: (items: readonly Item[]) => Promise<readonly Answer[]>,
  ) {
    this.#clock = clock
    this.#options = options
    this.#handle = handle
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Answers undefined when the queue is full. */
  add(item: Item): Promise<Answer> | undefined {
    if (this.#waiting.length >= this.#options.maxWaiting) return undefined
    const answer = new Promise<Answer>((resolve, reject) => this.#waiting.push({ item, resolve, reject }))
    this.#running ??= this.#run()
    return answer
  }

  /** Resolves when everything that was added has been handled. */
  async drain(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    if (this.#options.gatherMs > 0) await this.#clock.sleep(this.#options.gatherMs)
    while (this.#waiting.length > 0) await this.#handleBatch(this.#waiting.splice(0, this.#options.maxBatch))
    this.#running = undefined
  }

  async #handleBatch(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#handle(batch.map((waiting) => waiting.item))
      batch.forEach((waiting, i) => waiting.resolve(answers[i]!))
    } catch (fault) {
      if (batch.length === 1) return batch[0]!.reject(fault)
      for (const waiting of batch) await this.#handleBatch([waiting])
    }
  }
}

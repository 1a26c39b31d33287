/** Weights of a new sample in the mean and in the mean deviation, and how many deviations count (RFC 6298, section 2). */
const MEAN_GAIN = 1 / 8
const DEVIATION_GAIN = 1 / 4
const DEVIATIONS = 4

/**
 * How long answers really take. What the network's delays do not explain, a busy machine or a slow link, shows here, and a
 * timeout is never shorter than this says. Each reply block is used once, so it is always clear which question was answered.
 */
export class AnswerTimes {
  #meanMs: number | undefined
  #deviationMs = 0

  /** No answer should be given up before; 0 while none came yet. */
  get leastTimeoutMs(): number {
    return (this.#meanMs ?? 0) + DEVIATIONS * this.#deviationMs
  }

  note(ms: number): void {
    if (this.#meanMs === undefined) {
      this.#meanMs = ms
      this.#deviationMs = ms / 2
      return
    }
    this.#deviationMs += DEVIATION_GAIN * (Math.abs(ms - this.#meanMs) - this.#deviationMs)
    this.#meanMs += MEAN_GAIN * (ms - this.#meanMs)
  }
}

import { randomBelow, type Rng } from '@fog/kernel'

/**
 * Draws from a few things so that each comes as often as the others, in an order by chance: like cards, dealt out and shuffled
 * again. What may not be drawn at the moment keeps its turn.
 */
export class Deck<T> {
  readonly #all: readonly T[]
  readonly #rng: Rng
  #cards: T[] = []

  constructor(all: readonly T[], rng: Rng) {
    this.#all = all
    this.#rng = rng
  }

  /** The next one that is allowed; undefined when none is. */
  draw(isAllowed: (one: T) => boolean = () => true): T | undefined {
    const at = this.#cards.findIndex(isAllowed)
    if (at >= 0) return this.#cards.splice(at, 1)[0]
    if (!this.#all.some(isAllowed)) return undefined
    // The turns that were kept are no more than those of one round.
    this.#cards = [...this.#cards.slice(0, this.#all.length), ...this.#shuffled()]
    return this.draw(isAllowed)
  }

  #shuffled(): T[] {
    const cards = [...this.#all]
    for (let i = cards.length - 1; i > 0; i--) {
      const j = randomBelow(this.#rng, i + 1)
      ;[cards[i], cards[j]] = [cards[j]!, cards[i]!]
    }
    return cards
  }
}

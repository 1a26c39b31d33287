import { assert } from '@fog/kernel'

/** No slot: what `take` answers when all are in use, and the end of every list of slots. */
export const NO_SLOT = -1

/**
 * A fixed number of slots of equal size in one piece of memory, so that a packet is copied in once and never allocated for.
 * A slot is owned by one stage at a time: whoever took it gives it back, once.
 */
export class Slab {
  readonly slotBytes: number
  readonly slots: number
  readonly bytes: Uint8Array
  readonly #nextFree: Int32Array
  #firstFree = 0
  #free: number

  /** `slots` pieces of `slotBytes` bytes each, allocated at once. */
  constructor({ slots, slotBytes }: { readonly slots: number; readonly slotBytes: number }) {
    this.slots = slots
    this.slotBytes = slotBytes
    this.bytes = new Uint8Array(slots * slotBytes)
    this.#nextFree = Int32Array.from({ length: slots }, (_, i) => (i + 1 < slots ? i + 1 : NO_SLOT))
    this.#free = slots
  }

  get free(): number {
    return this.#free
  }

  /** A slot nobody owns, or `NO_SLOT`. Its bytes are those of its last owner. */
  take(): number {
    const slot = this.#firstFree
    if (slot === NO_SLOT) return NO_SLOT
    this.#firstFree = this.#nextFree[slot]!
    this.#nextFree[slot] = TAKEN
    this.#free -= 1
    return slot
  }

  give(slot: number): void {
    assert(this.#nextFree[slot] === TAKEN, 'a slot is given back once, by its owner')
    this.#nextFree[slot] = this.#firstFree
    this.#firstFree = slot
    this.#free += 1
  }

  /** Where the slot begins in `bytes`. */
  offsetOf(slot: number): number {
    return slot * this.slotBytes
  }
}

const TAKEN = -2

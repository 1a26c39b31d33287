import { assert } from '@fog/kernel'

/** How many processors are free from now on, as a staircase: from `#at[i]` on there are `#free[i]`. */
export class Profile {
  readonly #at: number[]
  readonly #free: number[]

  constructor(now: number, free: number) {
    this.#at = [now]
    this.#free = [free]
  }

  /** Forgets what lies before `now`. */
  advance(now: number): void {
    let past = 0
    while (past + 1 < this.#at.length && this.#at[past + 1]! <= now) past += 1
    this.#at.splice(0, past)
    this.#free.splice(0, past)
    this.#at[0] = Math.max(now, this.#at[0]!)
  }

  /** The first second at which so many processors are free for so long. */
  earliest(width: number, seconds: number): number {
    let from = 0
    for (let i = 0; i < this.#at.length; i += 1) {
      if (this.#at[i]! >= this.#at[from]! + seconds && this.#free[from]! >= width) break
      if (this.#free[i]! < width) from = i + 1
    }
    const at = this.#at[from]
    assert(at !== undefined, 'in the end the machine is empty')
    return at
  }

  /** Takes processors from `from` to `to`, or with a negative width gives them back. */
  take(from: number, to: number, width: number): void {
    if (from >= to) return
    const first = this.#step(from)
    const end = this.#step(to)
    for (let i = first; i < end; i += 1) {
      this.#free[i]! -= width
      assert(this.#free[i]! >= 0, 'a reservation never exceeds what is free')
    }
    this.#merge(end)
    this.#merge(first)
  }

  /** The step that begins at this second; made if there is none. */
  #step(at: number): number {
    let i = this.#at.length
    while (i > 0 && this.#at[i - 1]! >= at) i -= 1
    if (this.#at[i] === at) return i
    this.#at.splice(i, 0, at)
    this.#free.splice(i, 0, this.#free[i - 1]!)
    return i
  }

  #merge(i: number): void {
    if (i === 0 || this.#free[i] !== this.#free[i - 1]) return
    this.#at.splice(i, 1)
    this.#free.splice(i, 1)
  }
}

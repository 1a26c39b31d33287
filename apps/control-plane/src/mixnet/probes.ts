import type { Instant } from '@fog/kernel'

/** What came of loop packets that were sent through a node. */
export interface ProbeResult {
  /** Hex. */
  readonly identityKey: string
  readonly sent: number
  /** Of those, how many never came back. */
  readonly lost: number
  readonly at: Instant
}

/** What probes found of a node lately. */
export interface ProbeSum {
  readonly sent: number
  readonly lost: number
  /** Of the latest result. */
  readonly at: Instant
}

/** Where those who send loops through the network put what they measured, and the registry finds it. */
export interface MixProbes {
  note(results: readonly ProbeResult[]): Promise<void>
  /** Of these nodes, those that anything is known of. */
  read(identityKeys: readonly string[], now: Instant): Promise<Map<string, ProbeSum>>
}

/** An hour counts, in parts of ten minutes: a node that mends its ways is forgiven by then. */
const PART_MS = 600_000
const PARTS = 6
/** Nodes remembered at once; who was measured longest ago goes first. */
const MOST_NODES = 4_096

interface Part {
  readonly index: number
  sent: number
  lost: number
}

/** Probes of the last hour, in memory: after a restart a node is unknown until it is measured again. */
export class MemoryMixProbes implements MixProbes {
  readonly #nodes = new Map<string, { at: Instant; parts: Part[] }>()

  async note(results: readonly ProbeResult[]): Promise<void> {
    for (const { identityKey, sent, lost, at } of results) {
      const index = Math.floor(at / PART_MS)
      const { parts } = this.#nodes.get(identityKey) ?? { parts: [] }
      const live = parts.filter((part) => part.index > index - PARTS)
      const part = live.find((each) => each.index === index) ?? { index, sent: 0, lost: 0 }
      if (!live.includes(part)) live.push(part)
      part.sent += sent
      part.lost += Math.min(lost, sent)
      this.#nodes.delete(identityKey)
      this.#nodes.set(identityKey, { at, parts: live })
    }
    while (this.#nodes.size > MOST_NODES) this.#nodes.delete(this.#nodes.keys().next().value!)
  }

  async read(identityKeys: readonly string[], now: Instant): Promise<Map<string, ProbeSum>> {
    const first = Math.floor(now / PART_MS) - PARTS
    const found = new Map<string, ProbeSum>()
    for (const key of identityKeys) {
      const node = this.#nodes.get(key)
      const live = node?.parts.filter(({ index }) => index > first) ?? []
      const sent = live.reduce((sum, part) => sum + part.sent, 0)
      const lost = live.reduce((sum, part) => sum + part.lost, 0)
      if (node && sent > 0) found.set(key, { sent, lost, at: node.at })
    }
    return found
  }
}

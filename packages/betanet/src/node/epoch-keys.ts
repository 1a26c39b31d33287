import { assert, type DhKeyPair, equalBytes, type NoiseSuite } from '@fog/kernel'
import { wipe } from '@fog/kernel/node'
import { type DelayReveal, openDelays } from '../delay/index.ts'
import type { Consensus } from '../directory/index.ts'
import { clearReplayMemory, newReplayMemory } from '../mix/index.ts'
import type { EpochSecrets } from './thread-messages.ts'

/** Delays of an epoch, fixed by the consensus of `openedBy`: the epoch itself or the one before. */
export interface OpenedDelays {
  readonly openedBy: number
  /** To publish when the epoch is over. */
  readonly reveal: DelayReveal
}

/** Two epochs are live at once, and a third begins before the first is let go. */
const MOST_SPARE = 2

interface EpochEntry {
  readonly sphinx: DhKeyPair
  /** Fixed by a consensus; the filter is there from then on, as long as the key. */
  serving: Pick<EpochSecrets, 'delayOutput' | 'meanSteps' | 'replayMemory'> | undefined
}

/**
 * A node's Sphinx keys, one an epoch, in memory only: what was captured cannot be opened once the node forgot its key, and no
 * replay outlives it. A node that starts anew has new keys, which serve from the next consensus that names them.
 */
export class EpochKeys {
  readonly #noise: NoiseSuite
  readonly #tags: number
  readonly #entries = new Map<number, EpochEntry>()
  /** Filters of forgotten epochs, until all threads have let go of them. */
  readonly #retired = new Map<number, SharedArrayBuffer>()
  /** Filters to use again: left to the garbage collector, which sees none of their size, they would pile up for hours. */
  readonly #spare: SharedArrayBuffer[] = []

  /** `tags`: packets an epoch that the replay filter is sized for. */
  constructor({ noise, tags }: { readonly noise: NoiseSuite; readonly tags: number }) {
    this.#noise = noise
    this.#tags = tags
  }

  /** The node's key of the epoch: 32 bytes, made when first asked for. */
  publicKey(epoch: number): Uint8Array {
    return this.#entry(epoch).sphinx.publicKey
  }

  /** Whether the epoch's key is the one that the consensus names. */
  serves(epoch: number, sphinxKey: Uint8Array): boolean {
    const entry = this.#entries.get(epoch)
    return entry !== undefined && equalBytes(entry.sphinx.publicKey, sphinxKey)
  }

  /** Whether the epoch's delays are fixed. */
  isOpen(epoch: number): boolean {
    return this.#entries.get(epoch)?.serving !== undefined
  }

  /**
   * Fixes the epoch's delays once and for all: by its own consensus, or by that of the epoch before, where its own did not come in
   * time. When it comes later nothing changes: what a packet waits must not depend on the moment at which its node heard of it.
   */
  open(
    epoch: number,
    { epoch: openedBy, beacon, parameters }: Consensus,
    { nodeId, vrfSecretKey }: { readonly nodeId: Uint8Array; readonly vrfSecretKey: Uint8Array },
  ): OpenedDelays {
    const entry = this.#entry(epoch)
    assert(!entry.serving, 'delays are fixed once')
    const seed = { nodeId, epoch: openedBy, beacon, sphinxKey: entry.sphinx.publicKey }
    const { source, reveal } = openDelays(parameters.vrfSuite, vrfSecretKey, seed)
    source.wipe()
    entry.serving = {
      delayOutput: reveal.output,
      meanSteps: parameters.delayMeansSteps,
      replayMemory: this.#newMemory(),
    }
    return { openedBy, reveal: { ...reveal, epoch } }
  }

  /** What a vertical needs to serve the epoch: copies, which it wipes. Undefined until its delays are fixed. */
  secrets(epoch: number): EpochSecrets | undefined {
    const entry = this.#entries.get(epoch)
    if (!entry?.serving) return undefined
    const { sphinx, serving } = entry
    return {
      ...serving,
      epoch,
      sphinxSecretKey: Uint8Array.from(sphinx.secretKey),
      delayOutput: Uint8Array.from(serving.delayOutput),
    }
  }

  /** Wipes the keys of epochs before this one. */
  forgetBefore(epoch: number): void {
    for (const [each, { sphinx, serving }] of this.#entries) {
      if (each >= epoch) continue
      wipe(sphinx.secretKey)
      this.#entries.delete(each)
      if (serving) this.#retired.set(each, serving.replayMemory)
    }
  }

  /** No thread looks at the filter of this epoch any more. */
  released(epoch: number): void {
    const memory = this.#retired.get(epoch)
    if (memory && this.#spare.length < MOST_SPARE) this.#spare.push(memory)
    for (const each of this.#retired.keys()) if (each <= epoch) this.#retired.delete(each)
  }

  #newMemory(): SharedArrayBuffer {
    const spare = this.#spare.pop()
    return spare ? clearReplayMemory(spare) : newReplayMemory(this.#tags)
  }

  #entry(epoch: number): EpochEntry {
    const known = this.#entries.get(epoch)
    if (known) return known
    assert(this.#entries.size < 16, 'keys of epochs that are over are forgotten')
    const entry = { sphinx: this.#noise.makeKeyPair(), serving: undefined }
    this.#entries.set(epoch, entry)
    return entry
  }
}

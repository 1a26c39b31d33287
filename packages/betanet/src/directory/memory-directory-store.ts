import { MemoryDatabase, type MemoryTable } from '@fog/kernel'
import type { DirectoryStore, Evidence } from './directory-store.ts'

interface EpochRow {
  readonly epoch: number
  readonly bytes: Uint8Array
}

interface DescriptorRow extends EpochRow {
  readonly nodeId: string
}

/** A `DirectoryStore` that forgets everything with the process: for tests, and for a look around. */
export class MemoryDirectoryStore implements DirectoryStore {
  readonly #descriptors: MemoryTable<string, DescriptorRow>
  readonly #votes: MemoryTable<number, EpochRow>
  readonly #digests: MemoryTable<number, EpochRow>
  readonly #consensuses: MemoryTable<number, EpochRow>
  readonly #evidence: MemoryTable<string, Evidence>

  constructor(database: MemoryDatabase = new MemoryDatabase()) {
    this.#descriptors = database.table()
    this.#votes = database.table()
    this.#digests = database.table()
    this.#consensuses = database.table()
    this.#evidence = database.table()
  }

  async putDescriptor(epoch: number, nodeId: string, bytes: Uint8Array): Promise<void> {
    this.#descriptors.set(`${epoch} ${nodeId}`, { epoch, nodeId, bytes: bytes.slice() })
  }

  async findDescriptor(epoch: number, nodeId: string): Promise<Uint8Array | undefined> {
    return this.#descriptors.get(`${epoch} ${nodeId}`)?.bytes.slice()
  }

  async listDescriptors(epoch: number): Promise<readonly Uint8Array[]> {
    return [...this.#descriptors.values()]
      .filter((row) => row.epoch === epoch)
      .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
      .map(({ bytes }) => bytes.slice())
  }

  async countDescriptors(epoch: number): Promise<number> {
    return [...this.#descriptors.values()].filter((row) => row.epoch === epoch).length
  }

  async pinVote(epoch: number, bytes: Uint8Array): Promise<Uint8Array> {
    return pin(this.#votes, epoch, bytes)
  }

  async findVote(epoch: number): Promise<Uint8Array | undefined> {
    return this.#votes.get(epoch)?.bytes.slice()
  }

  async pinDigest(epoch: number, digest: Uint8Array): Promise<Uint8Array> {
    return pin(this.#digests, epoch, digest)
  }

  async addConsensus(epoch: number, bytes: Uint8Array): Promise<'added' | 'exists'> {
    if (this.#consensuses.has(epoch)) return 'exists'
    this.#consensuses.set(epoch, { epoch, bytes: bytes.slice() })
    return 'added'
  }

  async findConsensus(epoch: number): Promise<Uint8Array | undefined> {
    return this.#consensuses.get(epoch)?.bytes.slice()
  }

  async findLastConsensus(before = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    const epochs = [...this.#consensuses.values()].map(({ epoch }) => epoch).filter((epoch) => epoch < before)
    return epochs.length === 0 ? undefined : this.findConsensus(Math.max(...epochs))
  }

  async addEvidence(evidence: Evidence): Promise<void> {
    const key = `${evidence.kind} ${evidence.culprit} ${evidence.epoch}`
    if (!this.#evidence.has(key)) this.#evidence.set(key, evidence)
  }

  async listEvidence(limit: number): Promise<readonly Evidence[]> {
    return [...this.#evidence.values()].sort((a, b) => b.epoch - a.epoch).slice(0, limit)
  }

  async forgetBefore(epoch: number): Promise<void> {
    for (const row of this.#descriptors.values()) {
      if (row.epoch < epoch) this.#descriptors.delete(`${row.epoch} ${row.nodeId}`)
    }
    for (const pins of [this.#votes, this.#digests]) {
      for (const row of pins.values()) if (row.epoch < epoch) pins.delete(row.epoch)
    }
  }
}

function pin(table: MemoryTable<number, EpochRow>, epoch: number, bytes: Uint8Array): Uint8Array {
  const first = table.get(epoch) ?? { epoch, bytes: bytes.slice() }
  table.set(epoch, first)
  return first.bytes.slice()
}

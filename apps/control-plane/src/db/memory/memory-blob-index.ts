import type { AccountId, Instant, MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { BlobIndex } from '../../ports.ts'

interface KnownBlob {
  readonly size: number
  readonly content?: Uint8Array
}

/** The index of content in memory, and small content itself. */
export class MemoryBlobIndex implements BlobIndex {
  readonly #blobs: MemoryTable<string, KnownBlob>
  readonly #grants: MemoryTable<string, true>

  constructor(database: MemoryDatabase) {
    this.#blobs = database.table()
    this.#grants = database.table()
  }

  async add(blobs: readonly { readonly digest: string; readonly size: number; readonly at: Instant }[]): Promise<void> {
    for (const { digest, size } of blobs) if (!this.#blobs.has(digest)) this.#blobs.set(digest, { size })
  }

  async addSmall(
    blobs: readonly { readonly digest: string; readonly content: Uint8Array; readonly at: Instant }[],
  ): Promise<void> {
    for (const { digest, content } of blobs) {
      if (!this.#blobs.has(digest)) this.#blobs.set(digest, { size: content.length, content: content.slice() })
    }
  }

  async findSmall(digest: string): Promise<Uint8Array | undefined> {
    return this.#blobs.get(digest)?.content?.slice()
  }

  async sizes(digests: readonly string[]): Promise<Map<string, number>> {
    const known = digests.filter((digest) => this.#blobs.has(digest))
    return new Map(known.map((digest) => [digest, this.#blobs.get(digest)!.size]))
  }

  async grant(accountId: AccountId, digests: readonly string[]): Promise<void> {
    for (const digest of digests) this.#grants.set(grantKey(accountId, digest), true)
  }

  async readable(accountId: AccountId, digests: readonly string[]): Promise<Set<string>> {
    return new Set(digests.filter((digest) => this.#grants.has(grantKey(accountId, digest))))
  }
}

function grantKey(accountId: AccountId, digest: string): string {
  return `${accountId} ${digest}`
}

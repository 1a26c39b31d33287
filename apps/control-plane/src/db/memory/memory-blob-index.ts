import type { Reach } from '@fog/fog'
import type { AccountId, Instant, MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { BlobIndex, Grant } from '../../ports.ts'

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

  async grant(grants: readonly Grant[]): Promise<void> {
    for (const grant of grants) {
      for (const key of [grantKey(grant), wayKey(grant), wayKey({ ...grant, accountId: undefined })]) {
        this.#grants.set(key, true)
      }
    }
  }

  async granted(grants: readonly Grant[]): Promise<Grant[]> {
    const known = grants.filter((grant) => this.#grants.has(grantKey(grant)))
    return known.map(({ accountId, digest }) => ({ accountId, digest }))
  }

  async readable(accountId: AccountId, digests: readonly string[]): Promise<Set<string>> {
    return new Set(digests.filter((digest) => this.#grants.has(grantKey({ accountId, digest }))))
  }

  async came(accountId: AccountId | undefined, digests: readonly string[], reach: Reach): Promise<Set<string>> {
    return new Set(digests.filter((digest) => this.#grants.has(wayKey({ accountId, digest, reach }))))
  }
}

/** A grant to an account, or to anybody. */
type Way = Omit<Grant, 'accountId'> & { readonly accountId: AccountId | undefined }

function grantKey({ accountId, digest }: Grant): string {
  return `${accountId} ${digest}`
}

function wayKey({ accountId, digest, reach = 'direct' }: Way): string {
  return `${accountId ?? 'anybody'} ${digest} ${reach}`
}

import type { Evidence } from '@fog/betanet/directory'
import { toHex } from '@fog/kernel'
import { sql } from 'kysely'
import type { MixDirectoryStore } from '../mixnet/stores.ts'
import type { Db } from './tables.ts'

/** What the authority of one network knows, in PostgreSQL. Durable when the transaction it is used in is. */
export class PgDirectoryStore implements MixDirectoryStore {
  readonly #db: Db
  readonly #network: string

  constructor(db: Db, network: Uint8Array) {
    this.#db = db
    this.#network = toHex(network)
  }

  async putDescriptor(epoch: number, nodeId: string, bytes: Uint8Array): Promise<void> {
    await sql`
      INSERT INTO mixnet_descriptors (network, epoch, node_id, content)
      VALUES (${this.#network}, ${epoch}, ${nodeId}, ${Buffer.from(bytes)})
      ON CONFLICT (network, epoch, node_id) DO UPDATE SET content = excluded.content`.execute(this.#db)
  }

  async findDescriptor(epoch: number, nodeId: string): Promise<Uint8Array | undefined> {
    const { rows } = await sql<ContentRow>`
      SELECT content FROM mixnet_descriptors
      WHERE network = ${this.#network} AND epoch = ${epoch} AND node_id = ${nodeId}`.execute(this.#db)
    return contentOf(rows[0])
  }

  async listDescriptors(epoch: number): Promise<readonly Uint8Array[]> {
    const { rows } = await sql<ContentRow>`
      SELECT content FROM mixnet_descriptors
      WHERE network = ${this.#network} AND epoch = ${epoch} ORDER BY node_id`.execute(this.#db)
    return rows.map(({ content }) => new Uint8Array(content))
  }

  async countDescriptors(epoch: number): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*) AS count FROM mixnet_descriptors
      WHERE network = ${this.#network} AND epoch = ${epoch}`.execute(this.#db)
    return rows[0]!.count
  }

  async pinVote(epoch: number, bytes: Uint8Array): Promise<Uint8Array> {
    return this.#pin('vote', epoch, bytes)
  }

  async findVote(epoch: number): Promise<Uint8Array | undefined> {
    return this.#findPin('vote', epoch)
  }

  async pinDigest(epoch: number, digest: Uint8Array): Promise<Uint8Array> {
    return this.#pin('digest', epoch, digest)
  }

  async addConsensus(epoch: number, bytes: Uint8Array): Promise<'added' | 'exists'> {
    const { numAffectedRows } = await sql`
      INSERT INTO mixnet_consensuses (network, epoch, content) VALUES (${this.#network}, ${epoch}, ${Buffer.from(bytes)})
      ON CONFLICT DO NOTHING`.execute(this.#db)
    return numAffectedRows === 1n ? 'added' : 'exists'
  }

  async findConsensus(epoch: number): Promise<Uint8Array | undefined> {
    const { rows } = await sql<ContentRow>`
      SELECT content FROM mixnet_consensuses WHERE network = ${this.#network} AND epoch = ${epoch}`.execute(this.#db)
    return contentOf(rows[0])
  }

  async findLastConsensus(before?: number): Promise<Uint8Array | undefined> {
    const epoch = await this.lastConsensusEpoch(before)
    return epoch === undefined ? undefined : this.findConsensus(epoch)
  }

  async lastConsensusEpoch(before = Number.MAX_SAFE_INTEGER): Promise<number | undefined> {
    const { rows } = await sql<{ epoch: number | null }>`
      SELECT max(epoch) AS epoch FROM mixnet_consensuses
      WHERE network = ${this.#network} AND epoch < ${before}`.execute(this.#db)
    return rows[0]?.epoch ?? undefined
  }

  async addEvidence({ kind, culprit, epoch, first, second }: Evidence): Promise<void> {
    await sql`
      INSERT INTO mixnet_evidence (network, kind, culprit, epoch, first, second)
      VALUES (${this.#network}, ${kind}, ${culprit}, ${epoch}, ${Buffer.from(first)}, ${Buffer.from(second)})
      ON CONFLICT DO NOTHING`.execute(this.#db)
  }

  async listEvidence(limit: number): Promise<readonly Evidence[]> {
    const { rows } = await sql<EvidenceRow>`
      SELECT kind, culprit, epoch, first, second FROM mixnet_evidence
      WHERE network = ${this.#network} ORDER BY epoch DESC, kind, culprit LIMIT ${limit}`.execute(this.#db)
    return rows.map(toEvidence)
  }

  async findEvidence(kind: Evidence['kind'], culprit: string, epoch: number): Promise<Evidence | undefined> {
    const { rows } = await sql<EvidenceRow>`
      SELECT kind, culprit, epoch, first, second FROM mixnet_evidence
      WHERE network = ${this.#network} AND kind = ${kind} AND culprit = ${culprit} AND epoch = ${epoch}
    `.execute(this.#db)
    return rows[0] && toEvidence(rows[0])
  }

  async countEvidence(culprit: string): Promise<{ readonly all: number; readonly ofCulprit: number }> {
    const { rows } = await sql<{ all: number; of_culprit: number }>`
      SELECT count(*) AS "all", count(*) FILTER (WHERE culprit = ${culprit}) AS of_culprit
      FROM mixnet_evidence WHERE network = ${this.#network}`.execute(this.#db)
    return { all: rows[0]!.all, ofCulprit: rows[0]!.of_culprit }
  }

  async forgetBefore(epoch: number): Promise<void> {
    await sql`
      WITH old AS (DELETE FROM mixnet_pins WHERE network = ${this.#network} AND epoch < ${epoch})
      DELETE FROM mixnet_descriptors WHERE network = ${this.#network} AND epoch < ${epoch}`.execute(this.#db)
  }

  async forgetConsensusesBefore(epoch: number): Promise<void> {
    await sql`
      DELETE FROM mixnet_consensuses WHERE network = ${this.#network} AND epoch < ${epoch}
        AND epoch < (SELECT max(epoch) FROM mixnet_consensuses WHERE network = ${this.#network})`.execute(this.#db)
  }

  /** Whoever comes second waits until the first has committed, and then reads its pin. */
  async #pin(kind: PinKind, epoch: number, bytes: Uint8Array): Promise<Uint8Array> {
    await sql`
      INSERT INTO mixnet_pins (network, kind, epoch, content)
      VALUES (${this.#network}, ${kind}, ${epoch}, ${Buffer.from(bytes)}) ON CONFLICT DO NOTHING`.execute(this.#db)
    return (await this.#findPin(kind, epoch))!
  }

  async #findPin(kind: PinKind, epoch: number): Promise<Uint8Array | undefined> {
    const { rows } = await sql<ContentRow>`
      SELECT content FROM mixnet_pins
      WHERE network = ${this.#network} AND kind = ${kind} AND epoch = ${epoch}`.execute(this.#db)
    return contentOf(rows[0])
  }
}

type PinKind = 'vote' | 'digest'

interface ContentRow {
  readonly content: Buffer
}

interface EvidenceRow extends Omit<Evidence, 'first' | 'second'> {
  readonly first: Buffer
  readonly second: Buffer
}

function contentOf(row: ContentRow | undefined): Uint8Array | undefined {
  return row && new Uint8Array(row.content)
}

function toEvidence({ kind, culprit, epoch, first, second }: EvidenceRow): Evidence {
  return { kind, culprit, epoch, first: new Uint8Array(first), second: new Uint8Array(second) }
}

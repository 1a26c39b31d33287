import { type AccountId, equalBytes, type Instant, type MemoryDatabase, type MemoryTable, toHex } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import {
  type MessageBounds,
  type MixFlow,
  type MixNodeRecord,
  type MixnetStore,
  type MixReport,
  TRAFFIC_FIELDS,
  type WaitingMessage,
} from '../../mixnet/stores.ts'

interface MessageRow extends WaitingMessage {
  readonly network: string
}

/** The memory twin. */
export class MemoryMixnetStore implements MixnetStore {
  readonly #nodes: MemoryTable<string, MixNodeRecord>
  readonly #operators: MemoryTable<AccountId, { readonly accountId: AccountId; readonly operator: string }>
  readonly #reports: MemoryTable<string, { readonly network: string; readonly report: MixReport }>
  readonly #messages: MemoryTable<string, MessageRow>

  constructor(database: MemoryDatabase) {
    this.#nodes = database.table()
    this.#operators = database.table()
    this.#reports = database.table()
    this.#messages = database.table()
  }

  async addNode(node: MixNodeRecord): Promise<boolean> {
    if (this.#nodes.has(node.identityKey)) return false
    this.#nodes.set(node.identityKey, node)
    return true
  }

  async findNode(identityKey: string): Promise<MixNodeRecord | undefined> {
    return this.#nodes.get(identityKey)
  }

  async findNodes(identityKeys: readonly string[]): Promise<Map<string, MixNodeRecord>> {
    const found = identityKeys.flatMap((key) => this.#nodes.get(key) ?? [])
    return new Map(found.map((node) => [node.identityKey, node]))
  }

  async revokeNode(identityKey: string, at: Instant): Promise<void> {
    const node = this.#nodes.get(identityKey)
    if (node && node.revokedAt === undefined) this.#nodes.set(identityKey, { ...node, revokedAt: at })
  }

  async listNodes({ accountId, after = '', limit }: Parameters<MixnetStore['listNodes']>[0]): Promise<MixNodeRecord[]> {
    return [...this.#nodes.values()]
      .filter((node) => node.identityKey > after && (accountId === undefined || node.accountId === accountId))
      .sort((a, b) => (a.identityKey < b.identityKey ? -1 : 1))
      .slice(0, limit)
  }

  async countNodes(accountId: AccountId): Promise<number> {
    return [...this.#nodes.values()].filter((node) => node.accountId === accountId && node.revokedAt === undefined)
      .length
  }

  async claimOperator(accountId: AccountId, operator: string): Promise<string | undefined> {
    const isTaken = [...this.#operators.values()].some((one) => one.operator === operator)
    if (!isTaken && !this.#operators.has(accountId)) this.#operators.set(accountId, { accountId, operator })
    return this.findOperator(accountId)
  }

  async findOperator(accountId: AccountId): Promise<string | undefined> {
    return this.#operators.get(accountId)?.operator
  }

  async putReport(network: string, report: MixReport): Promise<'added' | 'replaced' | 'known' | 'superseded'> {
    const key = `${network} ${report.epoch} ${report.identityKey}`
    const known = this.#reports.get(key)?.report
    if (known && known.revision >= report.revision)
      return equalBytes(known.bytes, report.bytes) ? 'known' : 'superseded'
    this.#reports.set(key, { network, report })
    return known ? 'replaced' : 'added'
  }

  async listReports(network: string, epoch: number): Promise<MixReport[]> {
    return this.#reportsOf(network)
      .filter((report) => report.epoch === epoch)
      .sort((a, b) => (a.identityKey < b.identityKey ? -1 : 1))
  }

  async sumReports(
    network: string,
    { limit, identityKey }: { readonly limit: number; readonly identityKey?: string | undefined },
  ): Promise<MixFlow[]> {
    const byEpoch = new Map<number, MixFlow>()
    for (const report of this.#reportsOf(network)) {
      if (identityKey !== undefined && report.identityKey !== identityKey) continue
      byEpoch.set(report.epoch, added(byEpoch.get(report.epoch), report))
    }
    return [...byEpoch.values()].sort((a, b) => b.epoch - a.epoch).slice(0, limit)
  }

  async forgetReportsBefore(network: string, epoch: number): Promise<void> {
    for (const report of this.#reportsOf(network)) {
      if (report.epoch < epoch) this.#reports.delete(`${network} ${report.epoch} ${report.identityKey}`)
    }
  }

  async addMessage(network: string, bytes: Uint8Array, _at: Instant, bounds: MessageBounds): Promise<boolean> {
    const waiting = [...this.#messages.values()].filter((one) => one.network === network)
    const size = waiting.reduce((sum, one) => sum + one.bytes.length, bytes.length)
    if (waiting.length >= bounds.messages || size > bounds.bytes) return false
    const digest = toHex(sha256(bytes))
    const key = `${network} ${digest}`
    if (!this.#messages.has(key)) this.#messages.set(key, { digest, network, bytes: bytes.slice() })
    return true
  }

  async listMessages(network: string, limit: number): Promise<WaitingMessage[]> {
    return [...this.#messages.values()]
      .filter((one) => one.network === network)
      .slice(0, limit)
      .map(({ digest, bytes }) => ({ digest, bytes: bytes.slice() }))
  }

  async removeMessages(network: string, digests: readonly string[]): Promise<void> {
    for (const digest of digests) this.#messages.delete(`${network} ${digest}`)
  }

  #reportsOf(network: string): MixReport[] {
    return [...this.#reports.values()].filter((row) => row.network === network).map(({ report }) => report)
  }
}

const NONE: Omit<MixFlow, 'epoch'> = {
  nodes: 0,
  received: 0,
  forwarded: 0,
  delivered: 0,
  cover: 0,
  dropped: 0,
  bytesIn: 0,
  bytesOut: 0,
  loopsSent: 0,
  loopsReturned: 0,
  loopsLost: 0,
  receivedPerSecond: 0,
  forwardedPerSecond: 0,
}

function added(sum: MixFlow | undefined, report: MixReport): MixFlow {
  const before = sum ?? { epoch: report.epoch, ...NONE }
  const fields = TRAFFIC_FIELDS.map((field) => [field, before[field] + report[field]])
  return {
    ...before,
    ...(Object.fromEntries(fields) as Pick<MixFlow, (typeof TRAFFIC_FIELDS)[number]>),
    nodes: before.nodes + 1,
    receivedPerSecond: before.receivedPerSecond + (report.received * 1000) / report.coveredMs,
    forwardedPerSecond: before.forwardedPerSecond + (report.forwarded * 1000) / report.coveredMs,
  }
}

import type { DirectoryStore, Evidence } from '@fog/betanet/directory'
import type { AccountId, Instant } from '@fog/kernel'

/** What the control plane keeps of a mixnet, beside what an authority asks for. */
export interface MixDirectoryStore extends DirectoryStore {
  /** The highest epoch below `before`, of all if not given, that has a consensus. */
  lastConsensusEpoch(before?: number): Promise<number | undefined>
  findEvidence(kind: Evidence['kind'], culprit: string, epoch: number): Promise<Evidence | undefined>
  /** How much there is, of everyone and of this one. */
  countEvidence(culprit: string): Promise<{ readonly all: number; readonly ofCulprit: number }>
  /** Lets go of consensuses of epochs before this one, save the last that there is. */
  forgetConsensusesBefore(epoch: number): Promise<void>
}

/** A node that was admitted by an account. */
export interface MixNodeRecord {
  /** Ed25519, hex. */
  readonly identityKey: string
  readonly accountId: AccountId
  readonly name: string
  /** What its descriptors must say: one word for all nodes of an account, and no other account's. */
  readonly operator: string
  readonly addedAt: Instant
  readonly revokedAt?: Instant | undefined
}

/** Sums over the time that reports cover. */
export interface MixTraffic {
  readonly received: number
  readonly forwarded: number
  readonly delivered: number
  readonly cover: number
  readonly dropped: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly loopsSent: number
  readonly loopsReturned: number
  readonly loopsLost: number
}

export const TRAFFIC_FIELDS = [
  'received',
  'forwarded',
  'delivered',
  'cover',
  'dropped',
  'bytesIn',
  'bytesOut',
  'loopsSent',
  'loopsReturned',
  'loopsLost',
] as const satisfies readonly (keyof MixTraffic)[]

/** What a node reported of one epoch. */
export interface MixReport extends MixTraffic {
  readonly epoch: number
  readonly identityKey: string
  readonly revision: number
  readonly coveredMs: number
  readonly at: Instant
  /** The signed report. */
  readonly bytes: Uint8Array
}

/** What all nodes, or one, reported of one epoch. */
export interface MixFlow extends MixTraffic {
  readonly epoch: number
  readonly nodes: number
  /** Sums over nodes of each one's packets a second. */
  readonly receivedPerSecond: number
  readonly forwardedPerSecond: number
}

/** A message of another authority that waits for the control plane that leads. */
export interface WaitingMessage {
  /** SHA-256, hex. */
  readonly digest: string
  readonly bytes: Uint8Array
}

export interface MessageBounds {
  readonly messages: number
  readonly bytes: number
}

/** Admitted nodes, reports and waiting messages. `network` is its name in hex. */
export interface MixnetStore {
  /** False when the key is known already, whoever's it is. */
  addNode(node: MixNodeRecord): Promise<boolean>
  findNode(identityKey: string): Promise<MixNodeRecord | undefined>
  findNodes(identityKeys: readonly string[]): Promise<Map<string, MixNodeRecord>>
  revokeNode(identityKey: string, at: Instant): Promise<void>
  /** By key. */
  listNodes(page: {
    readonly accountId?: AccountId | undefined
    readonly after?: string | undefined
    readonly limit: number
  }): Promise<MixNodeRecord[]>
  /** Those that are not revoked. */
  countNodes(accountId: AccountId): Promise<number>
  /** Gives an account its operator's name, unless it has one or another has that name: answers what it has then. */
  claimOperator(accountId: AccountId, operator: string): Promise<string | undefined>
  findOperator(accountId: AccountId): Promise<string | undefined>

  /** Keeps the report with the highest revision of a node and epoch. */
  putReport(network: string, report: MixReport): Promise<'added' | 'replaced' | 'known' | 'superseded'>
  /** Of one epoch, by node. */
  listReports(network: string, epoch: number): Promise<MixReport[]>
  /** The latest epochs first; those nobody reported are left out. */
  sumReports(
    network: string,
    asked: { readonly limit: number; readonly identityKey?: string | undefined },
  ): Promise<MixFlow[]>
  forgetReportsBefore(network: string, epoch: number): Promise<void>

  /** False when there is no room. The same bytes wait once. */
  addMessage(network: string, bytes: Uint8Array, at: Instant, bounds: MessageBounds): Promise<boolean>
  /** In the order in which they came. */
  listMessages(network: string, limit: number): Promise<WaitingMessage[]>
  removeMessages(network: string, digests: readonly string[]): Promise<void>
}

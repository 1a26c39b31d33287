import type {
  AccountId,
  AttemptId,
  GatewayId,
  Instant,
  JobId,
  JoinTokenId,
  NodeId,
  SessionId,
  TaskId,
  TokenId,
  UserId,
} from '@fog/kernel'
import type { Scope } from '@fog/contract'
import type { NodeStore, Reach } from '@fog/fog'
import type { Checkpoint, JobStore } from '@fog/scheduler'
import type { LedgerStore } from '@fog/tokenomics'
import type { MixDirectoryStore, MixnetStore } from './mixnet/stores.ts'
import type { FrontStore } from './front-store.ts'
import type { QuotaStore } from './quota-store.ts'
import type { ScheduleStore } from './schedule-store.ts'

/** The control plane's own ports: people and their keys, blobs, events, logs, gateways. */

export type Role = 'admin' | 'member'

export interface User {
  readonly userId: UserId
  /** Lower case, unique. */
  readonly name: string
  readonly role: Role
  readonly accountId: AccountId
  /** argon2id, in PHC string form. */
  readonly passwordHash: string
  readonly status: 'active' | 'disabled'
  /** Failed log-ins since the last good one, and until when further ones are refused. */
  readonly failedLogins: number
  readonly lockedUntil?: Instant | undefined
  readonly createdAt: Instant
}

/** One log-in. Its refresh token rotates; only the hash of the current and the one before is kept. */
export interface Session {
  readonly sessionId: SessionId
  readonly userId: UserId
  /** SHA-256, hex, of the refresh token that is good now. */
  readonly refreshHash: string
  /** Hashes already used: one of them coming back means theft, and ends the session. */
  readonly usedHashes: readonly string[]
  readonly createdAt: Instant
  readonly expiresAt: Instant
  readonly endedAt?: Instant | undefined
  readonly userAgent: string
}

/** A long-lived key for scripts, with fewer rights than its owner. */
export interface ApiToken {
  readonly tokenId: TokenId
  readonly userId: UserId
  readonly name: string
  /** SHA-256, hex. */
  readonly hash: string
  readonly scopes: readonly Scope[]
  readonly createdAt: Instant
  readonly expiresAt?: Instant | undefined
  readonly revokedAt?: Instant | undefined
  readonly lastUsedAt?: Instant | undefined
}

/** Lets devices enrol for its owner's account. */
export interface JoinToken {
  readonly joinTokenId: JoinTokenId
  readonly userId: UserId
  readonly accountId: AccountId
  readonly name: string
  readonly hash: string
  readonly usesLeft: number
  readonly createdAt: Instant
  readonly expiresAt: Instant
  readonly revokedAt?: Instant | undefined
}

export interface AuditEntry {
  readonly at: Instant
  /** Who did it: a user, a node, or `system`. */
  readonly actor: string
  /** Past tense, as `user.logged_in`. */
  readonly action: string
  readonly subject: string
  readonly address: string
  /** Never a secret. */
  readonly facts: Readonly<Record<string, string | number | boolean>>
}

export interface AccessStore {
  /** Throws `access.name_taken`. */
  addUser(user: User): Promise<void>
  findUser(userId: UserId): Promise<User | undefined>
  findUserByName(name: string): Promise<User | undefined>
  findUserByAccount(accountId: AccountId): Promise<User | undefined>
  /** Locked until the transaction ends. */
  findUserForUpdate(userId: UserId): Promise<User | undefined>
  listUsers(page: { readonly after?: UserId | undefined; readonly limit: number }): Promise<User[]>
  saveUser(user: User): Promise<void>
  countUsers(): Promise<number>

  addSession(session: Session): Promise<void>
  findSession(sessionId: SessionId): Promise<Session | undefined>
  findSessionForUpdate(sessionId: SessionId): Promise<Session | undefined>
  saveSession(session: Session): Promise<void>
  listSessions(userId: UserId): Promise<Session[]>
  /** Ends every session of a user; answers how many were live. */
  endSessions(userId: UserId, at: Instant): Promise<number>

  addToken(token: ApiToken): Promise<void>
  findToken(tokenId: TokenId): Promise<ApiToken | undefined>
  findTokenByHash(hash: string): Promise<ApiToken | undefined>
  listTokens(userId: UserId): Promise<ApiToken[]>
  saveToken(token: ApiToken): Promise<void>

  addJoinToken(token: JoinToken): Promise<void>
  findJoinTokenByHashForUpdate(hash: string): Promise<JoinToken | undefined>
  findJoinToken(joinTokenId: JoinTokenId): Promise<JoinToken | undefined>
  listJoinTokens(userId: UserId): Promise<JoinToken[]>
  saveJoinToken(token: JoinToken): Promise<void>

  /** Appends to the audit log, which nothing changes afterwards. */
  audit(entry: AuditEntry): Promise<void>
  /** Newest first; `before` is the sequence number of the last entry of the page before. */
  listAudit(page: {
    readonly before?: number | undefined
    readonly limit: number
  }): Promise<(AuditEntry & { readonly sequence: number })[]>

  /** Small durable facts of this fog, such as its signing keys: written once, never overwritten. Answers what is kept. */
  keep(name: string, value: string): Promise<string>
  /** The fact, if it was ever kept. */
  kept(name: string): Promise<string | undefined>
}

/** Content up to this size is kept in the index itself, so that it becomes durable with the transaction that brings it. */
export const SMALL_BLOB_BYTES = 64 * 1024

/** That an account may read content. */
export interface Grant {
  readonly accountId: AccountId
  readonly digest: string
  /** How it came, or comes of; directly unless said. The same content may come both ways. */
  readonly reach?: Reach | undefined
}

/** Which content is here and who may read it. Bytes of more than `SMALL_BLOB_BYTES` lie in a `BlobStore`. */
export interface BlobIndex {
  /** Notes content that the blob store holds; noting it again changes nothing. */
  add(blobs: readonly { readonly digest: string; readonly size: number; readonly at: Instant }[]): Promise<void>
  /** Keeps small content itself; again changes nothing. */
  addSmall(
    blobs: readonly { readonly digest: string; readonly content: Uint8Array; readonly at: Instant }[],
  ): Promise<void>
  /** Small content, if it is kept here. */
  findSmall(digest: string): Promise<Uint8Array | undefined>
  /** Sizes of those that are known. */
  sizes(digests: readonly string[]): Promise<Map<string, number>>
  /** Lets accounts read content; again changes nothing. */
  grant(grants: readonly Grant[]): Promise<void>
  /** Of these, the ones that were granted, whichever way they came; in no order, and without the way. */
  granted(grants: readonly Grant[]): Promise<Grant[]>
  /** Of these, the ones the account may read. */
  readable(accountId: AccountId, digests: readonly string[]): Promise<Set<string>>
  /** Of these, the ones that came to the account this way, or to any account where none is named. */
  came(accountId: AccountId | undefined, digests: readonly string[], reach: Reach): Promise<Set<string>>
}

/** What happened, for the feed. Written in the transaction that made it happen. */
export interface FogEvent {
  /** Past tense: `job.queued`. */
  readonly type: string
  readonly at: Instant
  /** Only this account and admins see it; undefined is for all who are logged in. */
  readonly accountId?: AccountId | undefined
  readonly jobId?: JobId | undefined
  readonly taskId?: TaskId | undefined
  readonly nodeId?: NodeId | undefined
  readonly data: Readonly<Record<string, string | number | boolean>>
}

/** A place in the feed: opaque, comparable only by the log itself. */
export type EventCursor = string

export interface EventLog {
  append(events: readonly FogEvent[]): Promise<void>
  /** In commit order, so that a reader who goes on from the last cursor misses nothing. */
  read(after: EventCursor | undefined, limit: number): Promise<(FogEvent & { readonly cursor: EventCursor })[]>
  /** The end of the log as it stands. */
  head(): Promise<EventCursor>
  /** Drops what is older; answers how many. */
  prune(before: Instant, limit: number): Promise<number>
}

export interface LogChunk {
  readonly taskId: TaskId
  readonly attemptId: AttemptId
  /** From 0 in each attempt. */
  readonly sequence: number
  readonly stream: 'stdout' | 'stderr' | 'system'
  readonly text: string
  readonly at: Instant
}

export interface LogStore {
  /** A chunk that is there already is left as it is. */
  append(chunks: readonly LogChunk[]): Promise<void>
  /** Of one task, by attempt and sequence; `after` as answered with the last chunk. */
  read(taskId: TaskId, after: string | undefined, limit: number): Promise<(LogChunk & { readonly cursor: string })[]>
}

/** Control-plane processes that hold worker channels. */
export interface GatewayStore {
  /** Answers whether it was known before: one that was not heard of for long is removed, though it may live. */
  beat(gatewayId: GatewayId, at: Instant): Promise<boolean>
  /** Those not heard of since `before`. */
  listSilent(before: Instant): Promise<GatewayId[]>
  remove(gatewayId: GatewayId): Promise<void>
}

/** A file of a checkpoint, its content here when it is small, else in the blob store under a name of its own. */
export interface StateFile {
  readonly attemptId: AttemptId
  readonly taskId: TaskId
  readonly digest: string
  /** Of the content. */
  readonly size: number
  readonly kept: { readonly content: Uint8Array } | { readonly as: string }
  readonly at: Instant
}

/**
 * What tasks left in `/state`. A file belongs to one attempt; the checkpoint that names it keeps it, and an attempt that went
 * on from another's takes over those files it still names. Whatever is let go of leaves a leftover in the blob store.
 */
export interface CheckpointStore {
  /** For the attempt's next checkpoint. The same again changes nothing, and what came with it is a leftover. */
  addFile(file: StateFile): Promise<void>
  /** Bytes of all files an attempt has here. */
  bytesOf(attemptId: AttemptId): Promise<number>
  findFile(attemptId: AttemptId, digest: string): Promise<StateFile | undefined>
  /**
   * Keeps the newest checkpoint of an attempt in the place of its last one and of that it began from, and lets go of all
   * files of both that it does not name. Answers a digest that was never brought, and then changes nothing.
   */
  save(checkpoint: Checkpoint, from: AttemptId | undefined): Promise<string | undefined>
  /** The newest checkpoint of each task, by the latest attempt that has one. */
  newest(taskIds: readonly TaskId[]): Promise<Map<TaskId, Checkpoint>>
  /** Lets go of all that tasks left. */
  release(taskIds: readonly TaskId[]): Promise<void>
  /** Lets go of files that were brought before an instant and that no checkpoint named; answers how many. */
  releaseUnnamed(before: Instant, limit: number): Promise<number>
  /** Names in the blob store that nothing refers to. */
  listLeftovers(limit: number): Promise<string[]>
  forgetLeftovers(names: readonly string[]): Promise<void>
}

/** Everything one transaction can reach. */
export interface Stores {
  readonly nodes: NodeStore
  readonly jobs: JobStore
  readonly ledger: LedgerStore
  readonly access: AccessStore
  readonly blobs: BlobIndex
  readonly events: EventLog
  readonly logs: LogStore
  readonly gateways: GatewayStore
  readonly checkpoints: CheckpointStore
  readonly quotas: QuotaStore
  readonly fronts: FrontStore
  readonly schedules: ScheduleStore
  readonly mixnet: MixnetStore
  /** What is known of the mixnet of this name, 32 bytes. */
  directory(network: Uint8Array): MixDirectoryStore
}

/** What a loop can be woken for. */
export type WakeTopic = 'place' | 'dispatch' | 'cancel' | 'settle' | 'events' | 'mixnet'

export interface Transaction extends Stores {
  /** After the commit, loops waiting for the topic run at once, here and in every other control plane. */
  wake(topic: WakeTopic): void
}

export interface Database {
  /**
   * Runs `work` in one transaction: all of it or nothing. Serialisation failures and deadlocks are tried again a bounded
   * number of times, so `work` has no effect beyond its stores.
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /** Reads outside any transaction. */
  readonly read: Stores
  /** Called after commits, here or elsewhere, that woke the topic. Returns how to stop listening. */
  onWake(topic: WakeTopic, run: () => void): () => void
  /** Whether the database answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** At most one control plane leads at any time; its epoch only rises. */
export interface Leadership {
  /** Waits until this process leads, then answers its term. Aborting stops the wait. */
  lead(signal: AbortSignal): Promise<Term>
}

export interface Term {
  readonly epoch: number
  /** Aborted as soon as the leadership is lost. */
  readonly signal: AbortSignal
  resign(): Promise<void>
}

/** Content by hash, streamed: a folder by default. */
export interface BlobStore {
  /** Stores what the stream gives, up to `maxBytes`; answers its SHA-256 (hex) and size once it is durable. */
  put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ readonly digest: string; readonly size: number }>
  /** The content as a stream, or undefined. */
  open(digest: string): Promise<{ readonly size: number; readonly stream: NodeJS.ReadableStream } | undefined>
  has(digest: string): Promise<boolean>
  delete(digest: string): Promise<void>
}

import type { EventView } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { type AccountId, type Instant, type JobId, toRfc3339 } from '@fog/kernel'
import { Loop } from '../loops/loop.ts'
import type { Platform } from '../platform.ts'
import type { EventCursor, FogEvent } from '../ports.ts'
import { parseFeedCursor, writeFeedCursor } from './feed-cursor.ts'
import { FeedError } from './feed-error.ts'
import { SecretJobs } from './secret-jobs.ts'

/** Read at once, by the feed itself and by each reader who catches up. */
const BATCH = 500
/** What a reader may leave lying before it is cut off; it can go on from its cursor. */
const MAX_WAITING_BYTES = 1024 * 1024
/** A reader who catches up and takes nothing for this long is cut off. */
const MAX_STALL_MS = 30_000
const STALL_LOOK_MS = 50
/** Proxies close what is silent for a minute. */
const TEND_MS = 15_000
/** How long a lost right may still be used: log-outs, revoked tokens, disabled users. */
const RECHECK_MS = 60_000
/** Readers who catch up for the last time side by side, while the feed waits for them. */
const ADMIT_AT_ONCE = 8

export type CutReason = 'slow' | 'expired' | 'stopping'

/** Where a reader's events go: a socket or a response. */
export interface FeedSink {
  /** `text` is the event's JSON, made once for all readers. */
  send(event: { readonly cursor: string; readonly text: string }): void
  /** Bytes handed over that have not left yet. */
  waiting(): number
  /** Shows that the line lives. */
  beat(): void
  /** Says why, and ends. */
  cut(reason: CutReason): void
}

/** What a reader may see. */
export interface FeedView {
  readonly accountId: AccountId
  /** Everything, as admins do. */
  readonly all: boolean
  /** Whether events of nodes are among it. */
  readonly nodes: boolean
  /** How the reader came. Nothing of a secret job is told over an ordinary connection: its times alone would tie the reader to it. */
  readonly reach: Reach
}

/** Until when a reader's proof is good, and how to ask whether it still is. */
export interface FeedProof {
  readonly provenUntil: Instant | undefined
  readonly stillGood: () => Promise<boolean>
}

export interface FeedRequest {
  readonly view: FeedView
  readonly proof: FeedProof
  readonly sink: FeedSink
  /** Only events of this job. */
  readonly jobId?: JobId | undefined
  /** The cursor of the last event seen; undefined starts now. */
  readonly after?: string | undefined
  /** Aborted when the reader has gone. */
  readonly gone: AbortSignal
}

export interface Subscription {
  /** A newer proof of the same person. */
  renew(proof: FeedProof): void
}

export interface FeedMetrics {
  /** Events as they are handed over; `lagMs` is the age of the last. */
  happened(events: readonly { readonly type: string }[], lagMs: number): void
  feedCut(reason: CutReason): void
}

export interface FeedOptions {
  /** Events are kept this long; a cursor from before may have lost some. */
  readonly retentionMs: number
}

interface Reader extends FeedRequest {
  proof: FeedProof
  checkedAt: Instant
  /** Where it is in the log while it catches up. */
  position: EventCursor | undefined
  /** Events it got by itself that the feed will come to. */
  readonly ahead: Set<EventCursor>
  /** Gone or cut off: nothing is sent any more. */
  isOver: boolean
}

type LoggedEvent = FogEvent & { readonly cursor: EventCursor }

/**
 * Hands events on to whoever may see them. One reader of the log for all; each event is put into words once. A reader who
 * comes with a cursor catches up from the log by itself and is let in between two reads of the feed, so that it neither
 * misses an event nor gets one twice.
 */
export class Feed {
  readonly #platform: Platform
  readonly #metrics: FeedMetrics
  readonly #options: FeedOptions
  readonly #readers = new Set<Reader>()
  readonly #loop: Loop
  #joining: { readonly reader: Reader; readonly joined: () => void }[] = []
  #places = 0
  /** Undefined until the first look. */
  #position: EventCursor | undefined
  #stopping: AbortController | undefined
  #running: Promise<unknown> | undefined
  readonly #secrets: SecretJobs

  constructor(
    { platform, metrics }: { readonly platform: Platform; readonly metrics: FeedMetrics },
    options: FeedOptions,
  ) {
    this.#platform = platform
    this.#metrics = metrics
    this.#options = options
    this.#secrets = new SecretJobs(platform)
    const idleMs = platform.config.timing.loopIdleMs
    this.#loop = new Loop(platform, { name: 'feed', idleMs }, () => this.#step())
  }

  /** How many read or are about to. */
  get size(): number {
    return this.#places
  }

  start(): void {
    const stopping = new AbortController()
    this.#stopping = stopping
    const stopListening = this.#platform.database.onWake('events', () => this.#loop.wake())
    stopping.signal.addEventListener('abort', stopListening)
    this.#running = Promise.all([this.#loop.run(stopping.signal), this.#tend(stopping.signal)])
  }

  /** Ends every reader and waits for the last step. */
  async stop(): Promise<void> {
    this.#stopping?.abort()
    for (const reader of [...this.#readers, ...this.#joining.map(({ reader }) => reader)]) this.#cut(reader, 'stopping')
    await this.#running
  }

  /**
   * Lets a reader in; resolves when everything that happens from now on will reach it. Throws `feed.full`,
   * `feed.cursor_invalid` or `feed.too_old`.
   */
  async subscribe(request: FeedRequest): Promise<Subscription> {
    const { maxFeedSubscribers: limit } = this.#platform.config.limits
    const position = this.#positionOf(request.after)
    if (this.#places >= limit) throw new FeedError({ code: 'feed.full', limit })
    const now = this.#platform.clock.now()
    const reader: Reader = { ...request, position, ahead: new Set(), checkedAt: now, isOver: false }
    this.#places += 1
    request.gone.addEventListener('abort', () => this.#drop(reader), { once: true })
    try {
      if (request.gone.aborted) this.#drop(reader)
      if (position !== undefined) await this.#catchUp(reader)
      if (!reader.isOver) await this.#join(reader)
    } catch (fault) {
      this.#drop(reader)
      throw fault
    }
    return { renew: (proof) => void (reader.proof = proof) }
  }

  #drop(reader: Reader): void {
    if (reader.isOver) return
    reader.isOver = true
    this.#places -= 1
    this.#readers.delete(reader)
    // Nobody waits for ever for one who has gone.
    const [gone, rest] = partition(this.#joining, (joining) => joining.reader === reader)
    this.#joining = rest
    for (const { joined } of gone) joined()
  }

  #join(reader: Reader): Promise<void> {
    return new Promise((joined) => {
      this.#joining.push({ reader, joined })
      this.#loop.wake()
    })
  }

  #positionOf(after: string | undefined): EventCursor | undefined {
    if (after === undefined) return undefined
    const { cursor, at } = parseFeedCursor(after)
    if (at < this.#platform.clock.now() - this.#options.retentionMs) throw new FeedError({ code: 'feed.too_old' })
    return cursor
  }

  async #step(): Promise<'more' | 'idle'> {
    const { events } = this.#platform.database.read
    this.#position ??= await events.head()
    const batch = await events.read(this.#position, BATCH)
    await this.#secrets.look(batch)
    this.#handOver(batch)
    if (batch.length === BATCH) return 'more'
    await this.#admit()
    return 'idle'
  }

  #handOver(batch: readonly LoggedEvent[]): void {
    const last = batch.at(-1)
    if (!last) return
    this.#position = last.cursor
    for (const event of batch) {
      const worded = putIntoWords(event)
      for (const reader of this.#readers)
        if (this.#isFor(reader, event) && !isKnown(reader, event)) this.#send(reader, worded)
    }
    this.#metrics.happened(batch, Math.max(0, this.#platform.clock.now() - last.at))
  }

  /** The feed stands still meanwhile: what a reader finds beyond its position it will come to again, and is left out then. */
  async #admit(): Promise<void> {
    const joining = this.#joining
    this.#joining = []
    for (let from = 0; from < joining.length; from += ADMIT_AT_ONCE) {
      await Promise.all(joining.slice(from, from + ADMIT_AT_ONCE).map((one) => this.#admitOne(one)))
    }
  }

  async #admitOne({ reader, joined }: { readonly reader: Reader; readonly joined: () => void }): Promise<void> {
    const at = this.#platform.clock.now()
    if (reader.position !== undefined) {
      let batch: readonly LoggedEvent[]
      do {
        batch = await this.#readOn(reader)
        for (const { cursor } of batch) reader.ahead.add(cursor)
      } while (batch.length === BATCH && !reader.isOver)
    }
    if (!reader.isOver) this.#readers.add(reader)
    const cursor = writeFeedCursor(reader.position ?? this.#position!, at)
    this.#send(reader, readyNotice(cursor, at))
    joined()
  }

  /** Brings a reader near the end of the log, at the pace it takes. */
  async #catchUp(reader: Reader): Promise<void> {
    while (!reader.isOver && (await this.#readOn(reader)).length === BATCH) await this.#drained(reader)
  }

  async #readOn(reader: Reader): Promise<readonly LoggedEvent[]> {
    const batch = await this.#platform.database.read.events.read(reader.position, BATCH)
    await this.#secrets.look(batch)
    for (const event of batch) if (this.#isFor(reader, event)) this.#send(reader, putIntoWords(event))
    reader.position = batch.at(-1)?.cursor ?? reader.position
    return batch
  }

  async #drained(reader: Reader): Promise<void> {
    const { clock } = this.#platform
    const from = clock.now()
    while (!reader.isOver && reader.sink.waiting() > MAX_WAITING_BYTES / 2) {
      if (clock.now() - from > MAX_STALL_MS) return this.#cut(reader, 'slow')
      await clock.sleep(STALL_LOOK_MS)
    }
  }

  #isFor(reader: Reader, event: FogEvent): boolean {
    return isFor(reader, event) && (reader.view.reach === 'mixnet' || !this.#secrets.isSecret(event))
  }

  #send(reader: Reader, event: { readonly cursor: string; readonly text: string }): void {
    if (reader.isOver) return
    reader.sink.send(event)
    if (reader.sink.waiting() > MAX_WAITING_BYTES) this.#cut(reader, 'slow')
  }

  #cut(reader: Reader, reason: CutReason): void {
    if (reader.isOver) return
    this.#drop(reader)
    this.#metrics.feedCut(reason)
    reader.sink.cut(reason)
  }

  async #tend(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#platform
    while (!signal.aborted) {
      await clock.sleep(TEND_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      for (const reader of this.#readers) {
        reader.sink.beat()
        await this.#recheck(reader).catch((err: unknown) =>
          log.warn({ err }, 'a reader of the feed could not be checked'),
        )
      }
    }
  }

  async #recheck(reader: Reader): Promise<void> {
    const now = this.#platform.clock.now()
    const { provenUntil, stillGood } = reader.proof
    if (provenUntil !== undefined && provenUntil <= now) return this.#cut(reader, 'expired')
    if (now - reader.checkedAt < RECHECK_MS) return
    reader.checkedAt = now
    if (!(await stillGood())) this.#cut(reader, 'expired')
  }
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))]
}

function isFor({ view, jobId }: Reader, event: FogEvent): boolean {
  if (jobId !== undefined && event.jobId !== jobId) return false
  if (!view.nodes && event.type.startsWith('node.')) return false
  return view.all || event.accountId === undefined || event.accountId === view.accountId
}

/** Whether the reader found it by itself. The first it did not find ends that. */
function isKnown({ ahead }: Reader, { cursor }: LoggedEvent): boolean {
  if (ahead.size === 0) return false
  if (ahead.delete(cursor)) return true
  ahead.clear()
  return false
}

function putIntoWords(event: LoggedEvent): { cursor: string; text: string } {
  const cursor = writeFeedCursor(event.cursor, event.at)
  const { type, accountId, jobId, taskId, nodeId, data } = event
  // JSON leaves out what is undefined.
  return {
    cursor,
    text: JSON.stringify({ cursor, type, at: toRfc3339(event.at), accountId, jobId, taskId, nodeId, data }),
  }
}

/** What the feed says itself, in the form of an event. */
function readyNotice(cursor: string, at: Instant): { cursor: string; text: string } {
  return {
    cursor,
    text: JSON.stringify({ cursor, type: 'feed.ready', at: toRfc3339(at), data: {} } satisfies EventView),
  }
}

/** Said to a reader who brought a newer proof. */
export const RENEWED_NOTICE = JSON.stringify({ type: 'feed.renewed', data: {} })

/** The last a reader hears. It has no place in the log and so no cursor. */
export function cutNotice(reason: CutReason): string {
  return JSON.stringify({ type: 'feed.cut', data: { reason } })
}

import {
  Client,
  type ClientOptions,
  type EventView,
  type JobSubmission,
  type JobView,
  type LogChunkView,
  type QuoteView,
  type ReceiptView,
  type TaskResultView,
  type TaskView,
} from '@fog/contract'
import { followFeed } from './feed.ts'

const PAGE = 500
/** An event is only a poke: without one for this long, the job is looked at anyway. */
const LOOK_ANYWAY_MS = 5_000

/** Content a submission names, by hash. `open` is called only when the fog does not have it yet. */
export interface Content {
  readonly digest: string
  readonly size: number
  readonly open: () => Promise<BodyInit> | BodyInit
}

/** A job ready to go: what to send, and the content it names. */
export interface PreparedJob {
  readonly submission: JobSubmission
  readonly content: readonly Content[]
}

export interface UploadProgress {
  readonly files: number
  readonly uploaded: number
  readonly bytes: number
}

/** A fog, as a program uses it: submit, follow, fetch. `client` has every route beside. */
export class Fog {
  readonly client: Client
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
    this.client = new Client(options)
  }

  /** Uploads what is missing and submits. Throws `ApiError` with what to change when the job is refused. */
  async submit(job: PreparedJob, onUpload?: (progress: UploadProgress) => void): Promise<JobView> {
    await this.upload(job.content, onUpload)
    return this.client.call('submitJob', { body: job.submission })
  }

  /** What it would cost, and what would keep it from being taken. */
  async quote(job: PreparedJob, onUpload?: (progress: UploadProgress) => void): Promise<QuoteView> {
    await this.upload(job.content, onUpload)
    return this.client.call('quote', { body: job.submission })
  }

  /** Sends the content the fog does not have from you yet. */
  async upload(content: readonly Content[], onUpload?: (progress: UploadProgress) => void): Promise<void> {
    const byDigest = new Map(content.map((each) => [each.digest, each]))
    const digests = [...byDigest.keys()]
    const missing: string[] = []
    for (let i = 0; i < digests.length; i += 10_000) {
      const answer = await this.client.call('findMissingBlobs', { body: { digests: digests.slice(i, i + 10_000) } })
      missing.push(...answer.missing)
    }
    let [uploaded, bytes] = [0, 0]
    for (const digest of missing) {
      const each = byDigest.get(digest)!
      await this.client.raw('putBlob', { params: { digest } }, await each.open())
      uploaded += 1
      bytes += each.size
      onUpload?.({ files: missing.length, uploaded, bytes })
    }
  }

  /** Waits until the job is over and settled, telling of each change on the way. */
  async wait(
    jobId: string,
    { signal, onChange }: { signal?: AbortSignal; onChange?: (job: JobView) => void } = {},
  ): Promise<JobView> {
    const stop = new AbortController()
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
    const pokes = new Pokes(this.events({ jobId, signal: stopped }))
    try {
      for (;;) {
        const job = await this.client.call('getJob', { params: { jobId } })
        onChange?.(job)
        if (job.settled) return job
        await pokes.next(LOOK_ANYWAY_MS)
        signal?.throwIfAborted()
      }
    } finally {
      stop.abort()
    }
  }

  /** Events as they happen. */
  events(options: {
    readonly jobId?: string
    readonly after?: string
    readonly signal: AbortSignal
  }): AsyncGenerator<EventView> {
    const { baseUrl, token = () => undefined } = this.#options
    return followFeed({ baseUrl, token, ...options, ...(this.#options.fetch ? { fetch: this.#options.fetch } : {}) })
  }

  /** Every task, in order. */
  async *tasks(jobId: string): AsyncGenerator<TaskView> {
    yield* pages((after) => this.client.call('listTasks', { params: { jobId }, query: { limit: PAGE, ...after } }))
  }

  /** Every accepted result, in the order of tasks. */
  async *results(jobId: string): AsyncGenerator<TaskResultView> {
    yield* pages((after) => this.client.call('listResults', { params: { jobId }, query: { limit: PAGE, ...after } }))
  }

  /** What a task printed, and with `follow` what it goes on to print until it is over. */
  async *logs(
    taskId: string,
    { follow, signal }: { follow: boolean; signal?: AbortSignal },
  ): AsyncGenerator<LogChunkView> {
    const stop = new AbortController()
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
    let after: string | undefined
    const { task } = await this.client.call('getTask', { params: { taskId } })
    const pokes = follow ? new Pokes(this.events({ jobId: task.jobId, signal: stopped })) : undefined
    try {
      for (;;) {
        // Asked before the log is read: what it printed last is there once it is over.
        const { task: now } = await this.client.call('getTask', { params: { taskId } })
        for (;;) {
          const query = { limit: PAGE, ...(after === undefined ? {} : { after }) }
          const page = await this.client.call('getTaskLogs', { params: { taskId }, query })
          yield* page.items
          after = page.items.at(-1)?.cursor ?? after
          if (page.items.length < PAGE) break
        }
        if (!pokes || (now.status !== 'queued' && now.status !== 'running')) return
        await pokes.next(LOOK_ANYWAY_MS)
        signal?.throwIfAborted()
      }
    } finally {
      stop.abort()
    }
  }

  receipt(jobId: string): Promise<ReceiptView> {
    return this.client.call('getReceipt', { params: { jobId } })
  }

  /** Content as a stream of bytes. */
  async content(digest: string): Promise<Response> {
    return this.client.raw('getBlob', { params: { digest } })
  }
}

/** Turns a feed into "something happened since you last asked". Its end or failure is no news: asking goes on by time. */
class Pokes {
  #happened = false
  #wake: (() => void) | undefined

  constructor(events: AsyncIterable<unknown>) {
    void this.#listen(events)
  }

  async next(atMostMs: number): Promise<void> {
    if (!this.#happened) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, atMostMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#happened = false
    this.#wake = undefined
  }

  async #listen(events: AsyncIterable<unknown>): Promise<void> {
    try {
      const reader = events[Symbol.asyncIterator]()
      while (!(await reader.next()).done) {
        this.#happened = true
        this.#wake?.()
      }
    } catch {
      // The caller looks anyway, a little later.
    }
  }
}

async function* pages<Item>(
  read: (after: { after?: string }) => Promise<{ items: Item[]; next?: string }>,
): AsyncGenerator<Item> {
  let after: { after?: string } = {}
  for (;;) {
    const page = await read(after)
    yield* page.items
    if (page.next === undefined) return
    after = { after: page.next }
  }
}

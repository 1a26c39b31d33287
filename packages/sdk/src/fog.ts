import {
  Client,
  type ClientOptions,
  type EventView,
  type JobSubmission,
  type JobView,
  type LogChunkView,
  type NewSchedule,
  type NodeView,
  type QuoteView,
  type ReceiptView,
  type ScheduleView,
  type TaskResultView,
  type TaskView,
} from '@fog/contract'
import { BrokenInvariant, type Clock } from '@fog/kernel'
import { forEachAtOnce } from './at-once.ts'
import { followFeed } from './feed.ts'
import { patiently } from './patience.ts'
import { Pokes } from './pokes.ts'
import { SdkError } from './sdk-error.ts'

const PAGE = 500
const MOST_DIGESTS = 10_000
const UPLOADS_AT_ONCE = 4

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
  /** To upload in all, and uploaded so far. */
  readonly files: number
  readonly uploaded: number
  readonly bytes: number
}

export interface FogOptions extends ClientOptions {
  readonly clock: Clock
  /** `mixnet` where `baseUrl` is a tunnel's, as `fog mix tunnel` prints it; directly unless said. Secret jobs go no other way. */
  readonly reach?: 'direct' | 'mixnet' | undefined
}

export interface Waiting {
  readonly signal?: AbortSignal | undefined
}

/** A fog, as a program uses it: submit, follow, fetch. `client` has every route beside. */
export class Fog {
  readonly client: Client
  readonly #options: FogOptions

  constructor(options: FogOptions) {
    this.#options = options
    this.client = new Client(options)
  }

  /**
   * Uploads what is missing and submits. Throws `ApiError` with what to change when the job is refused, and `job.secret_in_the_open`
   * before anything is sent when it is secret and this is no way through the mixnet.
   */
  async submit(job: PreparedJob, onUpload?: (progress: UploadProgress) => void): Promise<JobView> {
    this.#keepHidden(job)
    await this.upload(job.content, onUpload)
    return this.client.call('submitJob', { body: job.submission })
  }

  /** What it would cost, and what would keep it from being taken. */
  async quote(job: PreparedJob, onUpload?: (progress: UploadProgress) => void): Promise<QuoteView> {
    this.#keepHidden(job)
    await this.upload(job.content, onUpload)
    return this.client.call('quote', { body: job.submission })
  }

  /** Uploads what is missing and has the job submitted whenever `times.cron` is due. The files are taken as they are now. */
  async schedule(
    job: PreparedJob,
    times: Omit<NewSchedule, 'job'>,
    onUpload?: (progress: UploadProgress) => void,
  ): Promise<ScheduleView> {
    this.#keepHidden(job)
    await this.upload(job.content, onUpload)
    return this.client.call('addSchedule', { body: { ...times, job: job.submission } })
  }

  #keepHidden({ submission }: PreparedJob): void {
    if (submission.privacy !== 'secret' || this.#options.reach === 'mixnet') return
    throw new SdkError({ code: 'job.secret_in_the_open' })
  }

  /** Sends the content the fog does not have from you yet. */
  async upload(content: readonly Content[], onUpload?: (progress: UploadProgress) => void): Promise<void> {
    const byDigest = new Map(content.map((each) => [each.digest, each]))
    const missing = await this.#missing([...byDigest.keys()])
    let [uploaded, bytes] = [0, 0]
    await forEachAtOnce(missing, UPLOADS_AT_ONCE, async (digest) => {
      const each = byDigest.get(digest)
      if (!each) return
      await this.client.raw('putBlob', { params: { digest } }, await each.open())
      uploaded += 1
      bytes += each.size
      onUpload?.({ files: missing.length, uploaded, bytes })
    })
  }

  async #missing(digests: readonly string[]): Promise<string[]> {
    const missing: string[] = []
    for (let i = 0; i < digests.length; i += MOST_DIGESTS) {
      const some = digests.slice(i, i + MOST_DIGESTS)
      missing.push(...(await this.client.call('findMissingBlobs', { body: { digests: some } })).missing)
    }
    return missing
  }

  /**
   * Waits until the job is over and settled, telling of each change on the way. A control plane that is away for less than
   * a minute is waited for. Rejects with the signal's reason.
   */
  async wait(
    jobId: string,
    { signal, onChange }: Waiting & { readonly onChange?: (job: JobView) => void } = {},
  ): Promise<JobView> {
    const look = () => this.client.call('getJob', { params: { jobId } })
    for await (const job of this.watch({ jobId, signal }, look)) {
      onChange?.(job)
      if (job.settled) return job
    }
    throw new BrokenInvariant('a watch ends only with its signal')
  }

  /**
   * Yields what a look shows, at once and then whenever another is worth while: after events, at a pace that spares the
   * control plane, and every few seconds anyway. A control plane that is away for less than a minute is waited for.
   * Throws the signal's reason.
   */
  async *watch<Seen>(
    { jobId, signal }: Waiting & { readonly jobId?: string | undefined },
    look: () => Promise<Seen>,
  ): AsyncGenerator<Seen> {
    const stop = new AbortController()
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
    const pokes = new Pokes({ clock: this.#options.clock, signal: stopped })
    const events = this.events({ jobId, signal: stopped, onOpen: () => pokes.poke() })
    const following = pokes.follow(events, ({ type }) => type === 'job.settled')
    try {
      for (;;) {
        yield await this.#ask(stopped, look)
        await pokes.next()
      }
    } finally {
      stop.abort()
      await following
    }
  }

  /** Events as they happen; see `followFeed`. */
  events(options: {
    readonly jobId?: string | undefined
    readonly after?: string | undefined
    readonly signal: AbortSignal
    readonly onOpen?: () => void
  }): AsyncGenerator<EventView> {
    return followFeed({ ...this.#options, ...options })
  }

  /** Every task, in order. */
  async *tasks(jobId: string): AsyncGenerator<TaskView> {
    yield* pages((after) => this.client.call('listTasks', { params: { jobId }, query: { limit: PAGE, ...after } }))
  }

  /** One task by its place in the job, from 0; undefined when the job has fewer. */
  async taskAt(jobId: string, index: number): Promise<TaskView | undefined> {
    const after = index === 0 ? {} : { after: String(index - 1) }
    const page = await this.client.call('listTasks', { params: { jobId }, query: { limit: 1, ...after } })
    return page.items.find((task) => task.index === index)
  }

  /** Every accepted result, in the order of tasks. */
  async *results(jobId: string): AsyncGenerator<TaskResultView> {
    yield* pages((after) => this.client.call('listResults', { params: { jobId }, query: { limit: PAGE, ...after } }))
  }

  /** Every node; retired ones only when asked for. */
  async *nodes(which: { readonly mine?: boolean; readonly retired?: boolean } = {}): AsyncGenerator<NodeView> {
    yield* pages((after) => this.client.call('listNodes', { query: { limit: PAGE, ...which, ...after } }))
  }

  /** What a task printed, and with `follow` what it goes on to print until it is over. Rejects with the signal's reason. */
  async *logs(
    taskId: string,
    { follow, signal }: Waiting & { readonly follow: boolean },
  ): AsyncGenerator<LogChunkView> {
    let after: string | undefined
    // Asked before the log is read: what it printed last is there once it is over.
    const look = async () => (await this.client.call('getTask', { params: { taskId } })).task
    const { jobId } = await this.#ask(signal, look)
    for await (const task of this.watch({ jobId, signal }, look)) {
      for await (const chunk of this.#logAfter(taskId, after, signal)) {
        after = chunk.cursor
        yield chunk
      }
      if (!follow || isOver(task)) return
    }
  }

  async *#logAfter(
    taskId: string,
    start: string | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<LogChunkView> {
    let after = start
    for (;;) {
      const query = { limit: PAGE, ...given({ after }) }
      const page = await this.#ask(signal, () => this.client.call('getTaskLogs', { params: { taskId }, query }))
      yield* page.items
      if (page.next === undefined) return
      after = page.next
    }
  }

  receipt(jobId: string): Promise<ReceiptView> {
    return this.client.call('getReceipt', { params: { jobId } })
  }

  /** Content as a stream of bytes. */
  async content(digest: string): Promise<Response> {
    return this.client.raw('getBlob', { params: { digest } })
  }

  #ask<Answer>(signal: AbortSignal | undefined, ask: () => Promise<Answer>): Promise<Answer> {
    return patiently(ask, { clock: this.#options.clock, signal: signal ?? NEVER })
  }
}

const NEVER = new AbortController().signal

/** Whether nothing more will happen to a task. */
export function isOver({ status }: Pick<TaskView, 'status'>): boolean {
  return status !== 'queued' && status !== 'running'
}

/** Every item of all pages of a list. */
export async function* pages<Item>(
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

/** The fields that are there: an absent one is left out rather than undefined. */
function given<Fields extends Record<string, unknown>>(
  fields: Fields,
): { [K in keyof Fields]?: NonNullable<Fields[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof Fields]?: NonNullable<Fields[K]>
  }
}

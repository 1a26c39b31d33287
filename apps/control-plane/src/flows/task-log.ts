import type { AttemptId, TaskId } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { LogChunk } from '../ports.ts'

/** Written this often, so that a chatty task costs a few statements a second and not one a line. */
const FLUSH_MS = 100
/** Chunks that may wait; what comes beyond is dropped: the whole output comes with the result. */
const MAX_WAITING = 10_000

export interface LogLine {
  readonly attemptId: AttemptId
  readonly sequence: number
  readonly stream: LogChunk['stream']
  readonly text: string
}

/** What running tasks print, kept up to a size per attempt and written in batches, with one poke of the feed a task. */
export class TaskLog {
  readonly #platform: Platform
  readonly #bytes = new Map<AttemptId, number>()
  #waiting: (LogLine & { readonly at: number })[] = []
  #writing: Promise<void> | undefined

  constructor(platform: Platform) {
    this.#platform = platform
  }

  add(line: LogLine): void {
    if (this.#waiting.length >= MAX_WAITING || !this.#fits(line)) return
    this.#waiting.push({ ...line, at: this.#platform.clock.now() })
    this.#writing ??= this.#run()
  }

  /** Resolves when all that came before is written. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  #fits({ attemptId, text }: LogLine): boolean {
    const { maxLogBytesPerTask } = this.#platform.config.limits
    const before = this.#bytes.get(attemptId) ?? 0
    // Forgotten wholesale: the worker has a bound of its own, this one only keeps a dishonest one in check.
    if (this.#bytes.size > 50_000) this.#bytes.clear()
    this.#bytes.set(attemptId, before + text.length)
    return before + text.length <= maxLogBytesPerTask
  }

  async #run(): Promise<void> {
    await this.#platform.clock.sleep(FLUSH_MS)
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.splice(0, 500)
      try {
        await this.#write(lines)
      } catch (fault) {
        this.#platform.log.error(
          { err: fault, lines: lines.length },
          'task output could not be written and is left out',
        )
      }
    }
    this.#writing = undefined
  }

  async #write(lines: readonly (LogLine & { readonly at: number })[]): Promise<void> {
    const { database, clock } = this.#platform
    await database.transact(async (tx) => {
      const attempts = await tx.jobs.findAttempts([...new Set(lines.map(({ attemptId }) => attemptId))])
      const known = new Map(attempts.map((attempt) => [attempt.attemptId, attempt]))
      const chunks = lines.flatMap((line): LogChunk[] => {
        const attempt = known.get(line.attemptId)
        return attempt ? [{ ...pick(line), taskId: attempt.taskId, at: line.at }] : []
      })
      await tx.logs.append(chunks)
      const tasks = new Map<TaskId, (typeof attempts)[number]>(attempts.map((attempt) => [attempt.taskId, attempt]))
      const at = clock.now()
      for (const { taskId, jobId } of tasks.values()) {
        const job = await tx.jobs.findJob(jobId)
        if (job)
          await tx.events.append([{ type: 'task.logged', at, accountId: job.accountId, jobId, taskId, data: {} }])
      }
      tx.wake('events')
    })
  }
}

function pick({ attemptId, sequence, stream, text }: LogLine) {
  return { attemptId, sequence, stream, text }
}

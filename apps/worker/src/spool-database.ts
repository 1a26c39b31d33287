import { Worker } from 'node:worker_threads'
import type { Answer, Request, Setup, Statement } from './spool-thread.ts'

/** What SQLite said, from the thread it was said on. */
export class SpoolDatabaseFault extends Error {
  override readonly name = 'SpoolDatabaseFault'
  /** SQLite's own number for it. */
  readonly code: number | undefined

  constructor({ message, code }: { readonly message: string; readonly code: number | undefined }) {
    super(message)
    this.code = code
  }
}

type Asked = PromiseWithResolvers<readonly unknown[]>

/** A SQLite database on a thread of its own. Requests are answered in order. */
export class SpoolDatabase {
  readonly #thread: Worker
  readonly #asked = new Map<number, Asked>()
  #next = 1

  private constructor(setup: Setup) {
    this.#thread = new Worker(new URL(import.meta.url.replace(/spool-database\.(ts|mjs)$/, 'spool-thread.$1')), {
      workerData: setup,
      // It holds one request at a time.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    })
    this.#thread.on('message', (answer: Answer) => this.#settle(answer))
    this.#thread.on('error', (fault) => this.#failAll(fault.message))
    this.#thread.on('exit', () => this.#failAll('its thread has ended'))
  }

  /** Throws `SpoolDatabaseFault` when the set-up does not go through. */
  static async open(setup: Setup): Promise<SpoolDatabase> {
    const database = new SpoolDatabase(setup)
    const opened = Promise.withResolvers<readonly unknown[]>()
    database.#asked.set(0, opened)
    try {
      await opened.promise
      return database
    } catch (fault) {
      await database.#thread.terminate()
      throw fault
    }
  }

  /** All or nothing; resolves when it is durable. */
  async write(write: readonly Statement[]): Promise<void> {
    await this.#ask({ id: this.#next++, write })
  }

  async read(text: string, values: Statement['values'] = []): Promise<readonly unknown[]> {
    return this.#ask({ id: this.#next++, read: { text, values } })
  }

  /** Ends the thread after what was asked before, and gives the file free. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#thread.once('exit', resolve))
    await this.#ask({ id: this.#next++, close: true })
    await ended
  }

  #ask(request: Request): Promise<readonly unknown[]> {
    const asked = Promise.withResolvers<readonly unknown[]>()
    this.#asked.set(request.id, asked)
    this.#thread.postMessage(request, [])
    return asked.promise
  }

  #settle({ id, rows = [], fault }: Answer): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (fault) asked?.reject(new SpoolDatabaseFault(fault))
    else asked?.resolve(rows)
  }

  #failAll(message: string): void {
    for (const asked of this.#asked.values()) asked.reject(new SpoolDatabaseFault({ message, code: undefined }))
    this.#asked.clear()
  }
}

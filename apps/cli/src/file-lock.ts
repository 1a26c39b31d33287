import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '@fog/kernel'
import { CliError } from './cli-error.ts'

const LOOK_EVERY_MS = 20
const SQLITE_BUSY = 5

/**
 * Keeps other processes off something while this one has it. The lock is SQLite's exclusive file lock: the kernel drops it
 * when the process dies, however it dies, so none is ever left behind.
 */
export class FileLock {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Undefined when another process has it. */
  static tryTake(file: string): FileLock | undefined {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(file, { timeout: 0 })
    try {
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
      return new FileLock(database)
    } catch (fault) {
      database.close()
      if ((fault as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
      throw fault
    }
  }

  static async #take(
    file: string,
    { clock, patienceMs }: { readonly clock: Clock; readonly patienceMs: number },
  ): Promise<FileLock> {
    const giveUpAt = clock.now() + patienceMs
    for (;;) {
      const lock = FileLock.tryTake(file)
      if (lock) return lock
      if (clock.now() >= giveUpAt) throw new CliError({ code: 'cli.busy', file })
      await clock.sleep(LOOK_EVERY_MS)
    }
  }

  /** Does `work` while no other process does. Throws `cli.busy`. */
  static async during<Answer>(
    file: string,
    waiting: { readonly clock: Clock; readonly patienceMs: number },
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    const lock = await FileLock.#take(file, waiting)
    try {
      return await work()
    } finally {
      lock.release()
    }
  }

  release(): void {
    this.#database.close()
  }
}

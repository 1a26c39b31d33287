import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DatabaseServerError } from './errors.ts'

/**
 * Keeps two processes off one data folder.
 *
 * The lock is SQLite's exclusive file lock: the kernel drops it when the process dies, however it dies, so there is no
 * stale lock to guess about, and it holds between containers that share the folder, where process ids mean nothing.
 */
export class OwnerLock {
  readonly #lock: DatabaseSync
  readonly #note: string

  private constructor(lock: DatabaseSync, note: string) {
    this.#lock = lock
    this.#note = note
  }

  /** Takes the folder, or throws `database.folder_in_use` naming who has it. */
  static take(folder: string): OwnerLock {
    const note = path.join(folder, 'owner.pid')
    const lock = new DatabaseSync(path.join(folder, 'owner.lock'), { timeout: 0 })
    try {
      lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    } catch (fault) {
      lock.close()
      if (!isLocked(fault)) throw fault
      throw new DatabaseServerError(
        { code: 'database.folder_in_use', folder, holder: holderIn(note) },
        { cause: fault },
      )
    }
    writeFileSync(note, `${process.pid}\n`, { mode: 0o600 })
    return new OwnerLock(lock, note)
  }

  release(): void {
    rmSync(this.#note, { force: true })
    this.#lock.close()
  }
}

const SQLITE_BUSY = 5

function isLocked(fault: unknown): boolean {
  return (fault as { errcode?: number }).errcode === SQLITE_BUSY
}

function holderIn(note: string): string {
  try {
    return `process ${Number(readFileSync(note, 'utf8'))}`
  } catch {
    return 'another process'
  }
}

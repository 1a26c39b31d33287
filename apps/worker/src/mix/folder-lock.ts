import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MixError, whyOf } from './mix-error.ts'

const SQLITE_BUSY = 5

/** Takes a folder for this process, and makes it where it is missing; the system gives it free when the process is gone. */
export function lockFolder(folder: string): { release(): void } {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(join(folder, 'lock.db'))
    // SQLite's locks end with their process, which those made of a file's mere presence do not.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (fault) {
    if ((fault as { errcode?: unknown }).errcode === SQLITE_BUSY)
      throw new MixError({ code: 'mix.folder_in_use', folder }, { cause: fault })
    throw new MixError({ code: 'mix.folder_unusable', folder, why: whyOf(fault) }, { cause: fault })
  }
}

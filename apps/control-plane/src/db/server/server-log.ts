import { closeSync, fchownSync, openSync } from 'node:fs'
import { copyFile, open, stat, truncate } from 'node:fs/promises'
import type { FileOwner } from './launch.ts'

/** Two files of this size at most, give or take a minute of writing. */
const MAX_LOG_BYTES = 8 * 2 ** 20
const TAIL_BYTES = 2_000

/**
 * The server's own log. The server writes straight to the file, so it never waits for us. The file is opened for appending,
 * so it can be emptied under the server's hand once its content is copied to `<file>.1`.
 */
export class ServerLog {
  readonly path: string
  /** For the server's standard output and error. */
  readonly descriptor: number

  /** `owner` when the file shall not be this process's own. */
  constructor(path: string, owner?: FileOwner) {
    this.path = path
    this.descriptor = openSync(path, 'a', 0o600)
    if (owner) fchownSync(this.descriptor, owner.uid, owner.gid)
  }

  async size(): Promise<number> {
    return (await stat(this.path)).size
  }

  /** Keeps the log within its bounds. A line written between the two steps is lost, which a log can bear. */
  async trim(): Promise<void> {
    if ((await this.size()) < MAX_LOG_BYTES) return
    await copyFile(this.path, `${this.path}.1`)
    await truncate(this.path)
  }

  /** What was written since the log had `from` bytes, at most its last 2,000 characters. */
  async since(from: number): Promise<string> {
    const file = await open(this.path)
    try {
      const { size } = await file.stat()
      const start = Math.max(from, size - TAIL_BYTES)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), { position: start })
      return buffer.toString('utf8', 0, bytesRead).trim()
    } finally {
      await file.close()
    }
  }

  close(): void {
    closeSync(this.descriptor)
  }
}

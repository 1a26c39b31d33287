import type { AttemptId, Instant, MemoryDatabase, MemoryTable, TaskId } from '@fog/kernel'
import type { Checkpoint } from '@fog/scheduler'
import type { CheckpointStore, StateFile } from '../../ports.ts'

interface KeptFile extends StateFile {
  readonly named: boolean
}

/** Checkpoints in memory. */
export class MemoryCheckpointStore implements CheckpointStore {
  readonly #checkpoints: MemoryTable<AttemptId, Checkpoint>
  readonly #files: MemoryTable<string, KeptFile>
  readonly #leftovers: MemoryTable<string, string>

  constructor(database: MemoryDatabase) {
    this.#checkpoints = database.table()
    this.#files = database.table()
    this.#leftovers = database.table()
  }

  async addFile(file: StateFile): Promise<void> {
    const key = keyOf(file.attemptId, file.digest)
    if (!this.#files.has(key)) this.#files.set(key, { ...file, named: false })
    else if ('as' in file.kept) this.#leftovers.set(file.kept.as, file.kept.as)
  }

  async bytesOf(attemptId: AttemptId): Promise<number> {
    return this.#filesOf((file) => file.attemptId === attemptId).reduce((sum, { size }) => sum + size, 0)
  }

  async findFile(attemptId: AttemptId, digest: string): Promise<StateFile | undefined> {
    const found = this.#files.get(keyOf(attemptId, digest))
    if (!found) return undefined
    const { named: _, ...file } = found
    return file
  }

  async save(checkpoint: Checkpoint, from: AttemptId | undefined): Promise<string | undefined> {
    const { attemptId, files } = checkpoint
    const inLine = ({ digest }: { readonly digest: string }) =>
      this.#files.get(keyOf(attemptId, digest)) ?? (from && this.#files.get(keyOf(from, digest)))
    const missing = files.find((file) => inLine(file)?.size !== file.size)
    if (missing) return missing.digest
    const kept = files.map((file) => ({ ...inLine(file)!, attemptId, named: true }))
    const named = new Set(kept.map((file) => JSON.stringify(file.kept)))
    for (const file of this.#filesOf((each) => each.attemptId === attemptId || each.attemptId === from)) {
      this.#files.delete(keyOf(file.attemptId, file.digest))
      if ('as' in file.kept && !named.has(JSON.stringify(file.kept))) this.#leftovers.set(file.kept.as, file.kept.as)
    }
    for (const file of kept) this.#files.set(keyOf(attemptId, file.digest), file)
    if (from) this.#checkpoints.delete(from)
    this.#checkpoints.set(attemptId, checkpoint)
    return undefined
  }

  async newest(taskIds: readonly TaskId[]): Promise<Map<TaskId, Checkpoint>> {
    const wanted = new Set(taskIds)
    const found = [...this.#checkpoints.values()].filter(({ taskId }) => wanted.has(taskId))
    return new Map(found.sort((a, b) => a.fence - b.fence).map((each) => [each.taskId, each]))
  }

  async release(taskIds: readonly TaskId[]): Promise<void> {
    const over = new Set(taskIds)
    this.#letGo(this.#filesOf(({ taskId }) => over.has(taskId)))
    for (const { taskId, attemptId } of this.#checkpoints.values()) {
      if (over.has(taskId)) this.#checkpoints.delete(attemptId)
    }
  }

  async releaseUnnamed(before: Instant, limit: number): Promise<number> {
    const old = this.#filesOf(({ named, at }) => !named && at < before).slice(0, limit)
    this.#letGo(old)
    return old.length
  }

  async listLeftovers(limit: number): Promise<string[]> {
    return [...this.#leftovers.values()].sort().slice(0, limit)
  }

  async forgetLeftovers(names: readonly string[]): Promise<void> {
    for (const name of names) this.#leftovers.delete(name)
  }

  #filesOf(which: (file: KeptFile) => boolean): KeptFile[] {
    return [...this.#files.values()].filter(which).sort((a, b) => a.at - b.at)
  }

  #letGo(files: readonly KeptFile[]): void {
    for (const { attemptId, digest, kept } of files) {
      this.#files.delete(keyOf(attemptId, digest))
      if ('as' in kept) this.#leftovers.set(kept.as, kept.as)
    }
  }
}

function keyOf(attemptId: AttemptId, digest: string): string {
  return `${attemptId} ${digest}`
}

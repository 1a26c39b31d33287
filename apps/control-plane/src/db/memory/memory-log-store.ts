import type { MemoryDatabase, MemoryTable, TaskId } from '@fog/kernel'
import type { LogChunk, LogStore } from '../../ports.ts'
import { logCursor, parseLogCursor } from '../log-cursor.ts'
import { toText } from '../rows.ts'

/** What tasks wrote, in memory. */
export class MemoryLogStore implements LogStore {
  /** Each task's chunks by attempt and sequence; a list is replaced, never changed. */
  readonly #chunks: MemoryTable<TaskId, readonly LogChunk[]>

  constructor(database: MemoryDatabase) {
    this.#chunks = database.table()
  }

  async append(chunks: readonly LogChunk[]): Promise<void> {
    for (const [taskId, added] of Map.groupBy(chunks, (chunk) => chunk.taskId)) {
      const byPlace = new Map((this.#chunks.get(taskId) ?? []).map((chunk) => [logCursor(chunk), chunk]))
      for (const chunk of added) {
        if (!byPlace.has(logCursor(chunk))) byPlace.set(logCursor(chunk), { ...chunk, text: toText(chunk.text) })
      }
      this.#chunks.set(taskId, [...byPlace.values()].sort(byAttemptAndSequence))
    }
  }

  async read(taskId: TaskId, after: string | undefined, limit: number) {
    const [attemptId, sequence] = parseLogCursor(after)
    const isLater = (chunk: LogChunk) =>
      chunk.attemptId > attemptId || (chunk.attemptId === attemptId && chunk.sequence > sequence)
    const found = (this.#chunks.get(taskId) ?? []).filter(isLater).slice(0, limit)
    return found.map((chunk) => ({ ...chunk, cursor: logCursor(chunk) }))
  }
}

function byAttemptAndSequence(a: LogChunk, b: LogChunk): number {
  if (a.attemptId !== b.attemptId) return a.attemptId < b.attemptId ? -1 : 1
  return a.sequence - b.sequence
}

import type { LogChunk } from '../ports.ts'

/** A chunk's place in its task's log. */
export function logCursor({ attemptId, sequence }: LogChunk): string {
  return `${attemptId}.${sequence}`
}

/** A cursor that is none of ours reads from the start. */
export function parseLogCursor(cursor: string | undefined): [attemptId: string, sequence: number] {
  const match = /^(att_[0-9a-z]{26})\.(\d{1,9})$/.exec(cursor ?? '')
  return match ? [match[1]!, Number(match[2])] : ['', -1]
}

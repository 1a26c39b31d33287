import { canonicalJson, toHex, utf8 } from '@fog/kernel'
import type { TaskEnding, TaskOutcome } from './run-task.ts'

/** 32 bytes, now or soon: Node hashes at once, a browser makes one wait. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

/** A file of a result as the platform names it: by content. */
export interface OutputDigest {
  readonly path: string
  /** SHA-256, hexadecimal. */
  readonly digest: string
  readonly size: number
}

/** Everything about a run that two honest runs have in common. */
export interface ResultFacts {
  /** `exited:0`, `trapped:unreachable`, `fuel_exhausted` and so on. */
  readonly exit: string
  readonly fuelUsed: bigint
  /** SHA-256 of what was kept of stdout, hexadecimal. */
  readonly stdoutDigest: string
  readonly outputs: readonly OutputDigest[]
}

export interface ResultDigest extends ResultFacts {
  /** SHA-256 of `resultPreimage`, hexadecimal. */
  readonly resultDigest: string
}

/** The bytes whose SHA-256 is the result digest: canonical JSON (RFC 8785), outputs sorted by path. */
export function resultPreimage({ exit, fuelUsed, stdoutDigest, outputs }: ResultFacts): Uint8Array {
  const sorted = outputs.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const files = sorted.map(({ path, digest, size }) => [path, digest, size])
  return utf8(canonicalJson({ version: 1, exit, fuel: String(fuelUsed), stdout: stdoutDigest, outputs: files }))
}

/** Hashes what a run left behind. */
export async function digestResult(outcome: TaskOutcome, sha256: Sha256): Promise<ResultDigest> {
  const hex = async (bytes: Uint8Array) => toHex(await sha256(bytes))
  const outputs: OutputDigest[] = []
  for (const [path, bytes] of outcome.outputs) outputs.push({ path, digest: await hex(bytes), size: bytes.length })
  const { fuelUsed } = outcome
  const facts = { exit: exitText(outcome), fuelUsed, stdoutDigest: await hex(outcome.stdout), outputs }
  return { ...facts, resultDigest: await hex(resultPreimage(facts)) }
}

/** An ending in one word, without an engine's wording. */
export function exitText(ending: TaskEnding): string {
  switch (ending.status) {
    case 'exited':
      return `exited:${ending.exitCode}`
    case 'trapped':
      return `trapped:${ending.reason}`
    case 'output_exceeded':
      return `output_exceeded:${ending.limit}`
    case 'fuel_exhausted':
    case 'memory_exceeded':
      return ending.status
  }
}

import type { ByteReader } from './byte-reader.ts'
import { readValueType } from './opcodes.ts'
import { ProgramError } from './program-error.ts'

/** Engines take at most 50,000 locals in a function; two of them are kept for fuel. */
const MOST_LOCALS = 49_998

/** Locals as a code body declares them: groups of one type each, the first at `groupsAt`. */
export interface Locals {
  readonly groups: number
  readonly groupsAt: number
  readonly count: number
}

/** Passes over a body's locals, up to its first instruction. */
export function skipLocals(code: ByteReader): Locals {
  const groups = code.count('groups of locals', MOST_LOCALS)
  const groupsAt = code.at
  let count = 0
  for (let i = 0; i < groups; i++) {
    count += code.u32()
    readValueType(code)
  }
  if (count <= MOST_LOCALS) return { groups, groupsAt, count }
  throw new ProgramError({ code: 'program.too_large', what: 'locals in one function', size: count, limit: MOST_LOCALS })
}

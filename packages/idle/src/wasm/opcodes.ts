import type { ByteReader } from './byte-reader.ts'
import { ProgramError } from './program-error.ts'

/** Opcodes that steer control, cost by length, or name something whose index must be checked (core 2.0, section 5.4). */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eq: 0x46,
  i64LtS: 0x53,
  i64Sub: 0x7d,
  i64ShrU: 0x88,
  i64ExtendI32U: 0xad,
  bulk: 0xfc,
  simd: 0xfd,
} as const

/** Under the 0xFC prefix. */
export const BULK = {
  memoryInit: 8,
  dataDrop: 9,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  elemDrop: 13,
  tableCopy: 14,
  tableGrow: 15,
  tableSize: 16,
  tableFill: 17,
} as const

export const EMPTY_BLOCK = 0x40
export const I32 = 0x7f
export const I64 = 0x7e

/** One instruction as the walk sees it. `operand` is a label, an index or a sub-opcode, whichever the opcode has. */
export interface Instruction {
  /** Where its first byte lies. */
  at: number
  opcode: number
  operand: number
  /** All labels of a `br_table`, its default last. */
  labels: readonly number[]
}

const NO_LABELS: readonly number[] = []

/** Reads the next instruction of a code body into `into`, which is reused: a body may have millions. */
export function readInstruction(code: ByteReader, into: Instruction): void {
  into.at = code.at
  into.opcode = code.u8()
  into.operand = 0
  into.labels = NO_LABELS
  const { opcode } = into
  if (opcode >= 0x45 && opcode <= 0xc4) return
  if (opcode >= 0x28 && opcode <= 0x3e) return skipMemoryArgument(code)
  switch (opcode) {
    case OP.unreachable:
    case 0x01: // nop
    case OP.else:
    case OP.end:
    case OP.return:
    case 0x1a: // drop
    case 0x1b: // select
    case 0xd1: // ref.is_null
      return
    case OP.block:
    case OP.loop:
    case OP.if:
      into.operand = code.s33()
      return
    case OP.br:
    case OP.brIf:
    case OP.call:
    case OP.returnCall:
    case OP.localGet:
    case OP.localSet:
    case OP.localTee:
    case OP.globalGet:
    case OP.globalSet:
    case 0x25: // table.get
    case 0x26: // table.set
    case 0x3f: // memory.size
    case OP.memoryGrow:
    case 0xd2: // ref.func
      into.operand = code.u32()
      return
    case OP.brTable:
      into.labels = readLabels(code)
      return
    case OP.callIndirect:
    case OP.returnCallIndirect:
      into.operand = code.u32()
      code.u32()
      return
    case 0x1c: // select t*
      return skipValueTypes(code)
    case OP.i32Const:
      return code.skipSigned(5)
    case OP.i64Const:
      return code.skipSigned(10)
    case 0x43: // f32.const
      return code.skip(4)
    case 0x44: // f64.const
      return code.skip(8)
    case 0xd0: // ref.null
      return readReferenceType(code)
    case OP.bulk:
      into.operand = readBulk(code)
      return
    case OP.simd:
      into.operand = readSimd(code)
      return
    default:
      return refuseOpcode(code, opcode)
  }
}

function readLabels(code: ByteReader): readonly number[] {
  const count = code.count('branch targets', 65_520)
  const labels: number[] = []
  for (let i = 0; i <= count; i++) labels.push(code.u32())
  return labels
}

function skipMemoryArgument(code: ByteReader): void {
  const alignment = code.u32()
  // Bit 6 announces a memory index (multi-memory); a module has one memory here, so V8 accepts only index 0.
  if (alignment & 0x40) code.u32()
  code.u32()
}

function skipValueTypes(code: ByteReader): void {
  const count = code.count('types', 1000)
  for (let i = 0; i < count; i++) readValueType(code)
}

/** Returns the byte of a number, vector or reference type. */
export function readValueType(code: ByteReader): number {
  const type = code.u8()
  if ((type >= 0x7b && type <= 0x7f) || type === 0x70 || type === 0x6f) return type
  if (type >= 0x60 && type <= 0x7f) return refuseFeature('garbage-collected types')
  return code.refuse('an unknown value type')
}

export function readReferenceType(code: ByteReader): void {
  const type = code.u8()
  if (type !== 0x70 && type !== 0x6f) refuseFeature('references other than funcref and externref')
}

function readBulk(code: ByteReader): number {
  const operand = code.u32()
  if (operand <= 7) return operand // saturating conversions
  switch (operand) {
    case BULK.memoryInit:
    case BULK.memoryCopy:
    case BULK.tableInit:
    case BULK.tableCopy:
      code.u32()
      code.u32()
      return operand
    case BULK.dataDrop:
    case BULK.memoryFill:
    case BULK.elemDrop:
    case BULK.tableGrow:
    case BULK.tableSize:
    case BULK.tableFill:
      code.u32()
      return operand
    default:
      return refuseFeature(`instruction 0xfc ${operand}`)
  }
}

function readSimd(code: ByteReader): number {
  const operand = code.u32()
  if (operand >= 0x100) refuseFeature('relaxed SIMD, whose results differ between machines')
  if (operand <= 11 || operand === 92 || operand === 93) skipMemoryArgument(code)
  else if (operand === 12 || operand === 13) code.skip(16)
  else if (operand >= 21 && operand <= 34) code.skip(1)
  else if (operand >= 84 && operand <= 91) {
    skipMemoryArgument(code)
    code.skip(1)
  }
  return operand
}

function refuseOpcode(code: ByteReader, opcode: number): never {
  if ((opcode >= 0x06 && opcode <= 0x0a) || opcode === 0x18 || opcode === 0x19 || opcode === 0x1f) {
    return refuseFeature('exception handling')
  }
  if (opcode === 0x14 || opcode === 0x15 || (opcode >= 0xd3 && opcode <= 0xd6))
    return refuseFeature('typed function references')
  if (opcode === 0xfb) return refuseFeature('garbage collection')
  if (opcode === 0xfe) return refuseFeature('threads and atomics')
  return code.refuse(`0x${opcode.toString(16)} is no instruction`)
}

export function refuseFeature(feature: string): never {
  throw new ProgramError({ code: 'program.feature_not_supported', feature })
}

const SLOW = new Map<number, number>([
  [OP.call, 4],
  [OP.returnCall, 4],
  [OP.callIndirect, 8],
  [OP.returnCallIndirect, 8],
  [OP.brTable, 3],
  [OP.memoryGrow, 1000],
  ...range(0x6d, 0x70).map((opcode): [number, number] => [opcode, 8]), // i32 div, rem
  ...range(0x7f, 0x82).map((opcode): [number, number] => [opcode, 12]), // i64 div, rem
  [0x91, 8], // f32.sqrt
  [0x95, 4], // f32.div
  [0x9f, 8], // f64.sqrt
  [0xa3, 4], // f64.div
])

/** What no processor executes once it is compiled: structure, constants, and moves between locals. */
const FREE = new Set<number>([
  0x01, // nop
  0x1a, // drop
  OP.block,
  OP.else,
  OP.end,
  OP.localGet,
  OP.localSet,
  OP.localTee,
  ...range(OP.i32Const, 0x44),
])

const WEIGHTS = Uint16Array.from({ length: 256 }, (_, opcode) => (FREE.has(opcode) ? 0 : (SLOW.get(opcode) ?? 1)))
/** What a bulk instruction costs before its length is counted. */
const BULK_WEIGHT = 20
/** What a call of the host costs before the bytes it moves are counted: about half a microsecond, as measured. */
const HOST_CALL_WEIGHT = 4000

/**
 * The fuel one instruction burns: one unit, nothing for what takes a processor no time, more for what takes it longer
 * (cycles of a current x86-64, rounded). Every engine must agree, so changing a weight changes every digest.
 */
export function weightOf({ opcode, operand }: Instruction, importedFunctions: number): number {
  if (opcode === OP.bulk && operand >= BULK.memoryInit) return BULK_WEIGHT
  if (opcode === OP.call && operand < importedFunctions) return HOST_CALL_WEIGHT
  return WEIGHTS[opcode]!
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

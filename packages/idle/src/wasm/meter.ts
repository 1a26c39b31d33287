import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { Span } from './module-layout.ts'
import {
  BULK,
  EMPTY_BLOCK,
  I32,
  I64,
  type Instruction,
  OP,
  readInstruction,
  readValueType,
  weightOf,
} from './opcodes.ts'
import { ProgramError } from './program-error.ts'

/** Engines take at most this many locals in a function. */
const MOST_LOCALS = 50_000

/** The globals that instrumentation appends. */
export interface MeterGlobals {
  readonly fuel: number
  readonly memoryDenied: number
}

export interface MeteredFunction extends MeterGlobals {
  /** How many parameters it has; they are its first locals. */
  readonly params: number
  /** Functions below this index are the host's. */
  readonly importedFunctions: number
}

/** A run of instructions that are executed equally often, charged together where the first of them stands. */
interface Segment {
  readonly at: number
  readonly loop: Loop | undefined
  readonly checks: boolean
  cost: number
}

interface Loop {
  readonly parent: Loop | undefined
  /** Whether anything inside may change the fuel behind our back: a call, at any depth. */
  calls: boolean
}

interface Frame {
  readonly kind: 'function' | 'block' | 'loop' | 'if'
  /** What ran before it; undefined when it cannot be reached. */
  readonly entry: Segment | undefined
  readonly loop: Loop | undefined
  /** Some branch jumps to its label. */
  targeted: boolean
  /** Some branch inside jumps out past it, so that what follows may run less often than what came before. */
  escapes: boolean
  /** Of an `if`: its first arm ends normally, or it has no second arm. */
  joinsAfterElse: boolean
}

type Edit =
  | { readonly kind: 'charge'; readonly at: number; readonly segment: Segment }
  | { readonly kind: 'preload'; readonly at: number; readonly loop: Loop }
  | { readonly kind: 'charge-length'; readonly at: number; readonly loop: Loop | undefined; readonly shift: number }
  | { readonly kind: 'note-denied'; readonly at: number }

/**
 * Writes one function body with fuel counted in it, its size in front.
 *
 * Instructions that always run equally often share one charge: a basic block, and with it whatever follows a block,
 * loop or `if` that no branch leaves. The charge stands where the first of them does, so a run that ends is charged
 * exactly what it executed. Whether the fuel is used up is asked where a program could go round: at loop headers, at
 * the entry of functions that call, and before bulk instructions. The counter lies in a global; inside loops without
 * calls it is carried in a local too, which spares the loop a wait for memory.
 */
export function writeMeteredBody(
  out: ByteWriter,
  scratch: ByteWriter,
  bytes: Uint8Array,
  body: Span,
  { params, importedFunctions, ...globals }: MeteredFunction,
): void {
  const code = new ByteReader(bytes, body.start, body.end)
  const locals = readLocals(code)
  const groups = new ByteReader(bytes, locals.start, locals.end)
  const fuelLocal = params + locals.count
  const meter: Meter = { ...globals, fuelLocal, valueLocal: fuelLocal + 1 }
  const { edits, instructionsAt } = plan(code, importedFunctions)

  scratch.clear()
  scratch.u32(locals.groups + 2).raw(bytes.subarray(groups.at, groups.end))
  scratch.u8(1, I64, 1, I32)
  let copied = instructionsAt
  for (const edit of edits) {
    scratch.copy(bytes, copied, edit.at)
    copied = edit.at
    writeEdit(scratch, edit, meter)
  }
  scratch.copy(bytes, copied, body.end)
  out.u32(scratch.length).append(scratch)
}

interface Locals extends Span {
  readonly groups: number
  readonly count: number
}

function readLocals(code: ByteReader): Locals {
  const groups = code.count('groups of locals', MOST_LOCALS)
  const start = code.at
  let count = 0
  for (let i = 0; i < groups; i++) {
    count += code.u32()
    readValueType(code)
  }
  if (count + 2 > MOST_LOCALS) {
    throw new ProgramError({
      code: 'program.too_large',
      what: 'locals in one function',
      size: count,
      limit: MOST_LOCALS - 2,
    })
  }
  return { groups, count, start, end: code.at }
}

function plan(code: ByteReader, importedFunctions: number): { edits: readonly Edit[]; instructionsAt: number } {
  const walk = new Walk(code, importedFunctions)
  const instructionsAt = code.at
  walk.run()
  return { edits: walk.edits.filter(isNeeded), instructionsAt }
}

function isNeeded(edit: Edit): boolean {
  if (edit.kind === 'charge') return edit.segment.cost > 0 || edit.segment.checks
  if (edit.kind === 'preload') return !edit.loop.calls && (edit.loop.parent?.calls ?? true)
  return true
}

/** One pass over the instructions, keeping the open blocks and the segment that the next instruction belongs to. */
class Walk {
  readonly edits: Edit[] = []
  readonly #code: ByteReader
  readonly #importedFunctions: number
  readonly #frames: Frame[] = []
  readonly #entry: { -readonly [Key in keyof Segment]: Segment[Key] }
  /** Undefined where code cannot be reached. */
  #segment: Segment | undefined

  constructor(code: ByteReader, importedFunctions: number) {
    this.#code = code
    this.#importedFunctions = importedFunctions
    this.#entry = { at: code.at, loop: undefined, checks: false, cost: 0 }
    this.#segment = this.#entry
    this.edits.push({ kind: 'charge', at: code.at, segment: this.#entry })
    this.#frames.push(frame('function', this.#entry, undefined))
  }

  run(): void {
    const instruction: Instruction = { at: 0, opcode: 0, operand: 0, labels: [] }
    while (this.#frames.length > 0) {
      readInstruction(this.#code, instruction)
      if (this.#segment && instruction.opcode !== OP.loop) {
        this.#segment.cost += weightOf(instruction, this.#importedFunctions)
      }
      this.#step(instruction)
    }
    if (!this.#code.isDone) this.#code.refuse('code goes on after its end')
  }

  #step(instruction: Instruction): void {
    switch (instruction.opcode) {
      case OP.block:
        this.#open('block')
        return
      case OP.loop:
        return this.#openLoop(instruction)
      case OP.if:
        this.#open('if')
        if (this.#segment) this.#begin()
        return
      case OP.else:
        return this.#switchArm()
      case OP.end:
        return this.#close()
      case OP.br:
        this.#branch(instruction.operand)
        return this.#die()
      case OP.brIf:
        this.#branch(instruction.operand)
        if (this.#segment) this.#begin()
        return
      case OP.brTable:
        for (const label of instruction.labels) this.#branch(label)
        return this.#die()
      case OP.return:
        this.#branch(this.#frames.length - 1)
        return this.#die()
      case OP.unreachable:
        return this.#die()
      case OP.returnCall:
      case OP.returnCallIndirect:
        this.#noteCall()
        this.#branch(this.#frames.length - 1)
        return this.#die()
      case OP.call:
      case OP.callIndirect:
        return this.#noteCall()
      case OP.bulk:
        return this.#chargeLength(instruction)
      case OP.memoryGrow:
        if (this.#segment) this.edits.push({ kind: 'note-denied', at: this.#code.at })
        return
      default:
    }
  }

  get #innermost(): Frame {
    return this.#frames[this.#frames.length - 1] ?? this.#code.refuse('code goes on after its end')
  }

  #open(kind: Frame['kind']): void {
    this.#frames.push(frame(kind, this.#segment, this.#innermost.loop))
  }

  #openLoop({ at }: Instruction): void {
    const loop: Loop = { parent: this.#innermost.loop, calls: false }
    this.#frames.push(frame('loop', this.#segment, loop))
    if (!this.#segment) return
    this.edits.push({ kind: 'preload', at, loop })
    // A header costs one unit, so that even an empty loop burns fuel.
    this.#begin({ checks: true, cost: 1 })
  }

  #switchArm(): void {
    const opened = this.#innermost
    if (opened.kind !== 'if') this.#code.refuse('an else stands without its if')
    opened.joinsAfterElse = this.#segment !== undefined
    this.#segment = opened.entry
    if (this.#segment) this.#begin()
  }

  #close(): void {
    const closed = this.#innermost
    this.#frames.pop()
    if (closed.kind === 'function') return
    const joins = closed.kind !== 'loop' && (closed.targeted || closed.joinsAfterElse)
    if (!closed.entry || !(this.#segment || joins)) return this.#die()
    if (!closed.escapes) this.#segment = closed.entry
    else if (joins) this.#begin()
  }

  #branch(label: number): void {
    if (!this.#segment) return
    const target = this.#frames.length - 1 - label
    const reached = this.#frames[target] ?? this.#code.refuse('a branch has no target')
    reached.targeted = true
    for (let i = target + 1; i < this.#frames.length; i++) this.#frames[i]!.escapes = true
  }

  #noteCall(): void {
    this.#entry.checks = true
    for (let loop = this.#innermost.loop; loop && !loop.calls; loop = loop.parent) loop.calls = true
  }

  #chargeLength({ at, operand }: Instruction): void {
    const shift = LENGTH_SHIFT.get(operand)
    if (shift === undefined || !this.#segment) return
    this.edits.push({ kind: 'charge-length', at, loop: this.#innermost.loop, shift })
  }

  #begin({ checks = false, cost = 0 } = {}): void {
    const segment: Segment = { at: this.#code.at, loop: this.#innermost.loop, checks, cost }
    this.#segment = segment
    this.edits.push({ kind: 'charge', at: segment.at, segment })
  }

  #die(): void {
    this.#segment = undefined
  }
}

function frame(kind: Frame['kind'], entry: Segment | undefined, loop: Loop | undefined): Frame {
  return { kind, entry, loop, targeted: false, escapes: false, joinsAfterElse: kind === 'if' && entry !== undefined }
}

/** Bulk instructions take their length from the top of the stack: one unit for 16 bytes, or for one table entry. */
const LENGTH_SHIFT: ReadonlyMap<number, number> = new Map([
  [BULK.memoryInit, 4],
  [BULK.memoryCopy, 4],
  [BULK.memoryFill, 4],
  [BULK.tableInit, 0],
  [BULK.tableCopy, 0],
  [BULK.tableGrow, 0],
  [BULK.tableFill, 0],
])

interface Meter {
  readonly fuel: number
  readonly memoryDenied: number
  readonly fuelLocal: number
  readonly valueLocal: number
}

function writeEdit(out: ByteWriter, edit: Edit, meter: Meter): void {
  switch (edit.kind) {
    case 'preload':
      out.u8(OP.globalGet).u32(meter.fuel).u8(OP.localSet).u32(meter.fuelLocal)
      return
    case 'charge':
      getFuel(out, edit.segment.loop, meter)
      out.u8(OP.i64Const).positive(edit.segment.cost).u8(OP.i64Sub)
      setFuel(out, edit.segment.loop, meter, edit.segment.checks)
      return
    case 'charge-length':
      out.u8(OP.localTee).u32(meter.valueLocal)
      getFuel(out, edit.loop, meter)
      out.u8(OP.localGet).u32(meter.valueLocal).u8(OP.i64ExtendI32U)
      out.u8(OP.i64Const).positive(edit.shift).u8(OP.i64ShrU, OP.i64Sub)
      setFuel(out, edit.loop, meter, true)
      return
    case 'note-denied':
      out.u8(OP.localTee).u32(meter.valueLocal)
      out.u8(OP.i32Const, MINUS_ONE, OP.i32Eq, OP.if, EMPTY_BLOCK, OP.i32Const, 1)
      out.u8(OP.globalSet).u32(meter.memoryDenied)
      out.u8(OP.end, OP.localGet).u32(meter.valueLocal)
  }
}

/** -1 as a signed LEB128. */
const MINUS_ONE = 0x7f

function isCarried(loop: Loop | undefined): boolean {
  return loop !== undefined && !loop.calls
}

function getFuel(out: ByteWriter, loop: Loop | undefined, meter: Meter): void {
  if (isCarried(loop)) out.u8(OP.localGet).u32(meter.fuelLocal)
  else out.u8(OP.globalGet).u32(meter.fuel)
}

function setFuel(out: ByteWriter, loop: Loop | undefined, meter: Meter, checks: boolean): void {
  if (checks || isCarried(loop)) out.u8(OP.localTee).u32(meter.fuelLocal)
  out.u8(OP.globalSet).u32(meter.fuel)
  if (!checks) return
  out.u8(OP.localGet).u32(meter.fuelLocal)
  out.u8(OP.i64Const, 0, OP.i64LtS, OP.if, EMPTY_BLOCK, OP.unreachable, OP.end)
}

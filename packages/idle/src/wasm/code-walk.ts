import { ByteReader } from './byte-reader.ts'
import type { FunctionType } from './module-layout.ts'
import { BULK, type Instruction, OP, readInstruction, weightOf } from './opcodes.ts'

/** A run of instructions that are executed equally often, charged together where the first of them stands. */
export interface Segment {
  readonly loop: Loop | undefined
  /** Whether it is asked here if fuel is left. */
  readonly checks: boolean
  cost: number
}

export interface Loop {
  readonly parent: Loop | undefined
  /** How many blocks are around it. */
  readonly depth: number
  /** Whether anything inside, at any depth, may change the fuel behind our back. */
  calls: boolean
}

/** Code to write before what stands at `at`. */
export type Edit = { readonly at: number } & (
  | { readonly kind: 'charge'; readonly segment: Segment }
  /** The loop begins: its fuel goes into the local. */
  | { readonly kind: 'carry'; readonly loop: Loop }
  /** A path leaves for a block of `targetDepth`: the fuel goes back into the global. */
  | { readonly kind: 'put-back'; readonly loop: Loop; readonly targetDepth: number }
  /** A `br_if` that may leave, which ends at `until`. */
  | {
      readonly kind: 'put-back-if'
      readonly loop: Loop
      readonly targetDepth: number
      readonly label: number
      readonly until: number
    }
  /** A bulk instruction with its length on the stack. */
  | { readonly kind: 'charge-length'; readonly loop: Loop | undefined; readonly shift: number }
  /** After a `memory.grow`, whose answer is on the stack. */
  | { readonly kind: 'note-denied' }
)

/** What the walk has to know of the module around a function. */
export interface Surroundings {
  readonly types: readonly FunctionType[]
  /** Functions below this index are the host's. */
  readonly importedFunctions: number
}

interface Frame {
  readonly kind: 'function' | 'block' | 'loop' | 'if'
  /** What ran before it; undefined when it cannot be reached. */
  readonly entry: Segment | undefined
  readonly loop: Loop | undefined
  /** A branch to its label carries values. */
  readonly carriesValues: boolean
  /** Some branch jumps to its label. */
  targeted: boolean
  /** Some branch inside jumps out past it, so that what follows may run less often than what came before. */
  escapes: boolean
  /** Of an `if`: one arm is missing or ends normally, whatever the other does. */
  joins: boolean
}

/**
 * The outermost loop around a place inside which nothing calls. Its fuel is carried in a local, which spares each turn
 * a wait for memory.
 */
export function carrier(loop: Loop | undefined): Loop | undefined {
  let found: Loop | undefined
  for (let at = loop; at && !at.calls; at = at.parent) found = at
  return found
}

/** Says what to write where in a body, whose reader stands at its first instruction. Edits come in order. */
export function planMetering(code: ByteReader, type: FunctionType, surroundings: Surroundings): readonly Edit[] {
  return new CodeWalk(code, type, surroundings).run()
}

/** One pass over the instructions, keeping the open blocks and the segment that the next instruction belongs to. */
class CodeWalk {
  readonly #code: ByteReader
  readonly #surroundings: Surroundings
  readonly #edits: Edit[] = []
  readonly #frames: Frame[] = []
  readonly #entry: { -readonly [Key in keyof Segment]: Segment[Key] } = { loop: undefined, checks: false, cost: 0 }
  /** Undefined where code cannot be reached. */
  #segment: Segment | undefined = this.#entry

  constructor(code: ByteReader, type: FunctionType, surroundings: Surroundings) {
    this.#code = code
    this.#surroundings = surroundings
    this.#edits.push({ kind: 'charge', at: code.at, segment: this.#entry })
    this.#open('function', type.results !== '')
  }

  run(): readonly Edit[] {
    const instruction: Instruction = { at: 0, opcode: 0, operand: 0, labels: [] }
    while (this.#frames.length > 0) {
      readInstruction(this.#code, instruction)
      if (this.#segment && instruction.opcode !== OP.loop) {
        this.#segment.cost += weightOf(instruction, this.#surroundings.importedFunctions)
      }
      this.#step(instruction)
    }
    if (!this.#code.isDone) this.#code.refuse('code goes on after its end')
    return this.#edits
  }

  #step(instruction: Instruction): void {
    const { opcode, at, operand, labels } = instruction
    switch (opcode) {
      case OP.block:
        return this.#open('block', this.#resultsOf(operand))
      case OP.loop:
        return this.#openLoop(instruction)
      case OP.if:
        this.#open('if', this.#resultsOf(operand))
        return this.#begin()
      case OP.else:
        return this.#switchArm()
      case OP.end:
        return this.#close()
      case OP.br:
        return this.#leave(at, [operand])
      case OP.brIf:
        return this.#mayLeave(at, operand)
      case OP.brTable:
        return this.#leave(at, labels)
      case OP.return:
        return this.#leave(at, [this.#frames.length - 1])
      case OP.unreachable:
        return this.#leave(at, [])
      case OP.returnCall:
      case OP.returnCallIndirect:
        this.#noteCall()
        return this.#leave(at, [this.#frames.length - 1])
      case OP.call:
      case OP.callIndirect:
        return this.#noteCall()
      case OP.bulk:
        return this.#chargeLength(instruction)
      case OP.memoryGrow:
        if (this.#segment) this.#edits.push({ kind: 'note-denied', at: this.#code.at })
        return
      default:
    }
  }

  get #innermost(): Frame {
    return this.#frames[this.#frames.length - 1] ?? this.#code.refuse('code goes on after its end')
  }

  #open(kind: Frame['kind'], carriesValues: boolean, loop = this.#frames.at(-1)?.loop): void {
    const entry = this.#segment
    const joins = kind === 'if' && entry !== undefined
    this.#frames.push({ kind, entry, loop, carriesValues, targeted: false, escapes: false, joins })
  }

  #openLoop({ at, operand }: Instruction): void {
    const loop: Loop = { parent: this.#innermost.loop, depth: this.#frames.length, calls: false }
    this.#open('loop', operand >= 0 && this.#typeOf(operand).params !== '', loop)
    if (this.#segment) this.#edits.push({ kind: 'carry', at, loop })
    // A header costs one unit, so that even an empty loop burns fuel.
    this.#begin({ checks: true, cost: 1 })
  }

  #switchArm(): void {
    const opened = this.#innermost
    if (opened.kind !== 'if') this.#code.refuse('an else stands without its if')
    opened.joins = this.#segment !== undefined
    this.#segment = opened.entry
    this.#begin()
  }

  #close(): void {
    const closed = this.#innermost
    this.#frames.pop()
    if (closed.kind === 'function') return
    const joins = closed.kind !== 'loop' && (closed.targeted || closed.joins)
    if (!closed.entry || !(this.#segment || joins)) {
      this.#segment = undefined
      return
    }
    if (closed.kind === 'loop') this.#putBack(this.#code.at, closed.loop, closed.loop!.depth - 1)
    if (!closed.escapes) this.#segment = closed.entry
    else if (joins) {
      this.#segment = closed.entry
      this.#begin()
    }
  }

  /** An instruction after which this path does not go on. Without labels it traps. */
  #leave(at: number, labels: readonly number[]): void {
    if (!this.#segment) return
    const depths = labels.map((label) => this.#target(label))
    this.#putBack(at, this.#innermost.loop, Math.min(...depths, labels.length === 0 ? 0 : Infinity))
    this.#segment = undefined
  }

  #mayLeave(at: number, label: number): void {
    if (!this.#segment) return
    const targetDepth = this.#target(label)
    const { loop } = this.#innermost
    if (this.#frames[targetDepth]!.carriesValues) this.#putBack(at, loop, targetDepth)
    else if (loop) this.#edits.push({ kind: 'put-back-if', at, loop, targetDepth, label, until: this.#code.at })
    this.#begin()
  }

  #putBack(at: number, loop: Loop | undefined, targetDepth: number): void {
    if (loop) this.#edits.push({ kind: 'put-back', at, loop, targetDepth })
  }

  /** Notes a branch and says how many blocks are around its target. */
  #target(label: number): number {
    const depth = this.#frames.length - 1 - label
    const target = this.#frames[depth] ?? this.#code.refuse('a branch has no target')
    target.targeted = true
    for (let i = depth + 1; i < this.#frames.length; i++) this.#frames[i]!.escapes = true
    return depth
  }

  #noteCall(): void {
    this.#entry.checks = true
    for (let { loop } = this.#innermost; loop && !loop.calls; loop = loop.parent) loop.calls = true
  }

  #chargeLength({ at, operand }: Instruction): void {
    const shift = LENGTH_SHIFT.get(operand)
    if (shift === undefined || !this.#segment) return
    this.#edits.push({ kind: 'charge-length', at, loop: this.#innermost.loop, shift })
  }

  /** A new segment, if this place is reached at all. */
  #begin({ checks = false, cost = 0 } = {}): void {
    if (!this.#segment) return
    this.#segment = { loop: this.#innermost.loop, checks, cost }
    this.#edits.push({ kind: 'charge', at: this.#code.at, segment: this.#segment })
  }

  #resultsOf(blockType: number): boolean {
    if (blockType < 0) return blockType !== EMPTY_TYPE
    return this.#typeOf(blockType).results !== ''
  }

  #typeOf(index: number): FunctionType {
    return this.#surroundings.types[index] ?? this.#code.refuse('a block has no such type')
  }
}

/** 0x40 read as a signed number. */
const EMPTY_TYPE = -64

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

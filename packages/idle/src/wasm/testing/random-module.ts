import { randomBelow, type Rng } from '@fog/kernel'
import { ByteWriter } from '../byte-writer.ts'
import { EMPTY_BLOCK, I32, I64, OP } from '../opcodes.ts'

/** Types of every module made here: nothing, i32 -> i32, i32 -> i32 i32, and those of two calls of the host. */
const TYPES = { none: 0, one: 1, two: 2, write: 3, exit: 4 } as const
const IMPORTED = 2
const FD_WRITE = 0
const PROC_EXIT = 1
const LOCALS = 4
/** Turns a loop may take, all its entries in one call together. */
const MOST_TURNS = 5

/**
 * A valid program of random shape that ends: nested blocks, loops, ifs, branches of all kinds (with values too), calls,
 * memory and bulk instructions. At the end it prints its locals, so that a change of meaning shows.
 */
export function randomModule(rng: Rng): Uint8Array<ArrayBuffer> {
  const functions = 1 + randomBelow(rng, 4)
  const out = new ByteWriter().u8(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  out.section(1, typeSection())
  out.section(2, importSection())
  out.section(
    3,
    new ByteWriter()
      .u32(functions + 1)
      .raw(new Uint8Array(functions).fill(TYPES.one))
      .u8(TYPES.none)
      .done(),
  )
  out.section(4, new ByteWriter().u8(1, 0x70, 1, 4, 10).done())
  out.section(5, new ByteWriter().u8(1, 1, 1, 4).done())
  out.section(6, new ByteWriter().u8(1, I64, 1, OP.i64Const, 0, OP.end).done())
  const start = IMPORTED + functions
  out.section(7, new ByteWriter().u8(2).name('memory').u8(2, 0).name('_start').u8(0, start).done())
  out.section(9, new ByteWriter().u8(1, 0, OP.i32Const, 0, OP.end, 1, IMPORTED).done())
  out.section(12, new ByteWriter().u8(1).done())
  out.section(10, codeSection(rng, functions))
  out.section(
    11,
    new ByteWriter()
      .u8(1, 1, 8)
      .raw(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
      .done(),
  )
  return out.done()
}

function typeSection(): Uint8Array {
  const out = new ByteWriter().u8(5)
  out.u8(0x60, 0, 0)
  out.u8(0x60, 1, I32, 1, I32)
  out.u8(0x60, 1, I32, 2, I32, I32)
  out.u8(0x60, 4, I32, I32, I32, I32, 1, I32)
  return out.u8(0x60, 1, I32, 0).done()
}

function importSection(): Uint8Array {
  const out = new ByteWriter().u8(IMPORTED)
  out.name('wasi_snapshot_preview1').name('fd_write').u8(0, TYPES.write)
  return out.name('wasi_snapshot_preview1').name('proc_exit').u8(0, TYPES.exit).done()
}

function codeSection(rng: Rng, functions: number): Uint8Array {
  const out = new ByteWriter().u32(functions + 1)
  for (let i = 0; i < functions; i++) body(out, new BodyWriter(rng, IMPORTED + i).function())
  body(out, startBody(rng, IMPORTED + functions - 1))
  return out.done()
}

function body(out: ByteWriter, code: Uint8Array): void {
  out.u32(code.length).raw(code)
}

/** Calls the last function with a random number, prints eight bytes of memory and its answer. */
function startBody(rng: Rng, last: number): Uint8Array {
  const out = new ByteWriter().u8(0)
  const set = (at: number) => out.u8(OP.i32Const).positive(at)
  set(0)
  out.u8(OP.i32Const, randomBelow(rng, 64), OP.call, last, STORE, 2, 0)
  set(16)
  set(0)
  out.u8(STORE, 2, 0)
  set(20)
  set(64)
  out.u8(STORE, 2, 0)
  for (const argument of [1, 16, 1, 24]) set(argument)
  out.u8(OP.call, FD_WRITE, 0x1a)
  return out.u8(OP.end).done()
}

/** Of every bulk instruction, in bytes. */
export const BULK_LENGTH = 40

const STORE = 0x36
const LOAD = 0x28

/** Writes one function of type i32 -> i32. Local 0 is its parameter; each loop has a counter of its own. */
class BodyWriter {
  readonly #rng: Rng
  readonly #index: number
  readonly #out = new ByteWriter()
  /** Values that a branch to each open block carries, innermost last. */
  readonly #labels: number[] = [1]
  #loops = 0
  #left = 40

  constructor(rng: Rng, index: number) {
    this.#rng = rng
    this.#index = index
  }

  function(): Uint8Array {
    this.#statements(0)
    this.#get()
    const code = this.#out.u8(OP.end).done()
    return new ByteWriter()
      .u8(1)
      .u32(LOCALS + this.#loops)
      .u8(I32)
      .raw(code)
      .done()
  }

  #statements(depth: number): void {
    for (let left = 1 + randomBelow(this.#rng, 4); left > 0 && this.#left > 0; left--) this.#statement(depth)
  }

  #statement(depth: number): void {
    this.#left--
    const kinds = depth < 5 ? 16 : 10
    switch (randomBelow(this.#rng, kinds)) {
      case 0:
      case 1:
        return this.#store()
      case 2:
        return this.#maybeBranch()
      case 3:
        return this.#branchAway()
      case 4:
        return this.#call()
      case 5:
        return this.#bulk()
      case 6:
        return this.#grow()
      case 7:
        return this.#branchWithValue()
      case 8:
        return this.#exit()
      case 9:
        this.#expression()
        this.#out.u8(OP.localSet).u32(this.#local())
        return
      case 10:
      case 11:
        return this.#loop(depth)
      case 12:
        return this.#if(depth)
      case 13:
        return this.#manyValues(depth)
      case 14:
        return this.#table(depth)
      default:
        return this.#block(depth)
    }
  }

  #local(): number {
    return randomBelow(this.#rng, LOCALS + 1)
  }

  #get(): void {
    this.#out.u8(OP.localGet).u32(this.#local())
  }

  /** Some i32. */
  #expression(): void {
    const out = this.#out
    this.#get()
    switch (randomBelow(this.#rng, 5)) {
      case 0:
        out.u8(OP.i32Const, randomBelow(this.#rng, 64), 0x6a) // add
        return
      case 1:
        this.#get()
        out.u8(0x6c) // mul
        return
      case 2:
        out.u8(OP.i32Const, 7, 0x70) // rem_u
        return
      case 3:
        out.u8(OP.i32Const, 31, 0x71, LOAD, 0).u32(8) // and, load
        return
      default:
        out.u8(OP.i32Const, randomBelow(this.#rng, 64), 0x73) // xor
    }
  }

  #store(): void {
    this.#get()
    this.#out.u8(OP.i32Const, 63, 0x71)
    this.#expression()
    this.#out.u8(STORE, 0).u32(4)
  }

  /** A random open block whose branches carry so many values. */
  #label(values: number): number | undefined {
    const fitting = this.#labels.flatMap((carried, i) => (carried === values ? this.#labels.length - 1 - i : []))
    return fitting[randomBelow(this.#rng, fitting.length)]
  }

  #maybeBranch(): void {
    const label = this.#label(0)
    if (label === undefined) return
    this.#expression()
    this.#out.u8(OP.brIf).u32(label)
  }

  #branchWithValue(): void {
    const label = this.#label(1)
    if (label === undefined) return
    this.#expression()
    this.#expression()
    this.#out.u8(OP.brIf).u32(label).u8(0x1a)
  }

  /** Inside an if, so that what follows can still be reached. */
  #branchAway(): void {
    this.#expression()
    this.#out.u8(OP.if, EMPTY_BLOCK)
    this.#labels.push(0)
    const label = this.#label(0)!
    if (randomBelow(this.#rng, 2) === 0) this.#out.u8(OP.br).u32(label)
    else {
      this.#expression()
      this.#out.u8(randomBelow(this.#rng, 8) === 0 ? OP.unreachable : OP.return)
    }
    // Not reached, and still to be walked over.
    if (randomBelow(this.#rng, 2) === 0) this.#out.u8(OP.loop, EMPTY_BLOCK, OP.br, 0, OP.end)
    this.#out.u8(OP.end)
    this.#labels.pop()
  }

  #call(): void {
    if (this.#index === IMPORTED) return
    this.#expression()
    const isIndirect = randomBelow(this.#rng, 4) === 0
    if (isIndirect) this.#out.u8(OP.i32Const, 0, OP.callIndirect, TYPES.one, 0)
    else this.#out.u8(OP.call).u32(IMPORTED + randomBelow(this.#rng, this.#index - IMPORTED))
    this.#out.u8(OP.localSet).u32(this.#local())
  }

  #bulk(): void {
    const out = this.#out.u8(OP.i32Const, 32)
    this.#get()
    out.u8(OP.i32Const, BULK_LENGTH, OP.bulk)
    // fill, copy, or init whose source is out of bounds for most values
    switch (randomBelow(this.#rng, 8)) {
      case 0:
        out.u8(8, 0, 0)
        return
      case 1:
      case 2:
        out.u8(10, 0, 0)
        return
      default:
        out.u8(11, 0)
    }
  }

  #grow(): void {
    this.#out.u8(OP.i32Const, randomBelow(this.#rng, 3), OP.memoryGrow, 0, OP.localSet).u32(this.#local())
  }

  #exit(): void {
    if (randomBelow(this.#rng, 4) > 0) return
    this.#expression()
    this.#out.u8(OP.if, EMPTY_BLOCK, OP.i32Const, 5, OP.call, PROC_EXIT, OP.end)
  }

  #block(depth: number): void {
    this.#out.u8(OP.block, EMPTY_BLOCK)
    this.#inside(0, depth)
  }

  #inside(values: number, depth: number): void {
    this.#labels.push(values)
    this.#statements(depth + 1)
    this.#labels.pop()
    this.#out.u8(OP.end)
  }

  #loop(depth: number): void {
    const counter = LOCALS + ++this.#loops
    const out = this.#out.u8(OP.block, EMPTY_BLOCK, OP.loop, EMPTY_BLOCK)
    out.u8(OP.localGet).u32(counter).u8(OP.i32Const, 1, 0x6a, OP.localTee).u32(counter)
    out.u8(OP.i32Const, MOST_TURNS, 0x4a, OP.brIf, 1)
    this.#labels.push(0, 0)
    this.#statements(depth + 1)
    if (randomBelow(this.#rng, 2) === 0) this.#out.u8(OP.br, 0)
    else this.#maybeBranchTo(0)
    this.#labels.length -= 2
    out.u8(OP.end, OP.end)
  }

  #maybeBranchTo(label: number): void {
    this.#expression()
    this.#out.u8(OP.brIf).u32(label)
  }

  #if(depth: number): void {
    this.#expression()
    this.#out.u8(OP.if, EMPTY_BLOCK)
    this.#labels.push(0)
    this.#statements(depth + 1)
    if (randomBelow(this.#rng, 2) === 0) {
      this.#out.u8(OP.else)
      this.#statements(depth + 1)
    }
    this.#labels.pop()
    this.#out.u8(OP.end)
  }

  /** A block that takes a value and gives two, whose branches carry two; or one that gives one. */
  #manyValues(depth: number): void {
    const isTwo = randomBelow(this.#rng, 2) === 0
    if (isTwo) this.#expression()
    this.#out.u8(OP.block).u8(isTwo ? TYPES.two : I32)
    if (isTwo) this.#out.u8(OP.localSet, 1)
    this.#labels.push(isTwo ? 2 : 1)
    this.#statements(depth + 1)
    this.#labels.pop()
    this.#get()
    if (isTwo) this.#get()
    this.#out.u8(OP.end, OP.localSet, 2)
    if (isTwo) this.#out.u8(OP.localSet, 3)
  }

  #table(depth: number): void {
    const out = this.#out.u8(OP.block, EMPTY_BLOCK, OP.block, EMPTY_BLOCK)
    this.#expression()
    out.u8(OP.brTable, 2, 0, 1, this.#labels.includes(0) ? 2 + this.#label(0)! : 0, OP.end)
    this.#labels.push(0)
    this.#statements(depth + 1)
    this.#labels.pop()
    out.u8(OP.end)
  }
}

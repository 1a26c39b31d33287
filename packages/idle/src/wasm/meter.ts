import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { carrier, type Edit, type Loop, planMetering, type Surroundings } from './code-walk.ts'
import { skipLocals } from './locals.ts'
import type { FunctionType, Span } from './module-layout.ts'
import { EMPTY_BLOCK, I32, I64, OP } from './opcodes.ts'

/** Indices of the globals that instrumentation appends. */
export interface MeterGlobals {
  readonly fuel: number
  readonly memoryDenied: number
}

/**
 * Writes one function body with fuel counted in it.
 *
 * Instructions that always run equally often share one charge: a basic block, and with it whatever follows a block,
 * loop or `if` that no branch leaves. The charge stands where the first of them does, so a run that ends is charged
 * exactly what it executed. Whether the fuel is used up is asked where a program could go round: at loop headers, at
 * the entry of functions that call, and before bulk instructions. The counter lies in a global; a loop without calls
 * carries it in a local and puts it back where it is left, but not where an instruction traps: after a division by
 * zero, say, the global says what was left before the loop.
 */
export function writeMeteredBody(
  out: ByteWriter,
  { bytes, body, type }: { readonly bytes: Uint8Array; readonly body: Span; readonly type: FunctionType },
  surroundings: Surroundings,
  globals: MeterGlobals,
): void {
  const code = new ByteReader(bytes, body.start, body.end)
  const { groups, groupsAt, count } = skipLocals(code)
  const instructionsAt = code.at
  const fuelLocal = type.params.length + count
  const meter: Meter = { ...globals, fuelLocal, valueLocal: fuelLocal + 1 }

  out.u32(groups + 2).copy(bytes, groupsAt, instructionsAt)
  out.u8(1, I64, 1, I32)
  let copied = instructionsAt
  for (const edit of planMetering(code, type, surroundings)) {
    out.copy(bytes, copied, edit.at)
    copied = edit.at
    if (!isNeeded(edit)) continue
    writeEdit(out, edit, meter)
    if (edit.kind === 'put-back-if') copied = edit.until
  }
  out.copy(bytes, copied, body.end)
}

function isNeeded(edit: Edit): boolean {
  switch (edit.kind) {
    case 'charge':
      return edit.segment.cost > 0 || edit.segment.checks
    case 'carry':
      return carrier(edit.loop) === edit.loop
    case 'put-back':
    case 'put-back-if': {
      const carrying = carrier(edit.loop)
      return carrying !== undefined && edit.targetDepth < carrying.depth
    }
    case 'charge-length':
    case 'note-denied':
      return true
  }
}

interface Meter extends MeterGlobals {
  readonly fuelLocal: number
  /** For a value that is on top of the stack. */
  readonly valueLocal: number
}

function writeEdit(out: ByteWriter, edit: Edit, meter: Meter): void {
  switch (edit.kind) {
    case 'charge': {
      const { loop, cost, checks } = edit.segment
      getFuel(out, loop, meter)
      out.u8(OP.i64Const).positive(cost).u8(OP.i64Sub)
      return setFuel(out, loop, meter, checks)
    }
    case 'carry':
      out.u8(OP.globalGet).u32(meter.fuel).u8(OP.localSet).u32(meter.fuelLocal)
      return
    case 'put-back':
      return putBack(out, meter)
    case 'put-back-if':
      putBack(out.u8(OP.if, EMPTY_BLOCK), meter)
      out.u8(OP.br).u32(edit.label + 1)
      out.u8(OP.end)
      return
    case 'charge-length':
      out.u8(OP.localTee).u32(meter.valueLocal)
      getFuel(out, edit.loop, meter)
      out.u8(OP.localGet).u32(meter.valueLocal).u8(OP.i64ExtendI32U)
      out.u8(OP.i64Const).positive(edit.shift).u8(OP.i64ShrU, OP.i64Sub)
      return setFuel(out, edit.loop, meter, true)
    case 'note-denied':
      out.u8(OP.localTee).u32(meter.valueLocal)
      out.u8(OP.i32Const, MINUS_ONE, OP.i32Eq, OP.if, EMPTY_BLOCK, OP.i32Const, 1)
      out.u8(OP.globalSet).u32(meter.memoryDenied)
      out.u8(OP.end, OP.localGet).u32(meter.valueLocal)
  }
}

/** -1 as a signed LEB128. */
const MINUS_ONE = 0x7f

function getFuel(out: ByteWriter, loop: Loop | undefined, meter: Meter): void {
  if (carrier(loop)) out.u8(OP.localGet).u32(meter.fuelLocal)
  else out.u8(OP.globalGet).u32(meter.fuel)
}

function putBack(out: ByteWriter, meter: Meter): void {
  out.u8(OP.localGet).u32(meter.fuelLocal).u8(OP.globalSet).u32(meter.fuel)
}

/** Stores what is on the stack, and ends the program when it is below zero and asked for. */
function setFuel(out: ByteWriter, loop: Loop | undefined, meter: Meter, checks: boolean): void {
  const isCarried = carrier(loop) !== undefined
  if (isCarried) out.u8(checks ? OP.localTee : OP.localSet).u32(meter.fuelLocal)
  else {
    if (checks) out.u8(OP.localTee).u32(meter.fuelLocal)
    out.u8(OP.globalSet).u32(meter.fuel)
    if (checks) out.u8(OP.localGet).u32(meter.fuelLocal)
  }
  if (!checks) return
  out.u8(OP.i64Const, 0, OP.i64LtS, OP.if, EMPTY_BLOCK)
  if (isCarried) putBack(out, meter)
  out.u8(OP.unreachable, OP.end)
}

import { ByteReader } from '../byte-reader.ts'
import { ByteWriter } from '../byte-writer.ts'
import { type ModuleLayout, readModule, SECTION } from '../module-layout.ts'
import { type Instruction, OP, readInstruction, weightOf } from '../opcodes.ts'

/**
 * Counts fuel the plainest way, a charge before every single instruction, in the program's own global 0 (an i64 that
 * it does not use). Nothing stops. An oracle for the real thing, for modules whose bulk lengths are all the same.
 */
export function meterNaively(bytes: Uint8Array, bulkLength: number): Uint8Array<ArrayBuffer> {
  const layout = readModule(bytes)
  const out = new ByteWriter(bytes.length * 8).raw(bytes.subarray(0, 8))
  for (const [id, { start, end }] of layout.sections) {
    if (id === SECTION.code) out.section(id, codeSection(layout, bulkLength))
    else if (id === SECTION.export) out.section(id, withCounter(bytes.subarray(start, end)))
    else out.section(id, bytes.subarray(start, end))
  }
  return out.done()
}

export const COUNTER = 'counter'

function withCounter(exports: Uint8Array): Uint8Array {
  return new ByteWriter()
    .u8(exports[0]! + 1)
    .raw(exports.subarray(1))
    .name(COUNTER)
    .u8(3, 0)
    .done()
}

function codeSection({ bytes, bodies, importedFunctions }: ModuleLayout, bulkLength: number): Uint8Array {
  const out = new ByteWriter().u32(bodies.length)
  for (const { start, end } of bodies) {
    const code = new ByteReader(bytes, start, end)
    const written = new ByteWriter()
    for (let groups = code.u32(); groups > 0; groups--) {
      code.u32()
      code.u8()
    }
    written.copy(bytes, start, code.at)
    const instruction: Instruction = { at: 0, opcode: 0, operand: 0, labels: [] }
    while (!code.isDone) {
      readInstruction(code, instruction)
      if (instruction.opcode === OP.bulk) charge(written, Math.floor(bulkLength / 16))
      if (instruction.opcode !== OP.loop) charge(written, weightOf(instruction, importedFunctions))
      written.copy(bytes, instruction.at, code.at)
      if (instruction.opcode === OP.loop) charge(written, 1)
    }
    out.u32(written.length).append(written)
  }
  return out.done()
}

function charge(out: ByteWriter, cost: number): void {
  if (cost === 0) return
  out.u8(OP.globalGet, 0, OP.i64Const).positive(cost).u8(0x7c, OP.globalSet, 0)
}

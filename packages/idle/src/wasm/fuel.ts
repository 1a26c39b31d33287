import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { DEFAULT_MODULE_LIMITS, inspect, type ModuleFacts, type ModuleLimits, WASM_PAGE_BYTES } from './inspect.ts'
import { type Limits, type ModuleLayout, SECTION, SECTION_ORDER } from './module-layout.ts'
import { writeMeteredBody } from './meter.ts'
import { FUEL_EXPORT, MEMORY_DENIED_EXPORT, START_EXPORT } from './names.ts'
import { I32, I64, OP } from './opcodes.ts'
import { ProgramError } from './program-error.ts'

/** A program made ready: it counts its fuel, keeps to its memory, and runs nothing while it is instantiated. */
export interface PreparedProgram {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly facts: ModuleFacts
}

/**
 * Inspects a program and instruments it; the same bytes and limits give the same bytes everywhere.
 *
 * @throws {ProgramError} with the reason why it is refused.
 */
export function prepareProgram(bytes: Uint8Array, limits: Partial<ModuleLimits> = {}): PreparedProgram {
  const all = { ...DEFAULT_MODULE_LIMITS, ...limits }
  const { facts, layout } = inspect(bytes, all)
  return { bytes: instrument(layout, all), facts }
}

/** `prepareProgram`, then the engine's compiler. Needs no more preparation by `runTask`. */
export function compileProgram(bytes: Uint8Array, limits: Partial<ModuleLimits> = {}): WebAssembly.Module {
  const prepared = prepareProgram(bytes, limits)
  try {
    return new WebAssembly.Module(prepared.bytes)
  } catch (fault) {
    // It was valid before, so only its growth can have pushed it over a limit of the engine.
    const reason = fault instanceof Error ? fault.message.slice(0, 200) : String(fault)
    throw new ProgramError({ code: 'program.invalid', reason }, { cause: fault })
  }
}

/** The instrumented module alone. */
export function injectFuel(bytes: Uint8Array, limits: Partial<ModuleLimits> = {}): Uint8Array<ArrayBuffer> {
  return prepareProgram(bytes, limits).bytes
}

function instrument(layout: ModuleLayout, limits: ModuleLimits): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter(layout.bytes.length * 2 + 256)
  out.raw(layout.bytes.subarray(0, 8))
  for (const id of SECTION_ORDER) writeSection(out, id, layout, limits)
  const names = layout.nameSection
  if (names) out.section(SECTION.custom, layout.bytes.subarray(names.start, names.end))
  return out.done()
}

function writeSection(out: ByteWriter, id: number, layout: ModuleLayout, limits: ModuleLimits): void {
  const span = layout.sections.get(id)
  switch (id) {
    case SECTION.table:
      if (span) out.section(id, tableSection(layout, limits.tableEntries))
      return
    case SECTION.memory:
      if (span) out.section(id, memorySection(layout, limits.memoryBytes))
      return
    case SECTION.global:
      out.section(id, globalSection(layout))
      return
    case SECTION.export:
      out.section(id, exportSection(layout))
      return
    case SECTION.start:
      return
    case SECTION.code:
      if (span) out.section(id, codeSection(layout))
      return
    default:
      if (span) out.section(id, layout.bytes.subarray(span.start, span.end))
  }
}

/** Each table may grow to its share of the limit: what it takes lies outside the program's own memory. */
function tableSection({ tables }: ModuleLayout, entries: number): Uint8Array {
  const share = Math.floor(entries / Math.max(tables.length, 1))
  const out = new ByteWriter().u32(tables.length)
  for (const table of tables) writeLimits(out.u8(table.referenceType), table, share)
  return out.done()
}

/** With the limit as the memory's own maximum, growth stops at the same page on every engine. */
function memorySection({ memory }: ModuleLayout, limitBytes: number): Uint8Array {
  const out = new ByteWriter().u32(memory ? 1 : 0)
  if (memory) writeLimits(out, memory, Math.floor(limitBytes / WASM_PAGE_BYTES))
  return out.done()
}

function writeLimits(out: ByteWriter, { min, max }: Limits, most: number): void {
  out
    .u8(1)
    .u32(min)
    .u32(Math.max(min, Math.min(max ?? most, most)))
}

/** Our globals come last, where no index of the program reaches. */
function globalSection(layout: ModuleLayout): Uint8Array {
  const { count, rest } = countAndRest(layout, SECTION.global)
  const out = new ByteWriter(rest.length + 32).u32(count + 2).raw(rest)
  out.u8(I64, MUTABLE, OP.i64Const, 0, OP.end)
  out.u8(I32, MUTABLE, OP.i32Const, 0, OP.end)
  return out.done()
}

const MUTABLE = 1
const FUNCTION_EXPORT = 0
const GLOBAL_EXPORT = 3

function exportSection(layout: ModuleLayout): Uint8Array {
  const { count, rest } = countAndRest(layout, SECTION.export)
  const { fuel, memoryDenied } = globalsOf(layout)
  const start = layout.startFunction
  const out = new ByteWriter(rest.length + 64).u32(count + (start === undefined ? 2 : 3)).raw(rest)
  out.name(FUEL_EXPORT).u8(GLOBAL_EXPORT).u32(fuel)
  out.name(MEMORY_DENIED_EXPORT).u8(GLOBAL_EXPORT).u32(memoryDenied)
  if (start !== undefined) out.name(START_EXPORT).u8(FUNCTION_EXPORT).u32(start)
  return out.done()
}

function countAndRest({ bytes, sections }: ModuleLayout, id: number): { count: number; rest: Uint8Array } {
  const span = sections.get(id)
  if (!span) return { count: 0, rest: new Uint8Array() }
  const reader = new ByteReader(bytes, span.start, span.end)
  return { count: reader.u32(), rest: bytes.subarray(reader.at, span.end) }
}

function globalsOf({ globalCount }: ModuleLayout) {
  return { fuel: globalCount, memoryDenied: globalCount + 1 }
}

function codeSection(layout: ModuleLayout): Uint8Array {
  const { bytes, bodies, functionTypes, importedFunctions } = layout
  const globals = globalsOf(layout)
  const out = new ByteWriter(bytes.length * 2)
  const written = new ByteWriter(4096)
  out.u32(bodies.length)
  bodies.forEach((body, i) => {
    written.clear()
    const type = functionTypes[importedFunctions + i]!
    writeMeteredBody(written, { bytes, body, type }, layout, globals)
    out.u32(written.length).append(written)
  })
  return out.done()
}

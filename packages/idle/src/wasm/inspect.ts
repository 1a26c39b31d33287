import { ByteReader } from './byte-reader.ts'
import { WASI_SIGNATURES, WASI_MODULE } from '../wasi/signatures.ts'
import { RESERVED_PREFIX } from './names.ts'
import {
  type FunctionType,
  type ModuleExport,
  type ModuleImport,
  type ModuleLayout,
  type Span,
  readModule,
} from './module-layout.ts'
import { type Instruction, readInstruction } from './opcodes.ts'
import { skipLocals } from './locals.ts'
import { ProgramError } from './program-error.ts'

export const WASM_PAGE_BYTES = 65_536

/** What a program may be at most. */
export interface ModuleLimits {
  readonly moduleBytes: number
  readonly functions: number
  /** Bytes of one function's code: engines take time that grows faster than a function does. */
  readonly bodyBytes: number
  /** Of linear memory when it starts, and the most it may ever grow to. */
  readonly memoryBytes: number
  readonly tableEntries: number
}

export const DEFAULT_MODULE_LIMITS: ModuleLimits = {
  moduleBytes: 64 * 1024 * 1024,
  functions: 200_000,
  // V8 refuses bodies over 7,654,321 bytes, and fuel makes one at most about three times as large.
  bodyBytes: 2_000_000,
  memoryBytes: 1024 * 1024 * 1024,
  tableEntries: 1_000_000,
}

/** One is usual; each may take memory outside the program's own. */
const MOST_TABLES = 16

/** What a module says about itself. */
export interface ModuleFacts {
  readonly moduleBytes: number
  readonly imports: readonly ModuleImport[]
  readonly exports: readonly ModuleExport[]
  readonly memory: { readonly minPages: number; readonly maxPages: number | undefined } | undefined
  readonly hasStartFunction: boolean
  readonly functions: number
  readonly largestBodyBytes: number
}

/**
 * Reads a program and refuses what would not run, each reason with what to change.
 * Limits left out are `DEFAULT_MODULE_LIMITS`.
 *
 * @throws {ProgramError}
 */
export function inspectModule(bytes: Uint8Array, limits: Partial<ModuleLimits> = {}): ModuleFacts {
  return inspect(bytes, { ...DEFAULT_MODULE_LIMITS, ...limits }).facts
}

/** The same, for the code of this folder that goes on with the layout. */
export function inspect(bytes: Uint8Array, limits: ModuleLimits): { facts: ModuleFacts; layout: ModuleLayout } {
  atMost(bytes.length, limits.moduleBytes, 'bytes')
  const layout = readModule(bytes)
  const facts = factsOf(layout)
  atMost(facts.functions, limits.functions, 'functions')
  atMost(facts.largestBodyBytes, limits.bodyBytes, 'bytes in one function')
  atMost(layout.tables.length, MOST_TABLES, 'tables')
  for (const table of layout.tables) atMost(table.min, limits.tableEntries, 'table entries')
  layout.imports.forEach(checkImport)
  checkExports(layout)
  checkMemory(facts, limits.memoryBytes)
  // Before the engine looks: it would name a feature it lacks only by a byte.
  layout.bodies.forEach((body) => checkInstructions(bytes, body))
  validate(bytes)
  return { facts, layout }
}

function factsOf(layout: ModuleLayout): ModuleFacts {
  const { memory } = layout
  return {
    moduleBytes: layout.bytes.length,
    imports: layout.imports,
    exports: layout.exports,
    memory: memory && { minPages: memory.min, maxPages: memory.max },
    hasStartFunction: layout.startFunction !== undefined,
    functions: layout.bodies.length,
    largestBodyBytes: layout.bodies.reduce((largest, { start, end }) => Math.max(largest, end - start), 0),
  }
}

function checkImport({ module, name, kind, type }: ModuleImport): void {
  const offered = module === WASI_MODULE && kind === 'function' ? WASI_SIGNATURES.get(name) : undefined
  if (!offered || !type) {
    throw new ProgramError({ code: 'program.import_not_offered', module: clip(module), name: clip(name) })
  }
  if (offered.params === type.params && offered.results === type.results) return
  const [expected, found] = [signature(offered), signature(type)]
  throw new ProgramError({ code: 'program.import_mismatch', module, name, expected, found })
}

function checkExports({ exports, functionTypes }: ModuleLayout): void {
  const reserved = exports.find(({ name }) => name.startsWith(RESERVED_PREFIX))
  if (reserved) throw new ProgramError({ code: 'program.reserved_export', name: clip(reserved.name) })
  const start = exports.find(({ name, kind }) => name === '_start' && kind === 'function')
  const type = start && functionTypes[start.index]
  if (!type || type.params !== '' || type.results !== '') throw new ProgramError({ code: 'program.no_start' })
}

function checkMemory({ memory }: ModuleFacts, memoryBytes: number): void {
  const neededBytes = (memory?.minPages ?? 0) * WASM_PAGE_BYTES
  if (neededBytes <= memoryBytes) return
  const [neededMiB, limitMiB] = [neededBytes, memoryBytes].map((bytes) => Math.ceil(bytes / 1024 / 1024))
  throw new ProgramError({ code: 'program.memory_over_limit', neededMiB: neededMiB!, limitMiB: limitMiB! })
}

/** Whether every instruction is one that fuel can be counted for. */
function checkInstructions(bytes: Uint8Array, { start, end }: Span): void {
  const code = new ByteReader(bytes, start, end)
  skipLocals(code)
  const instruction: Instruction = { at: 0, opcode: 0, operand: 0, labels: [] }
  while (!code.isDone) readInstruction(code, instruction)
}

function validate(bytes: Uint8Array): void {
  const module = bytes as Uint8Array<ArrayBuffer>
  if (WebAssembly.validate(module)) return
  throw new ProgramError({ code: 'program.invalid', reason: reasonOf(module) })
}

/** Compiles only to learn the engine's reason: `validate` says no more than no. */
function reasonOf(module: Uint8Array<ArrayBuffer>): string {
  try {
    void new WebAssembly.Module(module)
    return 'the engine refuses it'
  } catch (fault) {
    const text = fault instanceof Error ? fault.message : String(fault)
    return clip(text.replace(/^WebAssembly\.Module\(\): /, ''), 200)
  }
}

function atMost(size: number, limit: number, what: string): void {
  if (size > limit) throw new ProgramError({ code: 'program.too_large', what, size, limit })
}

function signature({ params, results }: FunctionType): string {
  return `(${spell(params)}) -> (${spell(results)})`
}

const SPELLED: Readonly<Record<string, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128', r: 'ref' }

function spell(letters: string): string {
  return clip(Array.from(letters, (letter) => SPELLED[letter]!).join(', '), 100)
}

function clip(text: string, length = 80): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

import { ByteReader } from './byte-reader.ts'
import { OP, readReferenceType, readValueType, refuseFeature } from './opcodes.ts'
import { ProgramError } from './program-error.ts'

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const

/** Sections come in this order, each at most once (core 2.0, section 5.5.2). */
export const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]

export type ExternKind = 'function' | 'table' | 'memory' | 'global'

export interface FunctionType {
  /** One letter a value: i32 `i`, i64 `I`, f32 `f`, f64 `F`, v128 `v`, references `r`. */
  readonly params: string
  readonly results: string
}

export interface ModuleImport {
  readonly module: string
  readonly name: string
  readonly kind: ExternKind
  /** Of a function. */
  readonly type?: FunctionType
}

export interface ModuleExport {
  readonly name: string
  readonly kind: ExternKind
  readonly index: number
}

/** Minimum and maximum of a memory in pages of 64 KiB, or of a table in entries. */
export interface Limits {
  readonly min: number
  readonly max: number | undefined
}

export interface Span {
  readonly start: number
  readonly end: number
}

/** Where everything lies in a module, and what its indices mean. Nothing is copied. */
export interface ModuleLayout {
  readonly bytes: Uint8Array
  readonly sections: ReadonlyMap<number, Span>
  /** Function, local and other names for stack traces; other custom sections are not kept. */
  readonly nameSection: Span | undefined
  readonly types: readonly FunctionType[]
  readonly imports: readonly ModuleImport[]
  /** Of every function, imported ones first. */
  readonly functionTypes: readonly FunctionType[]
  readonly importedFunctions: number
  readonly globalCount: number
  readonly tables: readonly TableLimits[]
  readonly memory: Limits | undefined
  readonly exports: readonly ModuleExport[]
  readonly startFunction: number | undefined
  /** Of every function that is not imported: its locals and instructions. */
  readonly bodies: readonly Span[]
}

export interface TableLimits extends Limits {
  readonly referenceType: number
}

/** Far above what compilers make and within what engines accept, so that no count in a file can exhaust us. */
const MOST_ITEMS = 1_000_000

/**
 * Reads a module's outline. It is stricter than an engine in features and looser in types: a module that passes must
 * still be validated by the engine before anything is concluded from it.
 *
 * @throws {ProgramError} for anything that is not a module of WebAssembly 2.0 (plus tail calls and extended constants).
 */
export function readModule(bytes: Uint8Array): ModuleLayout {
  const file = new ByteReader(bytes)
  checkPreamble(bytes)
  file.skip(8)
  const { sections, nameSection } = readSections(file)
  const section = (id: number) => {
    const span = sections.get(id)
    return span && new ByteReader(bytes, span.start, span.end)
  }

  const types = whole(section(SECTION.type), readTypes) ?? []
  const imported = whole(section(SECTION.import), (reader) => readImports(reader, types)) ?? NO_IMPORTS
  const defined = whole(section(SECTION.function), (reader) => readFunctions(reader, types)) ?? []
  const tables = whole(section(SECTION.table), readTables) ?? []
  const memory = whole(section(SECTION.memory), readMemory)
  const globals = whole(section(SECTION.global), readGlobals) ?? 0
  const bodies = whole(section(SECTION.code), readBodies) ?? []
  if (bodies.length !== defined.length) file.refuse('functions and code do not match')
  return {
    bytes,
    sections,
    nameSection,
    types,
    imports: imported.list,
    functionTypes: [...imported.functions, ...defined],
    importedFunctions: imported.functions.length,
    globalCount: imported.globals + globals,
    tables,
    memory,
    exports: whole(section(SECTION.export), readExports) ?? [],
    startFunction: whole(section(SECTION.start), (reader) => reader.u32()),
    bodies,
  }
}

function checkPreamble(bytes: Uint8Array): void {
  const starts = (...magic: number[]) => magic.every((byte, i) => bytes[i] === byte)
  const reason =
    bytes.length === 0
      ? 'the file is empty'
      : !starts(0x00, 0x61, 0x73, 0x6d)
        ? looksLike(bytes)
        : bytes[4] === 0x0d || bytes[6] === 0x01
          ? 'it is a component (WASI preview 2), not a core module'
          : bytes.length < 8 || bytes[4] !== 1 || bytes[5] !== 0 || bytes[6] !== 0 || bytes[7] !== 0
            ? 'its version is not 1'
            : undefined
  if (reason) throw new ProgramError({ code: 'program.not_a_module', reason })
}

function looksLike(bytes: Uint8Array): string {
  const head = String.fromCharCode(...bytes.subarray(0, 8))
  if (head.startsWith('\x7fELF')) return 'it is a native Linux program'
  if (head.startsWith('MZ')) return 'it is a native Windows program'
  if (head.startsWith('(module') || head.startsWith(';;')) return 'it is WebAssembly text, not binary'
  if (head.startsWith('#!')) return 'it is a script'
  return 'it does not begin with the bytes of one'
}

function readSections(file: ByteReader): Pick<ModuleLayout, 'sections' | 'nameSection'> {
  const sections = new Map<number, Span>()
  let nameSection: Span | undefined
  let last = -1
  while (!file.isDone) {
    const id = file.u8()
    const content = file.part(file.u32())
    const span = { start: content.at, end: content.end }
    if (id === SECTION.custom) {
      if (content.name() === 'name') nameSection = span
      continue
    }
    if (id === SECTION.tag) refuseFeature('exception handling')
    const order = SECTION_ORDER.indexOf(id)
    if (order < 0) file.refuse(`section ${id} is unknown`)
    if (order <= last) file.refuse('sections are out of order')
    last = order
    sections.set(id, span)
  }
  return { sections, nameSection }
}

function whole<T>(section: ByteReader | undefined, read: (section: ByteReader) => T): T | undefined {
  if (!section) return undefined
  const result = read(section)
  if (!section.isDone) section.refuse('a section is longer than its content')
  return result
}

function list<T>(section: ByteReader, what: string, read: (section: ByteReader) => T): T[] {
  const count = section.count(what, MOST_ITEMS)
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(read(section))
  return items
}

const LETTERS: Readonly<Record<number, string>> = { 0x7f: 'i', 0x7e: 'I', 0x7d: 'f', 0x7c: 'F', 0x7b: 'v' }

function readTypes(section: ByteReader): FunctionType[] {
  const letters = () => list(section, 'values', (reader) => LETTERS[readValueType(reader)] ?? 'r').join('')
  return list(section, 'types', () => {
    const form = section.u8()
    if (form !== 0x60) refuseFeature('garbage-collected types')
    return { params: letters(), results: letters() }
  })
}

interface Imported {
  readonly list: readonly ModuleImport[]
  readonly functions: readonly FunctionType[]
  readonly globals: number
}

const NO_IMPORTS: Imported = { list: [], functions: [], globals: 0 }

function readImports(section: ByteReader, types: readonly FunctionType[]): Imported {
  const found = list(section, 'imports', (reader) => readImport(reader, types))
  return {
    list: found,
    functions: found.flatMap((item) => item.type ?? []),
    globals: found.filter((item) => item.kind === 'global').length,
  }
}

function readImport(section: ByteReader, types: readonly FunctionType[]): ModuleImport {
  const module = section.name()
  const name = section.name()
  const kind = section.u8()
  switch (kind) {
    case 0:
      return { module, name, kind: 'function', type: typeAt(section, types) }
    case 1:
      readReferenceType(section)
      readLimits(section)
      return { module, name, kind: 'table' }
    case 2:
      readLimits(section)
      return { module, name, kind: 'memory' }
    case 3:
      readValueType(section)
      section.u8()
      return { module, name, kind: 'global' }
    case 4:
      return refuseFeature('exception handling')
    default:
      return section.refuse('an import of an unknown kind')
  }
}

function typeAt(section: ByteReader, types: readonly FunctionType[]): FunctionType {
  return types[section.u32()] ?? section.refuse('a function has no such type')
}

function readFunctions(section: ByteReader, types: readonly FunctionType[]): FunctionType[] {
  return list(section, 'functions', (reader) => typeAt(reader, types))
}

function readTables(section: ByteReader): TableLimits[] {
  return list(section, 'tables', () => {
    const referenceType = section.bytes[section.at]!
    if (referenceType === 0x40) refuseFeature('tables with an initial value')
    readReferenceType(section)
    return { referenceType, ...readLimits(section) }
  })
}

function readMemory(section: ByteReader): Limits | undefined {
  const memories = list(section, 'memories', readLimits)
  if (memories.length > 1) refuseFeature('more than one memory')
  return memories[0]
}

function readLimits(section: ByteReader): Limits {
  const flags = section.u8()
  if (flags === 2 || flags === 3) refuseFeature('shared memory (threads)')
  if (flags >= 4 && flags <= 7) refuseFeature('64-bit memory')
  if (flags > 7) section.refuse('limits of an unknown kind')
  return { min: section.u32(), max: flags === 1 ? section.u32() : undefined }
}

function readGlobals(section: ByteReader): number {
  return list(section, 'globals', () => {
    readValueType(section)
    section.u8()
    skipConstant(section)
  }).length
}

/** Passes over a constant expression, its additions and multiplications of the extended form too. */
function skipConstant(section: ByteReader): void {
  for (;;) {
    const opcode = section.u8()
    switch (opcode) {
      case OP.end:
        return
      case OP.i32Const:
        section.skipSigned(5)
        break
      case OP.i64Const:
        section.skipSigned(10)
        break
      case 0x43:
        section.skip(4)
        break
      case 0x44:
        section.skip(8)
        break
      case OP.globalGet:
      case 0xd2:
        section.u32()
        break
      case 0xd0:
        readReferenceType(section)
        break
      case OP.simd:
        if (section.u32() !== 12) section.refuse('a constant is not constant')
        section.skip(16)
        break
      case 0x6a: // i32.add, sub, mul
      case 0x6b:
      case 0x6c:
      case 0x7c: // i64.add, sub, mul
      case 0x7d:
      case 0x7e:
        break
      default:
        refuseFeature('constants of an unknown kind')
    }
  }
}

const KINDS: readonly ExternKind[] = ['function', 'table', 'memory', 'global']

function readExports(section: ByteReader): ModuleExport[] {
  return list(section, 'exports', () => {
    const name = section.name()
    const kind = KINDS[section.u8()] ?? section.refuse('an export of an unknown kind')
    return { name, kind, index: section.u32() }
  })
}

function readBodies(section: ByteReader): Span[] {
  return list(section, 'functions', () => {
    const body = section.part(section.u32())
    return { start: body.at, end: body.end }
  })
}

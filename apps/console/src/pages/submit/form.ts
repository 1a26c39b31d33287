import type { JobDocument } from '@fog/contract'

/** The job document as a form holds it: everything a text while it is being typed. */
export interface JobForm {
  readonly name: string
  readonly program: string
  readonly each: EachForm
  /** One a line; see `linesOf`. */
  readonly args: string
  readonly env: readonly Pair[]
  /** Where a task sees the file, and the file. */
  readonly inputs: readonly Pair[]
  readonly stdin: string
  readonly tier: string
  readonly privacy: string
  readonly routing: string
  readonly resources: Readonly<Record<ResourceName, string>>
  readonly verify: 'auto' | 'none' | 'quorum'
  readonly quorum: string
  readonly budget: string
  readonly retries: string
  /** Labels a node must have. */
  readonly require: readonly Pair[]
  /** What a document says that the form has no field for: it stays as it is. */
  readonly kept: Readonly<Record<string, unknown>>
}

/** A document that the form can hold: one program, over what the form has fields for. */
export type FormDocument = Omit<JobDocument, 'program' | 'each' | 'steps'> & {
  readonly program: NonNullable<JobDocument['program']>
  readonly each?: Exclude<JobDocument['each'], { readonly lines: string } | { readonly matrix: object }>
}

/** What of a document the form cannot hold, with what to do instead. */
export function beyondForm({
  program,
  steps,
  each,
}: JobDocument): { readonly field: string; readonly text: string } | undefined {
  if (steps)
    return {
      field: 'steps',
      text: 'A job of several steps is submitted with `fog submit`; this page takes one program.',
    }
  if (!program) return { field: 'program', text: 'This is needed.' }
  const isBeyond = each !== undefined && ('lines' in each || 'matrix' in each)
  if (!isBeyond) return undefined
  return {
    field: 'each',
    text: 'A matrix, or a file of lines, is submitted with `fog submit`; here write the values out.',
  }
}

export type EachForm =
  | { readonly kind: 'once' }
  | { readonly kind: 'range'; readonly from: string; readonly to: string }
  | { readonly kind: 'values'; readonly lines: string }
  | { readonly kind: 'files'; readonly glob: string }

export interface Pair {
  readonly key: string
  readonly value: string
}

export const RESOURCES = ['cores', 'memoryMiB', 'diskMiB', 'wallSeconds', 'fuel', 'outputMiB'] as const
export type ResourceName = (typeof RESOURCES)[number]

const NO_RESOURCES = { cores: '', memoryMiB: '', diskMiB: '', wallSeconds: '', fuel: '', outputMiB: '' }

export const EMPTY_FORM: JobForm = {
  name: '',
  program: '',
  each: { kind: 'once' },
  args: '',
  env: [],
  inputs: [],
  stdin: '',
  tier: 'silver',
  privacy: 'public',
  routing: '',
  resources: NO_RESOURCES,
  verify: 'auto',
  quorum: '2',
  budget: '',
  retries: '',
  require: [],
  kept: {},
}

/**
 * The document a form stands for, whether it is valid or not: what is blank is left out, what is no number stays a text,
 * for the contract's schema to say what is wrong with it.
 */
export function documentOf(form: JobForm): Record<string, unknown> {
  const resources = Object.fromEntries(
    RESOURCES.filter((name) => form.resources[name].trim() !== '').map((name) => [
      name,
      numberOr(form.resources[name]),
    ]),
  )
  return present({
    ...form.kept,
    name: form.name,
    program: { kind: 'wasm', file: form.program },
    each: eachOf(form.each),
    args: form.args === '' ? undefined : linesOf(form.args),
    env: recordOf(form.env),
    inputs: recordOf(form.inputs),
    stdin: form.stdin || undefined,
    resources: Object.keys(resources).length > 0 ? resources : undefined,
    tier: form.tier || undefined,
    privacy: form.privacy || undefined,
    routing: form.routing || undefined,
    budget: form.budget.trim() === '' ? undefined : numberOr(form.budget),
    verify: form.verify === 'quorum' ? { quorum: numberOr(form.quorum) } : form.verify,
    retries: form.retries.trim() === '' ? undefined : numberOr(form.retries),
    require: recordOf(form.require),
  })
}

/** The form for a valid document. */
export function formOf(document: FormDocument): JobForm {
  const { name, program, each, args, env, inputs, stdin, resources = {}, verify = 'auto', ...job } = document
  const { tier, privacy, routing, budget, retries, require, ...kept } = job
  return {
    name,
    program: program.file,
    each: eachFormOf(each),
    args: textOfLines(args ?? []),
    env: pairsOf(env),
    inputs: pairsOf(inputs),
    stdin: stdin ?? '',
    tier: tier ?? '',
    privacy: privacy ?? '',
    routing: routing ?? '',
    resources: Object.fromEntries(
      RESOURCES.map((name) => [name, String(resources[name] ?? '')]),
    ) as JobForm['resources'],
    verify: typeof verify === 'object' ? 'quorum' : verify,
    quorum: typeof verify === 'object' ? String(verify.quorum) : EMPTY_FORM.quorum,
    budget: String(budget ?? ''),
    retries: String(retries ?? ''),
    require: pairsOf(require),
    kept,
  }
}

/** Lines of a text area as a list. `\n` stands for a line break inside an entry and `\\` for a backslash. */
export function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/\\(n|\\)/g, (_, what: string) => (what === 'n' ? '\n' : '\\')))
}

/** Undoes `linesOf`. */
export function textOfLines(lines: readonly string[]): string {
  return lines.map((line) => line.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')).join('\n')
}

function eachOf(each: EachForm): unknown {
  switch (each.kind) {
    case 'once':
      return undefined
    case 'range':
      return { range: [numberOr(each.from), numberOr(each.to)] }
    case 'values':
      return { values: each.lines === '' ? [] : linesOf(each.lines).map(plainNumberOr) }
    case 'files':
      return { glob: each.glob }
  }
}

function eachFormOf(each: FormDocument['each']): EachForm {
  if (!each) return { kind: 'once' }
  if ('range' in each) return { kind: 'range', from: String(each.range[0]), to: String(each.range[1]) }
  if ('glob' in each) return { kind: 'files', glob: each.glob }
  return { kind: 'values', lines: textOfLines(each.values.map(String)) }
}

function numberOr(text: string): number | string {
  const trimmed = text.trim()
  const value = Number(trimmed)
  return trimmed !== '' && Number.isFinite(value) ? value : text
}

// Only where nothing is lost: `007` and `1e3` are texts to a program.
function plainNumberOr(text: string): number | string {
  return String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text
}

function recordOf(pairs: readonly Pair[]): Record<string, string> | undefined {
  const filled = pairs.filter(({ key, value }) => key !== '' || value !== '')
  return filled.length === 0 ? undefined : Object.fromEntries(filled.map(({ key, value }) => [key, value]))
}

function pairsOf(record: Readonly<Record<string, string>> | undefined): Pair[] {
  return Object.entries(record ?? {}).map(([key, value]) => ({ key, value }))
}

function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

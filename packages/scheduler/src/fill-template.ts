import type { JobSpec } from './job.ts'
import type { Task } from './task.ts'

/** What fills the `{name}`s of a text. */
export interface Filling {
  readonly item: string
  /** Of the task within its step, or within the job where it has no steps. */
  readonly index: number
  /** Names for the parts of the item, where it was made of a matrix. */
  readonly placeholders?: readonly string[] | undefined
}

/** The parts of a matrix's item stand between these, so no value of a matrix holds one. */
export const PART_SEPARATOR = ','

const NAME = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** Fills `{item}`, `{index}` and the names of a matrix, each once; other names stay as they are. */
export function fillTemplate(text: string, { item, index, placeholders = [] }: Filling): string {
  if (!text.includes('{')) return text
  const parts = placeholders.length === 0 ? [] : item.split(PART_SEPARATOR)
  return text.replaceAll(NAME, (whole, name: string) => {
    if (name === 'item') return item
    if (name === 'index') return String(index)
    const at = placeholders.indexOf(name)
    return at === -1 ? whole : (parts[at] ?? whole)
  })
}

/** What fills the templates of a task of this spec. */
export function fillingOf({ placeholders, step }: JobSpec, { item, index }: Pick<Task, 'item' | 'index'>): Filling {
  return { item, index: index - (step?.first ?? 0), placeholders }
}

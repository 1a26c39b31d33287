import type { Draft } from './use-draft.ts'

/** What every part of the submit form is given. */
export interface FieldsProps {
  readonly draft: Draft
  /** What is wrong, by the field of the document. */
  readonly faults: ReadonlyMap<string, string>
}

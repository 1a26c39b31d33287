import { countOf } from '../../format/format.ts'
import { TextArea, TextField } from '../../parts/field.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { type EachForm, linesOf } from './form.ts'
import type { FieldsProps } from './fields-props.ts'
import type { Draft } from './use-draft.ts'

const KINDS = [
  { value: 'once', text: 'Once' },
  { value: 'range', text: 'Numbers' },
  { value: 'values', text: 'Values' },
  { value: 'files', text: 'Files' },
] as const

const FRESH: Readonly<Record<EachForm['kind'], EachForm>> = {
  once: { kind: 'once' },
  range: { kind: 'range', from: '0', to: '100' },
  values: { kind: 'values', lines: '' },
  files: { kind: 'files', glob: '*' },
}

/** What a job is mapped over: a range, values, files, or nothing at all. */
export function EachFields({ draft, faults }: FieldsProps) {
  const { each } = draft.form
  const set = (next: EachForm) => draft.setForm((before) => ({ ...before, each: next }))
  return (
    <div className="space-y-4">
      <Segmented label="Run it for each of" value={each.kind} options={KINDS} onChange={(kind) => set(FRESH[kind])} />
      <Fields draft={draft} each={each} set={set} error={faults.get('each')} />
    </div>
  )
}

interface EachProps {
  readonly draft: Draft
  readonly each: EachForm
  readonly set: (each: EachForm) => void
  readonly error: string | undefined
}

function Fields({ draft, each, set, error }: EachProps) {
  switch (each.kind) {
    case 'once':
      return <p className="text-sm text-soft">The program runs a single time.</p>
    case 'range':
      return (
        <div className="grid grid-cols-2 gap-4">
          <TextField
            label="From"
            inputMode="numeric"
            value={each.from}
            onChange={(event) => set({ ...each, from: event.target.value })}
            error={error}
          />
          <TextField
            label="Up to, but not"
            inputMode="numeric"
            value={each.to}
            onChange={(event) => set({ ...each, to: event.target.value })}
          />
        </div>
      )
    case 'values':
      return (
        <TextArea
          label="Values"
          mono
          rows={5}
          spellCheck={false}
          placeholder={'red\ngreen\nblue'}
          hint={each.lines === '' ? 'One a line.' : `One a line: ${countOf(linesOf(each.lines).length, 'task')}.`}
          value={each.lines}
          onChange={(event) => set({ kind: 'values', lines: event.target.value })}
          error={error}
        />
      )
    case 'files':
      return (
        <TextField
          label="Pattern for files"
          mono
          spellCheck={false}
          autoComplete="off"
          placeholder="tiles/*.json"
          hint={`Matches ${countOf(draft.matching, 'chosen file')}. A task sees its file under /in, and {item} is that path.`}
          value={each.glob}
          onChange={(event) => set({ kind: 'files', glob: event.target.value })}
          error={error}
        />
      )
  }
}

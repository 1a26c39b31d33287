import { Plus, Trash2 } from 'lucide-react'
import { Button, IconButton } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { FileField } from './file-field.tsx'
import type { Pair } from './form.ts'
import type { FieldsProps } from './fields-props.ts'
import { baseName } from './shelf.ts'

/** Files that every task finds under `/in`. */
export function InputsFields({ draft, faults }: FieldsProps) {
  const { inputs } = draft.form
  const set = (change: (before: readonly Pair[]) => readonly Pair[]) =>
    draft.setForm((before) => ({ ...before, inputs: change(before.inputs) }))
  const replace = (place: number, pair: Partial<Pair>) =>
    set((before) => before.map((other, at) => (at === place ? { ...other, ...pair } : other)))
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">Inputs of every task</legend>
      <ul className="space-y-3">
        {inputs.map((input, place) => (
          <li
            key={place}
            className="grid grid-cols-[minmax(0,1fr)_auto] gap-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]"
          >
            <TextField
              label={`Path of input ${place + 1}`}
              labelHidden
              mono
              spellCheck={false}
              placeholder="/in/palette.txt"
              value={input.key}
              onChange={(event) => replace(place, { key: event.target.value })}
              error={faults.get(`inputs.${input.key}`)}
            />
            <div className="max-sm:order-last max-sm:col-span-2">
              <FileField
                label={`File of input ${place + 1}`}
                labelHidden
                draft={draft}
                path={input.value}
                onPath={(path) =>
                  replace(place, { value: path, ...(isFresh(input.key) && { key: `/in/${baseName(path)}` }) })
                }
                error={undefined}
              />
            </div>
            <IconButton
              label={`Remove input ${place + 1}`}
              onClick={() => set((before) => before.filter((_, at) => at !== place))}
            >
              <Trash2 size={16} aria-hidden="true" />
            </IconButton>
          </li>
        ))}
      </ul>
      <Button
        size="small"
        className={inputs.length > 0 ? 'mt-3' : undefined}
        icon={<Plus size={15} aria-hidden="true" />}
        onClick={() => set((before) => [...before, { key: '/in/', value: '' }])}
      >
        Add an input
      </Button>
    </fieldset>
  )
}

function isFresh(path: string): boolean {
  return path === '' || path === '/in/'
}

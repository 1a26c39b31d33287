import { Plus, Trash2 } from 'lucide-react'
import { Button, IconButton } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import type { Pair } from './form.ts'

interface PairsFieldsProps {
  readonly title: string
  readonly keyLabel: string
  readonly valueLabel: string
  readonly addLabel: string
  readonly pairs: readonly Pair[]
  readonly onPairs: (pairs: readonly Pair[]) => void
  readonly faultOf: (key: string) => string | undefined
}

/** Names with values, as many as one likes. */
export function PairsFields({ title, keyLabel, valueLabel, addLabel, pairs, onPairs, faultOf }: PairsFieldsProps) {
  const replace = (place: number, pair: Partial<Pair>) =>
    onPairs(pairs.map((other, at) => (at === place ? { ...other, ...pair } : other)))
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">{title}</legend>
      <ul className="space-y-2">
        {pairs.map((pair, place) => (
          <li key={place} className="grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto] gap-2">
            <TextField
              label={`${keyLabel} ${place + 1}`}
              labelHidden
              mono
              spellCheck={false}
              autoComplete="off"
              placeholder={keyLabel}
              value={pair.key}
              onChange={(event) => replace(place, { key: event.target.value })}
              error={faultOf(pair.key)}
            />
            <TextField
              label={`${valueLabel} ${place + 1}`}
              labelHidden
              mono
              spellCheck={false}
              autoComplete="off"
              placeholder={valueLabel}
              value={pair.value}
              onChange={(event) => replace(place, { value: event.target.value })}
            />
            <IconButton
              label={`Remove ${keyLabel.toLowerCase()} ${place + 1}`}
              onClick={() => onPairs(pairs.filter((_, at) => at !== place))}
            >
              <Trash2 size={16} aria-hidden="true" />
            </IconButton>
          </li>
        ))}
      </ul>
      <Button
        size="small"
        className={pairs.length > 0 ? 'mt-2' : undefined}
        icon={<Plus size={15} aria-hidden="true" />}
        onClick={() => onPairs([...pairs, { key: '', value: '' }])}
      >
        {addLabel}
      </Button>
    </fieldset>
  )
}

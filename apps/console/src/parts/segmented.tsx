import { classes } from './classes.ts'

interface SegmentedProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly options: readonly { readonly value: Value; readonly text: string; readonly count?: string | undefined }[]
  readonly onChange: (value: Value) => void
}

/** A few exclusive choices side by side: radio buttons in other clothes, so the keyboard works as expected. */
export function Segmented<Value extends string>({ label, value, options, onChange }: SegmentedProps<Value>) {
  return (
    <fieldset className="max-w-full min-w-0">
      <legend className="sr-only">{label}</legend>
      <div className="inline-flex max-w-full gap-0.5 overflow-x-auto rounded-lg bg-sunken p-0.5">
        {options.map((option) => (
          <label
            key={option.value}
            className={classes(
              'relative inline-flex h-8 items-center gap-1.5 rounded-md px-2.5 text-[0.8125rem] font-medium whitespace-nowrap transition-colors has-focus-visible:outline-2 has-focus-visible:-outline-offset-1 has-focus-visible:outline-accent',
              option.value === value ? 'bg-surface text-ink shadow-card' : 'cursor-pointer text-soft hover:text-ink',
            )}
          >
            <input
              type="radio"
              name={label}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              className="absolute inset-0 appearance-none opacity-0"
            />
            {option.text}
            {option.count !== undefined && <span className="figures font-normal text-faint">{option.count}</span>}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react'
import { ChevronDown } from 'lucide-react'
import { classes } from './classes.ts'

const CONTROL =
  'w-full rounded-lg border border-edge/70 bg-surface px-3 text-ink transition-colors placeholder:text-faint hover:border-edge aria-invalid:border-bad focus-visible:outline-offset-0'

interface Labelled {
  readonly label: string
  /** Below the control, before anything is wrong. */
  readonly hint?: ReactNode
  /** What is wrong with it. */
  readonly error?: string | undefined
  /** Shown only to screen readers where the place makes it plain. */
  readonly labelHidden?: boolean
}

interface Described {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
}

/** Label, control, and the line below that helps or says what is wrong. */
export function Labelled({
  label,
  hint,
  error,
  labelHidden,
  children,
}: Labelled & { children: (described: Described) => ReactNode }) {
  const id = useId()
  const below = `${id}-below`
  const described = {
    id,
    'aria-describedby': hint || error ? below : undefined,
    'aria-invalid': error ? (true as const) : undefined,
  }
  return (
    <div className="min-w-0">
      <label htmlFor={id} className={labelHidden ? 'sr-only' : 'mb-1.5 block text-sm font-medium'}>
        {label}
      </label>
      {children(described)}
      {(error || hint) && (
        <p id={below} className={classes('mt-1.5 text-[0.8125rem]', error ? 'text-bad' : 'text-faint')}>
          {error ?? hint}
        </p>
      )}
    </div>
  )
}

type Rest<Attributes> = Omit<Attributes, 'id' | 'aria-describedby' | 'aria-invalid'>

export function TextField({
  label,
  hint,
  error,
  labelHidden,
  mono,
  ...rest
}: Labelled & { mono?: boolean } & Rest<InputHTMLAttributes<HTMLInputElement>>) {
  return (
    <Labelled label={label} hint={hint} error={error} {...(labelHidden && { labelHidden })}>
      {(described) => (
        <input {...described} {...rest} className={classes(CONTROL, 'h-10', mono && 'font-mono text-[0.8125rem]')} />
      )}
    </Labelled>
  )
}

export function TextArea({
  label,
  hint,
  error,
  labelHidden,
  mono,
  className,
  ...rest
}: Labelled & { mono?: boolean } & Rest<TextareaHTMLAttributes<HTMLTextAreaElement>>) {
  return (
    <Labelled label={label} hint={hint} error={error} {...(labelHidden && { labelHidden })}>
      {(described) => (
        <textarea
          {...described}
          {...rest}
          className={classes(CONTROL, 'block py-2 leading-relaxed', mono && 'font-mono text-[0.8125rem]', className)}
        />
      )}
    </Labelled>
  )
}

export interface Choice {
  readonly value: string
  readonly text: string
}

/** A choice of a few, by the browser's own list: right on a phone and by keyboard. */
export function Choose({
  label,
  hint,
  error,
  labelHidden,
  choices,
  ...rest
}: Labelled & { choices: readonly Choice[] } & Rest<SelectHTMLAttributes<HTMLSelectElement>>) {
  return (
    <Labelled label={label} hint={hint} error={error} {...(labelHidden && { labelHidden })}>
      {(described) => (
        <div className="relative">
          <select {...described} {...rest} className={classes(CONTROL, 'h-10 appearance-none pr-9')}>
            {choices.map(({ value, text }) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
          <ChevronDown size={16} aria-hidden="true" className="pointer-events-none absolute top-3 right-3 text-faint" />
        </div>
      )}
    </Labelled>
  )
}

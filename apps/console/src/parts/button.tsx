import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { LoaderCircle } from 'lucide-react'
import { classes } from './classes.ts'

export type ButtonKind = 'primary' | 'plain' | 'quiet' | 'danger'

const BASE =
  'inline-flex select-none items-center justify-center gap-2 rounded-lg font-medium whitespace-nowrap transition-colors duration-150 disabled:opacity-55 aria-disabled:opacity-55'
const KINDS: Record<ButtonKind, string> = {
  primary: 'bg-accent text-on-accent enabled:hover:bg-accent-hover',
  plain: 'border border-edge/45 bg-surface text-ink shadow-card enabled:hover:border-edge',
  quiet: 'text-soft enabled:hover:bg-sunken enabled:hover:text-ink',
  danger: 'border border-bad/40 bg-surface text-bad enabled:hover:bg-bad-tint',
}
const SIZES = { small: 'min-h-8 px-2.5 text-[0.8125rem]', medium: 'min-h-10 px-3.5 text-sm' }

/** How a button looks, for links and triggers that are to look like one. */
export function buttonClass(kind: ButtonKind = 'plain', size: keyof typeof SIZES = 'medium'): string {
  return classes(BASE, KINDS[kind], SIZES[size])
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: ButtonKind
  readonly size?: keyof typeof SIZES
  /** Shows that it works and takes no second click. */
  readonly busy?: boolean
  readonly icon?: ReactNode
}

export function Button({
  kind = 'plain',
  size = 'medium',
  busy = false,
  icon,
  children,
  className,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={rest.disabled || busy}
      aria-busy={busy || undefined}
      className={classes(buttonClass(kind, size), className)}
    >
      {busy ? <LoaderCircle size={16} className="animate-spin" aria-hidden="true" /> : icon}
      {children}
    </button>
  )
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** What it does: read out, and shown on hover. */
  readonly label: string
}

/** A button that is only a picture. */
export function IconButton({ label, children, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={classes(
        'inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-soft transition-colors hover:bg-sunken hover:text-ink',
        className,
      )}
    >
      {children}
    </button>
  )
}

import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { shortId } from '../format/format.ts'
import { classes } from './classes.ts'

const SHOWN_MS = 1600

/** Puts text on the clipboard; answers whether it is there. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

// Pages that are not secure (plain http on a home network) have no clipboard; the old way still works there.
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.style.position = 'fixed'
  area.style.opacity = '0'
  document.body.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  return copied
}

/** A small button that copies and says so. */
export function CopyButton({ text, label, className }: { text: string; label: string; className?: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={() => void copyText(text).then(setCopied)}
      className={classes(
        'inline-flex size-7 shrink-0 items-center justify-center rounded-md text-faint transition-colors hover:bg-sunken hover:text-ink',
        className,
      )}
    >
      {copied ? <Check size={14} className="text-good" aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
      <span role="status" className="sr-only">
        {copied ? 'Copied' : ''}
      </span>
    </button>
  )
}

/** An id, shortened, whole on hover and by copying. */
export function IdText({ id }: { id: string }) {
  return (
    <span className="inline-flex items-center gap-0.5 align-middle">
      <code title={id} className="font-mono text-[0.8125rem] whitespace-nowrap text-soft">
        {shortId(id)}
      </code>
      <CopyButton text={id} label={`Copy ${id}`} />
    </span>
  )
}

/** A command or a secret to be copied whole. */
export function CopyBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className="flex items-start gap-1 rounded-xl border border-line bg-sunken py-1.5 pr-1.5 pl-3.5">
      <code className="min-w-0 flex-1 py-1 font-mono text-[0.8125rem] break-all whitespace-pre-wrap">{text}</code>
      <CopyButton text={text} label={label} className="size-8 hover:bg-surface" />
    </div>
  )
}

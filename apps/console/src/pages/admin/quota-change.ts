import type { QuotaChange, QuotaView } from '@fog/contract'
import type { QuotaName } from '../account/quota-rows.ts'

/** Limits of an account as a form holds them; blank is as the settings say. */
export type QuotaForm = Readonly<Record<QuotaName, string>>

export function quotaForm({ openJobs, openTasks, cores, tokensPerDay }: QuotaView): QuotaForm {
  const ownOf = ({ own, limit }: { readonly own: boolean; readonly limit?: number | string }) =>
    own && limit !== undefined ? String(limit) : ''
  return {
    openJobs: ownOf(openJobs),
    openTasks: ownOf(openTasks),
    cores: ownOf(cores),
    tokensPerDay: ownOf(tokensPerDay),
  }
}

const WHOLE = /^\d{1,9}$/
const PATTERNS: Readonly<Record<QuotaName, { readonly fits: RegExp; readonly most: number; readonly wants: string }>> =
  {
    openJobs: { fits: WHOLE, most: 1_000_000, wants: 'A whole number up to 1000000, or nothing.' },
    openTasks: { fits: WHOLE, most: 100_000_000, wants: 'A whole number up to 100000000, or nothing.' },
    cores: { fits: /^\d{1,7}(\.\d{1,3})?$/, most: 1_000_000, wants: 'A number up to 1000000, or nothing.' },
    tokensPerDay: {
      fits: /^\d{1,15}(\.\d{1,6})?$/,
      most: Number.POSITIVE_INFINITY,
      wants: 'Tokens with at most six decimals, or nothing.',
    },
  }

/** What is wrong with each field. */
export function quotaFaults(form: QuotaForm): Partial<Record<QuotaName, string>> {
  const wrong = namesOf(form).filter((name) => {
    const text = form[name].trim()
    return text !== '' && (!PATTERNS[name].fits.test(text) || Number(text) > PATTERNS[name].most)
  })
  return Object.fromEntries(wrong.map((name) => [name, PATTERNS[name].wants]))
}

/** What differs between two forms, as the API takes it; the new one has no faults. */
export function quotaChange(before: QuotaForm, after: QuotaForm): QuotaChange {
  const changed = namesOf(after).filter((name) => before[name].trim() !== after[name].trim())
  return Object.fromEntries(changed.map((name) => [name, valueOf(name, after[name].trim())]))
}

function valueOf(name: QuotaName, text: string): number | string {
  if (text === '') return 'default'
  return name === 'tokensPerDay' ? text : Number(text)
}

function namesOf(form: QuotaForm): QuotaName[] {
  return Object.keys(form) as QuotaName[]
}
